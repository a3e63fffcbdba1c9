/** The figures of key agreement for people. */
import type { MkaFigures } from '../mka.ts';
import { table } from './table.ts';

const percent = (share: number): string => (share * 100).toFixed(2);

export function mkaLine({ load, startToPingMs, rekey, hub }: MkaFigures): string {
  const { fixed, agreed } = startToPingMs;
  const { mbitPerSecond } = rekey;
  return (
    `key agreement (load ${load.map((one) => one.toFixed(1)).join(', ')}): first ping ${agreed.median.toFixed(0)} ms after ` +
    `the start, static keys ${fixed.median.toFixed(0)}; ${rekey.saks} SAKs, ${rekey.framesLost} of ${rekey.datagrams} ` +
    `datagrams lost, ${mbitPerSecond.agreed.toFixed(0)} Mbit/s, static keys ${mbitPerSecond.fixed.toFixed(0)}; ` +
    `${hub.tunnels} tunnels: idle ${percent(hub.agreed.idleShare)} % of a core and ${hub.agreed.residentMb.toFixed(0)} MB, ` +
    `static keys ${percent(hub.fixed.idleShare)} % and ${hub.fixed.residentMb.toFixed(0)} MB`
  );
}

export function mkaSection({ load, startToPingMs, rekey, hub }: MkaFigures): string {
  const rows = [
    [
      'both sites started to first ping, ms',
      ...[startToPingMs.fixed.median, startToPingMs.agreed.median].map(whole),
    ],
    [
      'TCP, Mbit/s; agreed: a new SAK each second',
      ...[rekey.mbitPerSecond.fixed, rekey.mbitPerSecond.agreed].map(whole),
    ],
    [`frames lost of ${rekey.datagrams}, over ${rekey.saks} SAKs`, '', whole(rekey.framesLost)],
    [`${hub.tunnels} idle tunnels, % of a core`, percent(hub.fixed.idleShare), percent(hub.agreed.idleShare)],
    [`${hub.tunnels} idle tunnels, MB`, whole(hub.fixed.residentMb), whole(hub.agreed.residentMb)],
  ];
  const loads = load.map((one) => one.toFixed(1)).join(', ');
  return (
    `## Key agreement\n\nMKA with its defaults beside static keys; both ends on this machine. Load average: ${loads}.\n\n` +
    table(['what', 'static keys', 'agreed keys'], rows)
  );
}

function whole(value: number): string {
  return value.toFixed(0);
}
