import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FdChannel, Meeting } from '../../../src/host/fd-channel.ts';
import { hostLocks } from '../../../src/host/host-lock.ts';
import { channelId } from '../../../src/state/pn-channel.ts';
import type { TxPn } from '../../../src/state/stored-tx.ts';
import { disk, dropDir, errno, makeChannel, makeDir, refusal, startStore } from './kit.ts';

const CHANNEL = makeChannel();
let dir: string;
beforeEach(() => {
  dir = makeDir();
});
afterEach(() => dropDir(dir));

/** A start; what ran before has crashed unless it was closed. */
async function openTx(channel = CHANNEL, floorPn = 1n): Promise<TxPn> {
  return (await startStore(dir)).store.openTx(channel, floorPn);
}

describe('transmit numbers', () => {
  it('begin at the pn of the configuration, and say that nothing was stored', async () => {
    expect(await openTx(CHANNEL, 7n)).toMatchObject({ next: 7n, fresh: true });
  });

  it('go on at the ceiling after a crash', async () => {
    await (await openTx()).reserve(1000n);
    expect(await openTx()).toMatchObject({ next: 1000n, fresh: false });
  });

  it('go on where they stopped after a clean stop', async () => {
    const tx = await openTx();
    await tx.reserve(1000n);
    await tx.close(17n);
    expect((await openTx()).next).toBe(17n);
  });

  it('belong to key and SCI, not to key identifier or tunnel', async () => {
    await (await openTx()).reserve(1000n);
    expect((await openTx({ ...CHANNEL, keyId: 'ff' })).next).toBe(1000n);
    expect((await openTx({ ...CHANNEL, sak: makeChannel().sak })).next).toBe(1n);
    expect((await openTx({ ...CHANNEL, sci: '0000001111110002' })).next).toBe(1n);
  });

  it('belong to key and SSCI with XPN, whose nonce has no SCI', async () => {
    await (await openTx({ ...CHANNEL, ssci: 1 })).reserve(1000n);
    expect((await openTx({ ...CHANNEL, ssci: 1, sci: '0000009999990001' })).next).toBe(1000n);
    expect((await openTx({ ...CHANNEL, ssci: 2 })).next).toBe(1n);
  });

  it('reach the numbers of XPN', async () => {
    await (await openTx({ ...CHANNEL, ssci: 0 }, 2n ** 53n + 1n)).reserve(2n ** 64n);
    expect((await openTx({ ...CHANNEL, ssci: 0 })).next).toBe(2n ** 64n);
  });

  it('never go back, whatever is reserved, closed and failed', async () => {
    const step = fc.record({
      grant: fc.bigInt({ min: 1n, max: 1000n }),
      used: fc.double({ min: 0, max: 1, noNaN: true }),
      end: fc.constantFrom('crash', 'close', 'full disk'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const channel = makeChannel();
        let used = 1n;
        for (const { grant, used: share, end } of steps) {
          let full = false;
          const fs = disk((call) => {
            if (full && (call === 'sync' || call === 'rename')) throw errno('ENOSPC');
          });
          const tx = await (await startStore(dir, { fs })).store.openTx(channel, 1n);
          expect(tx.next).toBeGreaterThanOrEqual(used);
          const start = tx.next;
          await tx.reserve(start + grant);
          used = start + BigInt(Math.floor(Number(grant) * share));
          full = end === 'full disk';
          if (full) await refusal(tx.reserve(start + 2n * grant));
          if (end !== 'crash') await tx.close(used).catch(() => {});
        }
      }),
      { numRuns: 12 },
    );
  });

  it.each([-1n, 0n, 1n, 999n, 1000n, 2n ** 64n + 1n])(
    'a ceiling of %d is refused after 1000 was granted',
    async (ceiling) => {
      const tx = await openTx();
      await tx.reserve(1000n);
      expect((await refusal(tx.reserve(ceiling))).code).toBe('L2VPN_INTERNAL');
      expect(tx.next).toBe(1000n);
    },
  );

  it('cannot be closed below where they began, nor granted after it', async () => {
    await (await openTx(CHANNEL, 500n)).reserve(1000n);
    const tx = await openTx();
    expect((await refusal(tx.close(999n))).code).toBe('L2VPN_INTERNAL');
    expect((await refusal(tx.reserve(2000n))).code).toBe('L2VPN_INTERNAL');
    expect((await openTx()).next).toBe(1000n);
  });

  it('older than the configuration: 71 and a remedy', async () => {
    await (await openTx()).reserve(1000n);
    const error = await refusal(openTx(CHANNEL, 1001n));
    expect(error).toMatchObject({ code: 'L2VPN_STATE', exitStatus: 71 });
    expect(error.message).toMatch(
      /stand at 1000, older than the pn 1001 that the configuration demands.*new key/,
    );
  });

  it('lie in files that hold no key, nor does their name, and that only their owner reads', async () => {
    await (await openTx()).reserve(10n);
    const hex = CHANNEL.sak.export().toString('hex');
    for (const name of readdirSync(dir)) {
      expect(name + readFileSync(join(dir, name), 'utf8')).not.toContain(hex);
      expect(statSync(join(dir, name)).mode & 0o777).toBe(0o600);
    }
    expect(channelId(CHANNEL)).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe('transmit numbers that another process goes on with', () => {
  it('stay locked, go on at the next one, and end on disk as any do', async () => {
    const old = (await startStore(dir, { locks: hostLocks })).store;
    const channel = makeChannel();
    const tx = await old.openTx(channel, 1n);
    await tx.reserve(1000n);
    await tx.idle();
    const meeting = new Meeting();
    const [giver, receiver] = [FdChannel.connect(meeting.name), await meeting.accept(5000)];
    giver.send({ type: 'fds' }, tx.locks!);
    const [name, file] = (await receiver.receive(5000))!.fds as [number, number];
    for (const one of [giver, receiver, meeting]) one.close();
    const taker = (await startStore(dir, { locks: hostLocks })).store;
    const taken = taker.goOnWithTx(channel, { next: 17n, reserved: tx.reserved, locks: [name, file] });
    expect(taken).toMatchObject({ next: 17n, reserved: 1000n, fresh: false });
    expect(await refusal(taker.openTx(channel, 1n))).toMatchObject({ code: 'L2VPN_UNAVAILABLE' });
    await taken.reserve(2000n);
    expect(taken.next).toBe(2000n);
    await taken.close(1500n);
    expect((await openTx(channel)).next).toBe(1500n);
  });
});
