/** A peer that may move: where it is, and from where it came. */
import { describe, expect, it } from 'vitest';
import { EndpointWatch } from '../../../src/report/endpoint-watch.ts';
import { macsecConfig } from '../macsec/kit.ts';
import { tunnelOf } from '../tunnel/kit.ts';
import { logLines } from './log-lines.ts';

async function watched(remote: string) {
  const { log, lines } = logLines();
  const { tunnel } = await tunnelOf(macsecConfig());
  let endpoint: string | null = null;
  const view = {
    ...{ ...tunnel, gre: { ...tunnel.gre, remote } },
    get endpoint() {
      return endpoint;
    },
  };
  const watch = new EndpointWatch(log);
  let nowMs = 0;
  /** A second later the peer is there. */
  const at = (place: string | null): void => {
    endpoint = place;
    nowMs += 1000;
    watch.tick([view], nowMs);
  };
  return { at, lines, texts: () => lines.map(({ msg }) => msg) };
}

describe('a dynamic peer', () => {
  it('is told when it is learned, and when it moves', async () => {
    const { at, lines } = await watched('dynamic');
    at(null);
    for (let i = 0; i < 20; i++) at('192.0.2.1:4754');
    at('192.0.2.9:5555');
    at('192.0.2.9:5555');
    expect(lines).toMatchObject([
      { level: 30, tunnel: 'site2', msg: 'peer learned: packets go to 192.0.2.1:4754' },
      { level: 30, tunnel: 'site2', msg: 'peer moved: from 192.0.2.1:4754 to 192.0.2.9:5555' },
    ]);
  });

  it('that moves to and fro is told once in ten seconds, with how often', async () => {
    const { at, lines } = await watched('dynamic');
    for (let i = 0; i <= 30; i++) at(`192.0.2.${i % 2}:1`);
    expect(lines.map(({ moves }) => moves)).toEqual([undefined, 1, 10, 10]);
    expect(lines.at(-1)).toMatchObject({
      level: 40,
      msg: 'peer moved 10 times, and is at 192.0.2.1:1 again',
    });
  });

  it('there is none where the configuration says where the peer is', async () => {
    const { at, texts } = await watched('2.2.2.2');
    at('2.2.2.2:4754');
    expect(texts()).toEqual([]);
  });
});
