/** What the log says of a tunnel that comes, changes and goes. */
import type { Logger } from 'pino';
import { pnToJson } from '../macsec/pn-json.ts';
import { formatMtu } from '../tunnel/mtu.ts';
import type { Notice } from '../tunnel/notice.ts';
import type { PathNews } from '../tunnel/path.ts';
import type { Tunnel } from '../tunnel/tunnel.ts';

export function logUp(log: Logger, tunnel: Tunnel): void {
  const { name, tap, gre, secy, sourcePorts } = tunnel;
  const fields = {
    tunnel: name,
    ifname: tap.ifname,
    mac: tunnel.mac,
    local: gre.local,
    remote: gre.remote,
    encap: gre.encap,
    ...(sourcePorts.length === 0 ? {} : { sourcePorts }),
    mtu: tunnel.mtu,
    arithmetic: formatMtu(tunnel.arithmetic),
    ...(tunnel.ends === null ? {} : { peer: tunnel.ends.remote }),
    ...(secy === null
      ? {}
      : { sci: secy.sci, cipher: secy.config.cipher, nextPn: secy.tx.map((tx) => pnToJson(tx.start)) }),
  };
  log.info(fields, 'tunnel up');
}

const FRESH =
  'no packet numbers are stored for this key: right for a new key; if it has sent before (stateDir lost, restored or ' +
  'copied), packet numbers repeat and the traffic can be read: take new keys at both ends';

/** Keys that `stateDir` knows nothing of. */
export function logFresh(log: Logger, { name, secy }: Tunnel, stateDir: string): void {
  for (const { fresh, an, start } of secy?.tx ?? []) {
    if (!fresh) continue;
    const fields = { tunnel: name, an, pn: pnToJson(start), stateDir };
    log.warn(fields, FRESH);
  }
}

/** What is new about the path. */
export function logPath(log: Logger, tunnel: Tunnel, news: readonly PathNews[]): void {
  const { name, mtu, pathMtu } = tunnel;
  for (const one of news) {
    const fields = { tunnel: name, pathMtu, mtu };
    if (one.kind === 'ignored') {
      const { octets, why, count } = one;
      log.warn({ ...fields, claimed: octets, count }, `ICMP claims a path of ${octets} octets: ${why}`);
      continue;
    }
    if (one.kind === 'grown') {
      log.debug(fields, 'the path carries more; the search goes on');
      continue;
    }
    log.warn({ ...fields, because: one.because }, `the path MTU has changed; ${consequence(tunnel)}`);
  }
}

function consequence({ tap, mtu, arithmetic }: Tunnel): string {
  if (tap.mtu !== 'auto') return `not followed, tap.mtu is set to ${mtu}`;
  if (mtu >= arithmetic.mtu) return 'every frame fits';
  return `packets above ${mtu} octets do not fit: their senders are told so by ICMP`;
}

export function logNotices(log: Logger, tunnel: string, notices: readonly Notice[]): void {
  for (const { level, text } of notices) log[level]({ tunnel }, text);
}

export function logRemoved(log: Logger, tunnel: string): void {
  log.info({ tunnel }, 'tunnel removed');
}
