/** `l2vpnd show [-s] [-j] [NAME]`: what `ip [-s] [-j] macsec show` would print of each tunnel, and what it could not. */
import { ask } from '../api/client.ts';
import { EXIT_STATUS, L2vpnError } from '../errors.ts';
import { type DaemonChoice, socketPath } from './daemon-choice.ts';
import { type OutputOptions, printJson, printText, type Rule } from './output.ts';
import { downJson, downText, fasterRuntimeText, jsonOf, textOf } from './show-format.ts';

export interface ShowOptions extends DaemonChoice, OutputOptions {
  statistics?: boolean;
}

/** What a text says is well or not. */
const COLORS: readonly Rule[] = [
  [/(?<=^\d+: )[^:\s]+(?=: )/gm, 'name'],
  [/\bpeer alive\b|\bcarrier up\b|\bpeer [0-9a-f]{16} is live\b|\bforwarding(?=, isolated)/g, 'good'],
  [/^\S+: tunnel \S+ is down since .*$/gm, 'bad'],
  [/\bpeer lost since .*$|\bnot connected: .*$|\bcarrier down since .*$|\bno peer is live\b/gm, 'bad'],
  [/\bno key is agreed on\b|(?<=^ +)RXSC \S+, AN \d+: .*$|(?<=^ +)refused: .* is .*$/gm, 'bad'],
  [/(?<=\bstate )off\b|\bpeer unknown: .*$|(?<=^ +bridge \S+: )(?:waits|moved|taken|left) .*$/gm, 'doubtful'],
];

/** `name` is a tunnel's or its TAP's; undefined: all of them. 0; where one of those that were asked for is down, its peer lost, or with key agreement not live, 69. */
export async function show(name: string | undefined, options: ShowOptions): Promise<number> {
  const socket = await socketPath(options);
  const [up, down] = [await ask(socket, 'tunnels', {}), await ask(socket, 'down', {})];
  const isChosen = (one: { name: string; ifname: string }): boolean =>
    name === undefined || one.name === name || one.ifname === name;
  const [tunnels, absent] = [up.filter(isChosen), down.filter(isChosen)];
  if (name !== undefined && tunnels.length + absent.length === 0) {
    const known = [...up, ...down].map((tunnel) => tunnel.name).join(', ');
    throw new L2vpnError('L2VPN_USAGE', `there is no tunnel "${name}"; tunnels are ${known}`);
  }
  const statistics = options.statistics ?? false;
  if (options.json)
    printJson([...tunnels.map((tunnel) => jsonOf(tunnel, statistics)), ...absent.map(downJson)]);
  else
    printText(
      [
        ...tunnels.map((tunnel) => textOf(tunnel, statistics)),
        ...absent.map(downText),
        fasterRuntimeText(tunnels),
      ].join(''),
      COLORS,
    );
  const isLost = tunnels.some(({ peer, agreement }) => peer.state === 'lost' || agreement?.live_peers === 0);
  return absent.length === 0 && !isLost ? 0 : EXIT_STATUS.L2VPN_UNAVAILABLE;
}
