/** A SAK after another without a lost frame (IEEE 802.1X-2020 9.8, 12.4): by time, by order, at the end of packet numbers. */
import { describe, expect, it } from 'vitest';
import type { MkaSettings } from '../../../../src/keys/mka/settings.ts';
import { agree, expectNoLoss, forgetLosses, type Station, stations } from './session/station.ts';
import { World } from './session/world.ts';

/** So many ends that agree and talk. */
async function talking(
  seed: number,
  count: number,
  more: Partial<MkaSettings> = {},
): Promise<{ world: World; all: Station[] }> {
  const world = new World(seed);
  const all = stations(world, count, more);
  for (const one of all) one.start();
  await world.until(() => agree(...all), 8000);
  for (const one of all) one.talk(2);
  await world.run(20);
  forgetLosses(...all);
  return { world, all };
}

describe('a new SAK', () => {
  it.each([
    { count: 2, loss: 0 },
    { count: 2, loss: 5 },
    { count: 3, loss: 0 },
    { count: 4, loss: 2 },
  ])(
    'each second for two minutes loses no frame of $count ends, with $loss % of MKPDUs lost',
    async ({ count, loss }) => {
      const { world, all } = await talking(20 + loss, count, { rekeySeconds: 1 });
      Object.assign(world.link, { lossPercent: loss, jitterMs: 10 });
      await world.run(120_000);
      expectNoLoss(world, ...all);
      const made = all[0]!.shown.participants[0]!.saksMade;
      expect(made).toBeGreaterThan(loss === 0 ? 105 : 60);
      for (const { secy } of all) expect(secy.tx.size).toBeLessThanOrEqual(4);
    },
  );

  it('by order of the operator at either end comes at once', async () => {
    for (const at of [0, 1]) {
      const { world, all } = await talking(30 + at, 2);
      await world.run(10_000);
      const ki = all[0]!.ki;
      expect(all[at]!.kay.rekey()).toBe(at === 0 ? 'ordered' : 'asked');
      await world.until(() => agree(...all) && all[0]!.ki !== ki, 300);
      await world.run(20_000);
      expectNoLoss(world, ...all);
      expect(all[0]!.told('new SAK')).toEqual([
        'new SAK: peer joined',
        at === 0 ? 'new SAK: ordered' : 'new SAK: packet numbers run out',
      ]);
    }
  });

  it('cannot be ordered where no peer is live', () => {
    const world = new World(1);
    const [a] = stations(world, 1) as [Station];
    a.start();
    expect(a.kay.rekey()).toBe('no live peer');
  });

  it('that is ordered right after the last one is not forgotten', async () => {
    const { world, all } = await talking(31, 2);
    for (let i = 0; i < 5; i++) all[0]!.kay.rekey();
    await world.run(3000);
    expect(all[0]!.told('new SAK')).toEqual(['new SAK: peer joined', 'new SAK: ordered']);
    expectNoLoss(world, ...all);
  });

  it.each([
    { cipher: 'gcm-aes-128', pn: 0xc0000001n },
    { cipher: 'gcm-aes-xpn-128', pn: 0xc000000000000001n },
  ] as const)(
    'comes when three quarters of the packet numbers of $cipher are used, at either end',
    async ({ cipher, pn }) => {
      for (const at of [0, 1]) {
        const { world, all } = await talking(32, 2, { cipher });
        await world.run(10_000);
        const sa = [...all[at]!.secy.tx.values()][0]!;
        sa.nextPn = pn - 10_000n;
        await world.run(10_000);
        expect(all[0]!.told('new SAK')).toHaveLength(1);
        sa.nextPn = pn;
        await world.run(10_000);
        expect(all[0]!.told('new SAK').slice(1)).toEqual(['new SAK: packet numbers run out']);
        expectNoLoss(world, ...all);
      }
    },
  );

  it('by time is announced', async () => {
    const { world, all } = await talking(33, 2, { rekeySeconds: 60 });
    await world.run(20_000);
    expect(all[0]!.shown.nextRekeyMs).toBeGreaterThan(39_000);
    expect(all[0]!.shown.nextRekeyMs).toBeLessThan(40_000);
    expect(all[1]!.shown.nextRekeyMs).toBeNull();
  });

  it('comes with other settings, and the SAs of the old ones stay until then', async () => {
    const { world, all } = await talking(34, 2);
    await world.run(5000);
    for (const one of all) one.kay.configure({ ...one.settings, encrypt: false });
    await world.run(10_000);
    expect(all[0]!.told('new SAK')).toHaveLength(2);
    expect([...all[1]!.secy.tx.values()].map(({ isEncrypted }) => isEncrypted)).toEqual([false]);
    expectNoLoss(world, ...all);
  });

  it('goes on with another key server when priorities change, AN after AN', async () => {
    const { world, all } = await talking(35, 2);
    await world.run(8000);
    all[1]!.kay.configure({ ...all[1]!.settings, priority: 1 });
    await world.run(8000);
    expect(all.map(({ shown }) => [shown.role, shown.encodingAn])).toEqual([
      ['member', 1],
      ['key server', 1],
    ]);
    expectNoLoss(world, ...all);
  });
});

describe('a SecY that does not carry out an order', () => {
  it.each(['installRx', 'installTx', 'transmitWith', 'retireTx', 'retireRx'] as const)(
    '%s is asked again, and nothing is lost',
    async (order) => {
      for (const at of [0, 1]) {
        const { world, all } = await talking(40, 2);
        await world.run(8000);
        const { secy } = all[at]!;
        secy.failing.set(order, new Error('the disk is full'));
        all[0]!.kay.rekey();
        await world.run(4500);
        secy.failing.delete(order);
        await world.run(12_000);
        expect(agree(...all)).toBe(true);
        expect(all[at]!.told('order failed')).toHaveLength(1);
        expect(secy.tx.size).toBe(1);
        expectNoLoss(world, ...all);
      }
    },
  );

  it('does not make an end slow to answer when another key server is quicker', async () => {
    const { world, all } = await talking(42, 2);
    const [a, b] = all as [Station, Station];
    await world.run(8000);
    a.secy.failing.set('installRx', new Error('the disk is full'));
    a.kay.rekey();
    await world.run(100);
    b.kay.configure({ ...b.settings, priority: 1 });
    await world.run(400);
    a.secy.failing.clear();
    await world.run(12_000);
    b.kay.rekey();
    expect(await world.until(() => agree(a, b) && b.told('new SAK').length === 2, 1000)).toBeLessThanOrEqual(
      200,
    );
    expectNoLoss(world, a, b);
  });

  it('is stopped between two orders', async () => {
    const { world, all } = await talking(41, 2);
    all[0]!.kay.rekey();
    all[0]!.kay.stop();
    const given = all[0]!.secy.log.length;
    await world.run(20_000);
    expect(all[0]!.secy.log.length).toBeLessThanOrEqual(given + 1);
  });
});
