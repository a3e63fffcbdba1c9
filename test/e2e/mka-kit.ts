/** What the end-to-end tests of key agreement share: sites with one CAK, what they have agreed on, who judges their wire. */
import { createSecretKey } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'vitest';
import type { GrePacket } from '../../lab/capture.ts';
import type { Background } from '../../lab/run.ts';
import type { LogLine, Site, TunnelChanges } from '../../lab/site.ts';
import type { Namespace } from '../../lab/topology.ts';
import type { AgreementSnapshot } from '../../src/api/agreement.ts';
import type { TunnelSnapshot } from '../../src/api/tunnel.ts';
import { decodeMkpdu, peekMkpdu } from '../../src/keys/mka/decode.ts';
import { deriveMkaKeys, unwrapSak } from '../../src/keys/mka/keys.ts';
import { unprotect } from './frames.ts';
import type { Lab } from './support.ts';

export const MKA: { readonly ckn: string; readonly cak: string } = { ckn: '6c32', cak: '5a'.repeat(32) };
export const WRONG_CAK = "the ICV of the peer's MKPDU is wrong: another CAK";
const [ETHERTYPE_EAPOL, ETHERTYPE_LINK_CONTROL, ETHERTYPE_MACSEC] = [0x888e, 0x88b5, 0x88e5];

type Settings = Record<string, unknown>;

/** The reference tunnel with key agreement; `mka` and `macsec` are laid over it. */
export function agreeing(mka: Settings = {}, macsec: Settings = {}, more: TunnelChanges = {}): TunnelChanges {
  return { ...more, macsec: { mka: { ...MKA, ...mka }, ...macsec } };
}

/** Both sites, started, with a SAK in use. */
export async function agreedSites(lab: Lab, changes: TunnelChanges): Promise<[Site, Site]> {
  const sites = await lab.bothSites(changes);
  await agreed(sites);
  return sites;
}

export async function agreementOf(site: Site): Promise<AgreementSnapshot> {
  const [tunnel] = (await site.control('/v1/tunnels')) as TunnelSnapshot[];
  expect(tunnel?.agreement).not.toBeNull();
  return tunnel!.agreement!;
}

/** The agreement of `site` as soon as `enough` says so. */
export async function agreementWhen(
  site: Site,
  enough: (agreement: AgreementSnapshot) => boolean,
  timeoutMs = 10_000,
): Promise<AgreementSnapshot> {
  for (const end = Date.now() + timeoutMs; ; await pause(20)) {
    const agreement = await agreementOf(site);
    if (enough(agreement)) return agreement;
    if (Date.now() > end) throw new Error(`${site.name}: never: ${enough}: ${JSON.stringify(agreement)}`);
  }
}

/** Waits until all sites send and receive with one SAK, another than `before`; returns its identifier. */
export async function agreed(sites: readonly Site[], before = '', timeoutMs = 10_000): Promise<string> {
  for (const end = Date.now() + timeoutMs; ; await pause(20)) {
    const all = await Promise.all(sites.map(agreementOf));
    const [{ latest }] = all as [AgreementSnapshot];
    const isCommon = all.every(
      (one) => one.latest?.ki === latest?.ki && one.latest?.transmits && one.latest.receives,
    );
    if (latest !== null && latest.ki !== before && isCommon && all.every((one) => one.live_peers > 0))
      return latest.ki;
    if (Date.now() > end)
      throw new Error(`no SAK in common: ${JSON.stringify(all.map((one) => one.latest))}`);
  }
}

/** Log lines of key agreement whose text matches. */
export function mkaLogs(site: Site, text: RegExp): LogLine[] {
  return site.logs().filter(({ msg }) => msg.startsWith('mka: ') && text.test(msg));
}

/** Lays `mka` over the key agreement in the file of `site`, and has it reloaded. */
export async function reloadMka(site: Site, mka: Settings): Promise<void> {
  const file = JSON.parse(await readFile(site.configPath, 'utf8')) as {
    tunnels: { macsec: { mka: Settings } }[];
  };
  Object.assign(file.tunnels[0]!.macsec.mka, mka);
  await writeFile(site.configPath, JSON.stringify(file));
  const { code, stderr } = await site.command('reload');
  expect([code, stderr]).toEqual([0, '']);
}

/** Two hundred pings per second. */
export class PingStream {
  readonly #ping: Background;

  constructor(from: Namespace, target: string) {
    this.#ping = from.start(['ping', '-n', '-q', '-i', '0.005', '-W', '1', target]);
  }

  /** Ends it, and returns how many were sent and how many came back. */
  async stop(): Promise<{ sent: number; lost: number }> {
    await this.#ping.stop('SIGINT');
    const text = this.#ping.lines.join('\n');
    const [, sent, received] = /(\d+) packets transmitted, (\d+) (?:packets )?received/.exec(text) ?? [];
    if (sent === undefined) throw new Error(`ping said: ${text}`);
    return { sent: Number(sent), lost: Number(sent) - Number(received) };
  }
}

/** Pings while `work` runs. The last ping may be on its way at the end: one more is lost then than were lost. */
export async function underPings(
  from: Namespace,
  target: string,
  work: () => Promise<unknown>,
): Promise<{ sent: number; lost: number }> {
  const pings = new PingStream(from, target);
  await work();
  const { sent, lost } = await pings.stop();
  return { sent, lost: Math.max(0, lost - 1) };
}

const etherTypeOf = ({ payload }: GrePacket): number => payload.readUInt16BE(12);

/** That nothing but key agreement, control frames and frames with a SecTAG went over the WAN. */
export function expectNothingClear(packets: readonly GrePacket[]): void {
  const clear = packets.filter(
    (packet) => ![ETHERTYPE_EAPOL, ETHERTYPE_LINK_CONTROL, ETHERTYPE_MACSEC].includes(etherTypeOf(packet)),
  );
  expect(clear.map(({ payload }) => payload.toString('hex'))).toEqual([]);
}

export const dataOf = (packets: readonly GrePacket[]): GrePacket[] =>
  packets.filter((packet) => etherTypeOf(packet) === ETHERTYPE_MACSEC);

/** The SAKs in hex that the MKPDUs among `packets` distribute under `cak`. */
export function saksIn(packets: readonly GrePacket[], { ckn, cak }: typeof MKA = MKA): string[] {
  const { ick, kek } = deriveMkaKeys(createSecretKey(cak, 'hex'), ckn);
  const saks = new Set<string>();
  for (const { payload } of packets) {
    const found = peekMkpdu(payload, Buffer.alloc(6));
    if (typeof found === 'string' || found.ckn !== ckn) continue;
    const mkpdu = decodeMkpdu(payload, found, ick);
    if (typeof mkpdu === 'string' || mkpdu.distributedSak === null) continue;
    saks.add(unwrapSak(kek, mkpdu.distributedSak.wrapped)!.export().toString('hex'));
  }
  return [...saks];
}

/**
 * Opens each protected frame among `packets` with the SAKs that were distributed there, all of them, and expects that no SAK
 * was ever used twice with one SCI and packet number. Returns how many frames and SAKs it has judged.
 */
export function expectNoPnTwice(packets: readonly GrePacket[]): { frames: number; saks: number } {
  const saks = saksIn(packets);
  const used = new Set<string>();
  const data = dataOf(packets);
  for (const { payload, secTag } of data) {
    const sci = secTag!.sci!;
    const sak = saks.find((one) => unprotect(payload, one, sci) !== undefined);
    expect(sak, `a frame of ${sci}, PN ${secTag!.pn}, under no SAK that was distributed`).toBeDefined();
    const nonce = `${saks.indexOf(sak!)} ${sci} ${secTag!.pn}`;
    expect(used.has(nonce), `SAK, SCI, PN ${nonce} twice`).toBe(false);
    used.add(nonce);
  }
  return { frames: data.length, saks: saks.length };
}
