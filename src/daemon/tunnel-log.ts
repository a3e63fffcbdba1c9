/** What the log says of a tunnel that comes, changes and goes. */
import type { Logger } from 'pino';
import { pnToJson } from '../macsec/pn-json.ts';
import { formatMtu } from '../tunnel/mtu.ts';
import type { Notice } from '../tunnel/notice.ts';
import type { PathChange, Tunnel } from '../tunnel/tunnel.ts';

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

/** The path's MTU is another than before, or somebody says so. */
export function logPathMtu(log: Logger, { name, mtu, pathMtu, overhead }: Tunnel, change: PathChange): void {
  const { octets, believed, lowerMtu } = change;
  const fields = { tunnel: name, pathMtu, mtu };
  if (lowerMtu === null) {
    const why = believed
      ? `not followed, tap.mtu is set to ${mtu}`
      : 'not believed; if it is true, set tap.mtu';
    log.warn({ ...fields, claimed: octets }, `ICMP claims a path of ${octets} octets: ${why}`);
    return;
  }
  const fits = pathMtu - overhead;
  const text =
    fits < mtu
      ? `packets above ${fits} octets do not fit: their senders are told so by ICMP`
      : 'every frame fits';
  log.warn(fields, `the path MTU has changed; ${text}`);
}

export function logNotices(log: Logger, tunnel: string, notices: readonly Notice[]): void {
  for (const { level, text } of notices) log[level]({ tunnel }, text);
}

export function logRemoved(log: Logger, tunnel: string): void {
  log.info({ tunnel }, 'tunnel removed');
}
