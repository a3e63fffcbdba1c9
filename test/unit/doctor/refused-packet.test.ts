/** Packets of the peer that are refused: which key would open them. */
import { describe, expect, it } from 'vitest';
import type { Config } from '../../../src/config/types.ts';
import type { Finding } from '../../../src/doctor/finding.ts';
import { ethernet, gre, pattern, protect } from '../../e2e/frames.ts';
import { KEY_A, KEY_B } from '../config/sample.ts';
import { configOf, looked, seen, withFrames } from './kit.ts';

const SCI_2 = '0000002222220001';
const frame = ethernet('00:00:00:00:00:01', '00:00:00:22:22:22', 0x88b5, pattern(60));
const packet = (key: string, pn = 7): Buffer => gre(protect(frame, { key, sci: SCI_2, pn }));
const overUdp = configOf(({ tunnels: [tunnel] }) => Object.assign(tunnel.gre, { encap: 'udp' }));
const datagram = (port: number, payload: Buffer): Buffer => {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(port, 2);
  return Buffer.concat([head, payload]);
};

/** What is found where the peer sends these packets, and then nothing. */
async function found(packets: readonly Buffer[], config: Config = configOf()): Promise<Finding[]> {
  const waiting = [...packets];
  const closed: number[] = [];
  const copies = () => ({ take: () => waiting.shift() ?? null, close: () => closed.push(1) });
  const now = withFrames(0, { InPktsNotValid: 3 });
  if (config === overUdp) now.encap = 'udp';
  const tunnel = seen({ config: config.tunnels[0]!, now });
  const findings = await looked('wrong-key', { config, host: { copies } }, tunnel);
  expect(closed).toHaveLength(1);
  return findings;
}

describe('a frame with a wrong ICV', () => {
  it('that opens with the own transmit key says that the keys are swapped', async () => {
    const [one] = await found([packet(KEY_B), packet(KEY_A, 8)]);
    expect(one).toMatchObject({
      level: 'fault',
      id: 'misplaced',
      cause: expect.stringMatching(/right with txSa\[0\]/),
    });
    expect(JSON.stringify(one)).not.toMatch(new RegExp(`${KEY_A}|${KEY_B}`));
  });

  it('that opens with no key says so', async () => {
    expect(await found([packet('77'.repeat(16))])).toMatchObject([{ id: 'foreign' }]);
  });

  it('is found over UDP too, at the port of the tunnel alone', async () => {
    expect(await found([datagram(4754, packet(KEY_A))], overUdp)).toMatchObject([{ id: 'misplaced' }]);
    expect(await found([datagram(4755, packet(KEY_A))], overUdp)).toEqual([]);
  });

  it('that does not come is not waited for any longer than the check may', async () => {
    expect(await found([])).toEqual([]);
  });
});

describe('a copy of a packet that cannot be had', () => {
  it('is skipped, with the reason', async () => {
    const copies = () => {
      throw new Error('socket: EPERM');
    };
    const now = withFrames(0, { InPktsNotValid: 3 });
    expect(await looked('wrong-key', { host: { copies } }, seen({ now }))).toMatchObject([
      { level: 'skipped', says: 'which key the peer uses: socket: EPERM' },
    ]);
  });
});
