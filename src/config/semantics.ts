/**
 * What a configuration means: the rules across fields. One function a level, each called by the schema where
 * the fields of that level have the right types; their text may still be unfit, which is told already. Rules
 * about keys need the keys, and are in keys.ts.
 *
 * Sources: `drivers/net/macsec.c` (macsec_validate_attr, macsec_add_txsa), iproute2's `ipmacsec.c`, 802.1AE 10.7.
 */

import { isXpn, sakLen } from '../crypto/cipher-suite.ts';
import { pnFromJson } from '../macsec/pn-json.ts';
import { sciOf } from '../wire/sci.ts';
import { addressFamily, canonicalAddress } from './fields.ts';
import { quote, type Report } from './problem.ts';
import type { RawConfig, RawGre, RawMacsec, RawRxSc, RawSa } from './raw.ts';

export const MAC: RegExp = /^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/;
/** The port that IANA gave to GRE-in-UDP (RFC 8086 §8). */
export const GRE_UDP_PORT = 4754;
const MAX_PN = 0xffffffff;
/** MACSEC_XPN_MAX_REPLAY_WINDOW of the kernel, 802.1AEbw 10.6.5. */
const MAX_XPN_WINDOW = 2 ** 30 - 1;
/** Widest replay window with a bitmap: 2 MiB of bits an association. */
export const MAX_BITMAP_WINDOW: number = 2 ** 24;
/** Longest path of a Unix socket (`sun_path` less its NUL). */
const MAX_SOCKET_PATH = 107;

export function checkGre(gre: RawGre, report: Report): void {
  if (gre.encap === 'none' && gre.port !== GRE_UDP_PORT) {
    report(['port'], 'belongs to encap "udp"; set "encap": "udp" or remove it');
  }
  if (gre.sourcePort === 'flow') checkFlowPorts(gre, report);
  if (gre.remote === 'dynamic') {
    if (gre.encap === 'none') report(['remote'], '"dynamic" needs "encap": "udp"');
    return;
  }
  const [local, remote] = [addressFamily(gre.local), addressFamily(gre.remote)];
  if (local === 0 || remote === 0) return;
  if (local !== remote) {
    report(['remote'], `"${gre.remote}" is IPv${remote} but gre.local "${gre.local}" is IPv${local}`);
  } else if (canonicalAddress(gre.local) === canonicalAddress(gre.remote)) {
    report(['remote'], `"${gre.remote}" is gre.local too; a tunnel has two ends`);
  }
}

function checkFlowPorts({ encap, remote }: RawGre, report: Report): void {
  if (encap === 'none') {
    report(['sourcePort'], '"flow" needs "encap": "udp": raw GRE has no ports to spread flows over');
  } else if (remote === 'dynamic') {
    const text =
      '"flow" does not go with "remote": "dynamic": a peer behind NAT hears only what comes from the port that it ' +
      'sends to, which is gre.port; remove one of them';
    report(['sourcePort'], text);
  }
}

export function checkSa(sa: RawSa, report: Report): void {
  if (sa.key === undefined && sa.keyFile === undefined) report(['key'], 'is required: "key" or "keyFile"');
  if (sa.key !== undefined && sa.keyFile !== undefined) {
    report(['keyFile'], 'stands beside "key"; keep one of them');
  }
  if (/^[0-9a-f]{32,}$/i.test(sa.keyFile ?? ''))
    report(['keyFile'], 'is no file name but hex; name it "key"');
}

export function checkRxSc(sc: RawRxSc, report: Report): void {
  if (sc.sci === undefined && sc.mac === undefined) {
    report(['mac'], 'is required: "mac" (and "port") or "sci" of the peer');
  }
  if (sc.sci !== undefined && (sc.mac !== undefined || sc.port !== undefined)) {
    report(['sci'], 'stands beside "mac" or "port"; keep one of them');
  }
  checkDuplicates(sc.sa, (sa) => sa.an, ['sa'], 'an', report);
}

/** The SCI of a channel as 16 lower-case hex digits, or null where it has none that is sound. */
export function rxScSci(sc: RawRxSc): string | null {
  if (sc.sci !== undefined) return sc.sci.toLowerCase();
  return sc.mac !== undefined && MAC.test(sc.mac) ? sciOf(sc.mac, sc.port ?? 1) : null;
}

export function checkMacsec(macsec: RawMacsec, report: Report): void {
  checkSci(macsec, report);
  checkReplay(macsec, report);
  checkDuplicates(macsec.txSa, (sa) => sa.an, ['txSa'], 'an', report);
  checkDuplicates(macsec.rxSc, rxScSci, ['rxSc'], 'sci', report);
  macsec.txSa.forEach((sa, i) => {
    checkSaOfCipher(macsec, sa, (path, text) => report(['txSa', i, ...path], text));
  });
  macsec.rxSc.forEach((sc, i) => {
    sc.sa.forEach((sa, j) => {
      checkSaOfCipher(macsec, sa, (path, text) => report(['rxSc', i, 'sa', j, ...path], text));
    });
  });
  if (macsec.mka !== null) checkNothingStatic(macsec, report);
  else if (macsec.protect && !macsec.txSa.some((sa) => sa.an === macsec.encodingSa)) {
    report(['encodingSa'], `is ${macsec.encodingSa}, but no txSa has that an; nothing could be sent`);
  }
}

/** With key agreement nobody names an SA, and there is something to agree on. */
function checkNothingStatic({ txSa, rxSc, encodingSa, protect }: RawMacsec, report: Report): void {
  const foreign = { txSa: txSa.length > 0, rxSc: rxSc.length > 0, encodingSa: encodingSa !== 0 };
  for (const [name, isSet] of Object.entries(foreign)) {
    if (isSet) report([name], 'belongs to static keys and stands beside "mka"; keep one of them');
  }
  if (!protect) report(['protect'], 'is false, which leaves "mka" nothing to agree on; remove one of them');
}

/** The combinations that `ip link … type macsec` refuses. */
function checkSci(macsec: RawMacsec, report: Report): void {
  if (macsec.endStation && macsec.scb) report(['scb'], 'excludes endStation');
  for (const name of ['endStation', 'scb'] as const) {
    if (macsec[name] && macsec.sendSci) report([name], 'excludes sendSci; set "sendSci": false');
  }
}

function checkReplay(macsec: RawMacsec, report: Report): void {
  const { replayWindow } = macsec;
  if (isXpn(macsec.cipher) && replayWindow > MAX_XPN_WINDOW) {
    report(['replayWindow'], `is ${replayWindow}; with ${macsec.cipher} at most ${MAX_XPN_WINDOW}`);
  } else if (macsec.replayProtect && macsec.replayBitmap && replayWindow > MAX_BITMAP_WINDOW) {
    report(['replayWindow'], `is ${replayWindow}; above ${MAX_BITMAP_WINDOW} it needs "replayBitmap": false`);
  }
}

function checkSaOfCipher(macsec: RawMacsec, sa: RawSa, report: Report): void {
  const { cipher } = macsec;
  const digits = sakLen(cipher) * 2;
  if (sa.key !== undefined && sa.key.length !== digits) {
    report(['key'], `has ${sa.key.length} hex digits; ${cipher} needs ${digits}`);
  }
  // What is no number at all is told already; it may be a key in the wrong place.
  const pn = pnFromJson(sa.pn);
  if (!isXpn(cipher) && pn !== null && pn > MAX_PN) {
    report(['pn'], `is ${quote(sa.pn)}; without xpn at most ${MAX_PN}`);
  }
  for (const name of ['ssci', 'salt'] as const) {
    if (isXpn(cipher) && sa[name] === null) report([name], `is required with ${cipher}`);
    if (!isXpn(cipher) && sa[name] !== null) report([name], `is only for xpn ciphers, not for ${cipher}`);
  }
}

export function checkConfig(config: RawConfig, report: Report): void {
  checkDuplicates(config.tunnels, (tunnel) => tunnel.name, ['tunnels'], 'name', report);
  checkDuplicates(config.tunnels, (tunnel) => tunnel.tap.ifname, ['tunnels'], 'tap.ifname', report);
  config.tunnels.forEach((tunnel, i) => {
    if (tunnel.tap.bridge === tunnel.tap.ifname) {
      report(['tunnels', i, 'tap', 'bridge'], `"${tunnel.tap.bridge}" is the TAP itself`);
    }
    if (tunnel.gre.remote === 'dynamic' && !authentic(tunnel.macsec)) {
      const text =
        '"dynamic" needs macsec with "validate": "strict", replayProtect and replayBitmap: ' +
        'a peer is learned from authentic frames only, and from each once';
      report(['tunnels', i, 'gre', 'remote'], text);
    }
  });
  const port = Number(config.metrics?.listen.split(':').at(-1) ?? 1);
  if (port < 1 || port > 65535) report(['metrics', 'listen'], `has port ${port}; ports are 1 to 65535`);
  if (Buffer.byteLength(config.controlSocket ?? '') > MAX_SOCKET_PATH) {
    report(['controlSocket'], `is longer than the ${MAX_SOCKET_PATH} octets of a Unix socket's path`);
  }
}

/** Is every frame that passes authentic, and no frame passed twice? */
function authentic(macsec: RawMacsec | null): boolean {
  return macsec !== null && macsec.validate === 'strict' && macsec.replayProtect && macsec.replayBitmap;
}

/** Reports every entry of a list whose `keyOf` an earlier one has; null is no key. */
function checkDuplicates<Entry>(
  entries: readonly Entry[],
  keyOf: (entry: Entry) => string | number | null,
  at: (string | number)[],
  field: string,
  report: Report,
): void {
  const seen = new Map<string | number, number>();
  entries.forEach((entry, i) => {
    const key = keyOf(entry);
    if (key === null) return;
    const first = seen.get(key);
    if (first === undefined) seen.set(key, i);
    else report([...at, i, ...field.split('.')], `${quote(key)} is taken by ${at.at(-1)}[${first}] already`);
  });
}
