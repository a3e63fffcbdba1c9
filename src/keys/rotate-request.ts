/** What a rotate request (api/rotate.ts) asks of a tunnel with static keys: its key files read, its defaults filled in. */
import type { KeyObject } from 'node:crypto';
import type { RotateBody } from '../api/rotate.ts';
import { defaultKeyId } from '../config/key-id.ts';
import { readKeyFile } from '../config/keys.ts';
import { isXpn, sakLen } from '../crypto/cipher-suite.ts';
import { L2vpnError } from '../errors.ts';
import { defaultSa, type SaConfig } from '../macsec/config.ts';
import { AN_COUNT } from '../macsec/counters.ts';
import type { SaControl } from '../tunnel/sa-control.ts';
import type { SaSet } from '../tunnel/sa-set.ts';
import type { RotationRequest } from './rotation.ts';

const DEFAULT_GRACE_MS = 10_000;
const DEFAULT_BACK_MS = 30_000;

/** What of a tunnel's SAs a request builds on. */
export type RunningSas = Pick<SaControl, 'cipher' | 'sas'>;

/** A request with the key files that static keys need. */
export type RotateFiles = RotateBody & { readonly txKeyFile: string; readonly rxKeyFile: string };

/** Throws L2VPN_USAGE where one is missing. */
export function withFiles(tunnel: string, body: RotateBody): RotateFiles {
  const { txKeyFile, rxKeyFile } = body;
  if (txKeyFile !== undefined && rxKeyFile !== undefined) return { ...body, txKeyFile, rxKeyFile };
  throw new L2vpnError(
    'L2VPN_USAGE',
    `rotate: tunnel "${tunnel}" has static keys: --tx-key-file and --rx-key-file are needed, or --abort`,
  );
}

/**
 * Does `body` ask for the change that is under way as `running`, but now? So two ends that wait for each other can be
 * set going. Throws L2VPN_KEYFILE.
 */
export function asksToMoveNow({ now, txKeyFile, rxKeyFile }: RotateFiles, running: RotationRequest): boolean {
  if (!now) return false;
  const { tx, rx } = running;
  return isKeyOf(tx, txKeyFile) && isKeyOf(rx, rxKeyFile);
}

function isKeyOf({ sak }: SaConfig, file: string): boolean {
  return readKeyFile(file, sak.symmetricKeySize!).equals(sak);
}

/** `tunnel` is for messages. Throws L2VPN_USAGE for what is wrong with the request, L2VPN_KEYFILE for a key file. */
export function rotationRequest(tunnel: string, running: RunningSas, body: RotateFiles): RotationRequest {
  const { cipher, sas } = running;
  const sci = body.sci?.toLowerCase() ?? onlySci(sas);
  const rxSc = sas.rxSc.find((sc) => sc.sci === sci);
  if (rxSc === undefined)
    throw new L2vpnError('L2VPN_USAGE', `rotate: tunnel "${tunnel}" has no rxSc ${sci}`);
  const an = body.an ?? nextAn(sas, rxSc.sa);
  const oldTx = sas.txSa.find((sa) => sa.an === sas.encodingSa);
  const common = { an, octets: sakLen(cipher), salt: body.salt };
  const tx = newSa({ ...common, file: body.txKeyFile, keyId: body.txKeyId, old: oldTx });
  const rx = newSa({ ...common, file: body.rxKeyFile, keyId: body.rxKeyId, old: rxSc.sa[0] });
  refuseOldKeys(sas, tx, rx);
  if (isXpn(cipher)) for (const sa of [tx, rx]) requireNonce(tunnel, sa);
  const { now = false, graceMs = DEFAULT_GRACE_MS, backMs = DEFAULT_BACK_MS } = body;
  return { tx, rx, sci, now, graceMs, backMs };
}

/**
 * The AN that follows the highest one which either direction uses. Both ends come to the same, whichever begins: what one
 * sends with the other receives with.
 */
function nextAn({ txSa }: SaSet, rxSas: readonly SaConfig[]): number {
  const used = [...txSa, ...rxSas].map(({ an }) => an);
  const highest = Math.max(...used, -1);
  for (let i = 1; i < AN_COUNT; i++) {
    const an = (highest + i) % AN_COUNT;
    if (!used.includes(an)) return an;
  }
  return (highest + 1) % AN_COUNT;
}

/** XPN: SSCI and salt come from an SA before, so there must be one. */
function requireNonce(tunnel: string, { ssci, salt }: SaConfig): void {
  if (ssci !== null && salt !== null) return;
  throw new L2vpnError(
    'L2VPN_USAGE',
    `rotate: tunnel "${tunnel}" has no SA to take the ssci of; put the new SAs into the configuration and reload`,
  );
}

function onlySci({ rxSc }: SaSet): string {
  const [only, ...others] = rxSc;
  if (only !== undefined && others.length === 0) return only.sci;
  throw new L2vpnError('L2VPN_USAGE', `rotate: there are ${rxSc.length} rxSc; name one with --sci`);
}

interface NewSa {
  readonly an: number;
  readonly file: string;
  /** Of the key. */
  readonly octets: number;
  readonly keyId: string | undefined;
  readonly salt: string | undefined;
  readonly old: SaConfig | undefined;
}

/** SSCI and, unless given, salt go on from the SA before; the key is what is new. */
function newSa({ an, file, octets, keyId, salt, old }: NewSa): SaConfig {
  const sak = readKeyFile(file, octets);
  return {
    an,
    pn: defaultSa.pn,
    keyId: keyId?.toLowerCase() ?? keyIdAfter(old, sak),
    sak,
    keyFile: file,
    stored: true,
    active: true,
    ssci: old?.ssci ?? null,
    salt: salt === undefined ? (old?.salt ?? null) : Buffer.from(salt, 'hex'),
  };
}

/** What a restart by the new file would show: an identifier made of the key, or the next one after a chosen one. */
function keyIdAfter(old: SaConfig | undefined, sak: KeyObject): string {
  if (old === undefined || old.keyId === defaultKeyId(old.sak)) return defaultKeyId(sak);
  return nextKeyId(old.keyId);
}

/** The identifier after `keyId`, as a number of the same length. */
function nextKeyId(keyId: string): string {
  const next = BigInt.asUintN(keyId.length * 4, BigInt(`0x${keyId}`) + 1n);
  return next.toString(16).padStart(keyId.length, '0');
}

/** A key that an SA has had must not come back: its packet numbers are used. */
function refuseOldKeys(sas: SaSet, tx: SaConfig, rx: SaConfig): void {
  const used = [...sas.txSa, ...sas.rxSc.flatMap(({ sa }) => sa)];
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
