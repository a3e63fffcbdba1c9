/** The body of `POST /v1/tunnels/NAME/rotate`: checked, its key files read. Keys never travel over the socket. */
import { z } from 'zod';
import { readKeyFile } from '../config/keys.ts';
import { isXpn, sakLen } from '../crypto/cipher-suite.ts';
import { L2vpnError } from '../errors.ts';
import { defaultSa, type MacsecConfig, type SaConfig } from '../macsec/config.ts';
import { AN_COUNT } from '../macsec/counters.ts';
import type { Tunnel } from '../tunnel/tunnel.ts';
import type { RotationRequest } from './rotation.ts';

const hex = (digits: number): z.ZodType<string> =>
  z.string().regex(new RegExp(`^[0-9a-fA-F]{${digits}}$`), `is not ${digits} hex digits`);

const keyId = (): z.ZodType<string> =>
  z.string().regex(/^([0-9a-fA-F]{2}){1,16}$/, 'is not hex of up to 16 octets');

/** What `l2vpnd rotate` sends. */
export interface RotateBody {
  txKeyFile: string;
  rxKeyFile: string;
  txKeyId?: string | undefined;
  rxKeyId?: string | undefined;
  an?: number | undefined;
  sci?: string | undefined;
  salt?: string | undefined;
  now?: boolean | undefined;
  graceMs?: number | undefined;
}

const BODY: z.ZodType<RotateBody> = z.strictObject({
  txKeyFile: z.string(),
  rxKeyFile: z.string(),
  txKeyId: keyId().optional(),
  rxKeyId: keyId().optional(),
  an: z.int().min(0).max(3).optional(),
  sci: hex(16).optional(),
  salt: hex(24).optional(),
  now: z.boolean().optional(),
  graceMs: z.number().min(0).max(86_400_000).optional(),
});

const DEFAULT_GRACE_MS = 10_000;

function parseBody(body: unknown): RotateBody {
  const parsed = BODY.safeParse(body);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw new L2vpnError('L2VPN_USAGE', `rotate: ${path.join('.')}: ${message}`);
}

/**
 * Does `body` ask for the change that is under way as `running`, but now? So two ends that wait for each other can be
 * set going. Throws as `parseRotation`.
 */
export function asksToMoveNow(body: unknown, running: RotationRequest): boolean {
  const { now, txKeyFile, rxKeyFile } = parseBody(body);
  if (!now) return false;
  const { tx, rx } = running;
  const octets = tx.sak.symmetricKeySize!;
  return readKeyFile(txKeyFile, octets).equals(tx.sak) && readKeyFile(rxKeyFile, octets).equals(rx.sak);
}

/** Throws L2VPN_USAGE for what is wrong with the request, L2VPN_KEYFILE for a key file. */
export function parseRotation(name: string, tunnel: Tunnel, body: unknown): RotationRequest {
  const request = parseBody(body);
  const macsec = tunnel.config.macsec!;
  const sci = request.sci?.toLowerCase() ?? onlySci(macsec);
  const rxSc = macsec.rxSc.find((sc) => sc.sci === sci);
  if (rxSc === undefined) throw new L2vpnError('L2VPN_USAGE', `rotate: tunnel "${name}" has no rxSc ${sci}`);
  const an = request.an ?? (macsec.encodingSa + 1) % AN_COUNT;
  const oldTx = macsec.txSa.find((sa) => sa.an === macsec.encodingSa);
  const octets = sakLen(macsec.cipher);
  const tx = newSa(an, request.txKeyFile, octets, request.txKeyId, oldTx, request.salt);
  const rx = newSa(an, request.rxKeyFile, octets, request.rxKeyId, rxSc.sa[0], request.salt);
  refuseOldKeys(macsec, tx, rx);
  if (isXpn(macsec.cipher)) for (const sa of [tx, rx]) requireNonce(name, sa);
  return {
    tunnel: name,
    tx,
    rx,
    sci,
    now: request.now ?? false,
    graceMs: request.graceMs ?? DEFAULT_GRACE_MS,
  };
}

/** XPN: SSCI and salt come from an SA before, so there must be one. */
function requireNonce(name: string, { ssci, salt }: SaConfig): void {
  if (ssci !== null && salt !== null) return;
  throw new L2vpnError(
    'L2VPN_USAGE',
    `rotate: tunnel "${name}" has no SA to take the ssci of; put the new SAs into the configuration and reload`,
  );
}

function onlySci(macsec: MacsecConfig): string {
  if (macsec.rxSc.length === 1) return macsec.rxSc[0]!.sci;
  throw new L2vpnError('L2VPN_USAGE', `rotate: there are ${macsec.rxSc.length} rxSc; name one with --sci`);
}

/** SSCI and, unless given, salt go on from the SA before; the key is what is new. */
function newSa(
  an: number,
  file: string,
  octets: number,
  id: string | undefined,
  old: SaConfig | undefined,
  salt: string | undefined,
): SaConfig {
  return {
    an,
    pn: defaultSa.pn,
    keyId: id?.toLowerCase() ?? nextKeyId(old?.keyId),
    sak: readKeyFile(file, octets),
    active: true,
    ssci: old?.ssci ?? null,
    salt: salt === undefined ? (old?.salt ?? null) : Buffer.from(salt, 'hex'),
  };
}

/** The identifier after `keyId`, as a number of the same length. */
function nextKeyId(keyId: string = '00'): string {
  const next = BigInt.asUintN(keyId.length * 4, BigInt(`0x${keyId}`) + 1n);
  return next.toString(16).padStart(keyId.length, '0');
}

/** A key that an SA has had must not come back: its packet numbers are used. */
function refuseOldKeys(macsec: MacsecConfig, tx: SaConfig, rx: SaConfig): void {
  const used = [...macsec.txSa, ...macsec.rxSc.flatMap(({ sa }) => sa)];
  for (const [what, sa] of [
    ['--tx-key-file', tx],
    ['--rx-key-file', rx],
  ] as const) {
    if (used.some(({ sak }) => sak.equals(sa.sak))) {
      throw new L2vpnError('L2VPN_KEYFILE', `rotate: ${what} holds a key that is in use; make a new one`);
    }
  }
  if (tx.sak.equals(rx.sak)) {
    throw new L2vpnError(
      'L2VPN_KEYFILE',
      'rotate: --tx-key-file and --rx-key-file hold the same key; each direction needs its own',
    );
  }
}
