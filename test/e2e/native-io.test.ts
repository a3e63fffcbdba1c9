/** Real TAPs and raw sockets, in a namespace of their own: what our offloads make of frames, and what Linux does. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { Drop } from '../../src/frame/drop.ts';

interface Results {
  offloads: { name: string; sent: string[]; refused: number; kernel: string[]; addon: string[] }[];
  raw: {
    plain: { verdicts: number[]; got: string[] };
    ownHeader: { verdicts: number[]; got: string[] };
    link: number[][];
    ipv6: { verdicts: number[]; got: string[] };
  };
  vanished: string;
  taken: string[];
}

const root = process.getuid?.() === 0;
if (!root) console.warn('native-io: skipped, since TAPs and raw sockets need root');

describe.skipIf(!root)('the addon on a real kernel', () => {
  const child = new URL('../../dist/test/e2e/native-io-child.js', import.meta.url).pathname;
  const run = (): Results =>
    JSON.parse(
      execFileSync('unshare', ['--net', process.execPath, child], { encoding: 'utf8', timeout: 50_000 }),
    );
  const results = root ? run() : undefined;

  it.each(results?.offloads ?? [])('cuts as the kernel cuts, and joins what it accepts: $name', (result) => {
    expect(result.refused).toBe(0);
    expect(result.kernel).toEqual(result.sent);
    expect(result.addon).toEqual(result.sent);
  });

  it('sends GRE with our TTL, TOS and DF, and gives what does not fit the path a verdict', () => {
    const { plain } = results!.raw;
    expect(plain.verdicts).toEqual([0, Drop.WireTooLong, 0]);
    expect(plain.got).toHaveLength(2);
    expect(plain.got[0]).toMatch(/^4508001c....4000212f....7f0000017f00000200006558aabbccdd$/);
  });

  it('sends under an IPv4 header of our own', () => {
    const { ownHeader } = results!.raw;
    expect(ownHeader.verdicts).toEqual([0]);
    expect(ownHeader.got[0]).toMatch(/^4504001c....40002c2f....7f0000017f00000200006558aabbccdd$/);
  });

  it('gives frames a verdict while the underlay is down, and goes on when it is up again', () => {
    const lost = Drop.WireUnreachable;
    expect(results!.raw.link).toEqual([
      [0, 0],
      [lost, lost],
      [0, 0],
    ]);
  });

  it('gives GRE over IPv6 without its outer header', () => {
    expect(results!.raw.ipv6).toEqual({ verdicts: [0], got: ['00006558aabbccdd'] });
  });

  it('says so when the TAP was deleted under it', () => {
    expect(results!.vanished).toMatch(/readv TAP: File descriptor in bad state/);
  });

  it('takes no name that another program has taken meanwhile, but for a further queue of its own', () => {
    expect(results!.taken).toEqual(['opened', 'EBUSY', 'opened']);
  });
});
