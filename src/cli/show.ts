/** `l2vpnd show [-s] [-j] [NAME]`: what `ip [-s] [-j] macsec show` would print of each tunnel, and what it could not. */
import { ask } from '../api/client.ts';
import { L2vpnError } from '../errors.ts';
import { type DaemonChoice, socketPath } from './daemon-choice.ts';
import { jsonOf, textOf } from './show-format.ts';

export interface ShowOptions extends DaemonChoice {
  statistics?: boolean;
  json?: boolean;
}

/** `name` is a tunnel's or its TAP's; undefined: all of them. */
export async function show(name: string | undefined, options: ShowOptions): Promise<number> {
  const all = await ask(await socketPath(options), 'tunnels', {});
  const chosen =
    name === undefined ? all : all.filter((tunnel) => tunnel.name === name || tunnel.ifname === name);
  if (chosen.length === 0) {
    const known = all.map((tunnel) => tunnel.name).join(', ');
    throw new L2vpnError('L2VPN_USAGE', `there is no tunnel "${name}"; tunnels are ${known}`);
  }
  const statistics = options.statistics ?? false;
  const text = options.json
    ? `${JSON.stringify(chosen.map((tunnel) => jsonOf(tunnel, statistics)))}\n`
    : chosen.map((tunnel) => textOf(tunnel, statistics)).join('');
  process.stdout.write(text);
  return 0;
}
