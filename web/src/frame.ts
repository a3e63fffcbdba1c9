/** The largest frame of the tunnel, drawn as what it is: each header a block, with its octets. */
import type { TunnelSnapshot } from '../../src/api/tunnel.ts';
import type { FramePart } from '../../src/page/feed.ts';
import { element } from './dom.ts';

const KINDS: Readonly<Record<string, string>> = { SecTAG: 'macsec', ICV: 'macsec', Ethernet: 'inner' };

/** `parts`: headers, the outermost first, and what stands behind the payload. */
export function drawFrame(
  { mtu, path_mtu: pathMtu, path }: TunnelSnapshot,
  parts: readonly FramePart[],
): HTMLElement {
  const isBehind = ({ name }: FramePart): boolean => name === 'ICV';
  const payload = { name: 'Payload', octets: mtu };
  const blocks = [...parts.filter((part) => !isBehind(part)), payload, ...parts.filter(isBehind)];
  const total = blocks.reduce((sum, { octets }) => sum + octets, 0);
  const items = blocks.map((block) => {
    const kind = block === payload ? 'payload' : (KINDS[block.name] ?? 'outer');
    return element(
      'li',
      { class: `block ${kind}` },
      element('span', {}, block.name),
      element('b', {}, block.octets),
    );
  });
  const sum = [pathMtu, ...parts.map(({ name, octets }) => `${octets} ${name}`)].join(' − ');
  return element(
    'figure',
    { class: 'frame' },
    element('ol', { 'aria-label': 'The largest frame, from the first octet to the last' }, ...items),
    element(
      'figcaption',
      {},
      `The path carries ${pathMtu} octets (${path.because}): ${sum} = ${pathMtu - (total - mtu)}. `,
      mtu === pathMtu - (total - mtu) ? '' : `The tunnel is held to ${mtu}.`,
    ),
  );
}
