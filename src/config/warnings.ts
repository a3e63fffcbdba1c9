/** What a configuration may say but rarely means. */
import { readFileSync, statSync } from 'node:fs';
import { quote } from './problem.ts';
import { StandIns } from './stand-ins.ts';
import type { Config, TunnelConfig } from './types.ts';

/** Warnings, a line each; for the log at start and for `l2vpnd check`. `path`: the file it is from. */
export function configWarnings(config: Config, path: string): string[] {
  const said = config.tunnels.flatMap((tunnel) =>
    tunnelWarnings(tunnel).map((text) => `tunnel ${quote(tunnel.name)}: ${text}`),
  );
  return exposesKeys(path)
    ? [`${path} holds keys and others may read it: run chmod 600 ${path}`, ...said]
    : said;
}

/** True where `path` has access bits for others and a key in it. */
function exposesKeys(path: string): boolean {
  if ((statSync(path).mode & 0o044) === 0) return false;
  // A string of the file would keep its keys in memory.
  const octets = readFileSync(path);
  const hasKeys = new StandIns().take(octets) > 0;
  octets.fill(0);
  return hasKeys;
}

function tunnelWarnings(tunnel: TunnelConfig): string[] {
  const { macsec, tap } = tunnel;
  if (macsec === null)
    return ['macsec is null: frames cross the WAN in clear, and anybody there can inject frames'];
  const said: string[] = [];
  if (!macsec.protect) said.push('protect is false: frames are sent in clear');
  else if (!macsec.encrypt) said.push('encrypt is false: frames are authenticated but readable');
  if (macsec.validate !== 'strict') {
    said.push(`validate is "${macsec.validate}": frames that nobody authenticated may reach the LAN`);
  }
  if (tap.mac === null)
    said.push('tap.mac is random, so the own SCI is too: the peer cannot know it; set tap.mac');
  if (macsec.rxSc.length === 0) said.push('rxSc is empty: no protected frame can be received');
  if (macsec.icvLen < 16)
    said.push(`icvLen is ${macsec.icvLen}: forging a frame gets easier; 16 is what peers expect`);
  if (!macsec.sendSci && macsec.endStation) {
    said.push(
      'endStation: the receiver takes the SCI from the inner source MAC, which is not ours behind a bridge',
    );
  }
  return said;
}
