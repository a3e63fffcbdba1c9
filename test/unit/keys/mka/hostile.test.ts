/** Peers that have the CAK and mean ill, or recordings of those that had it: nothing is believed that is not proved. */
import { describe, expect, it } from 'vitest';
import type { KayRefusal } from '../../../../src/keys/mka/kay-refusal.ts';
import type { MkaSettings } from '../../../../src/keys/mka/settings.ts';
import { Puppet, type Saying, sakNumber, sakUseOf } from './session/puppet.ts';
import { agree, expectNoLoss, forgetLosses, Station, settingsOf, stations } from './session/station.ts';
import { World } from './session/world.ts';

const refused = (station: Station, reason: KayRefusal): number =>
  station.shown.participants[0]!.refused[reason]?.count ?? 0;

/** One end, and a puppet that is live for it, and its key server where its priority is lower. */
async function withPuppet(
  seed: number,
  more: Partial<MkaSettings> = {},
): Promise<{ world: World; a: Station; puppet: Puppet }> {
  const world = new World(seed);
  const a = new Station(world, 'a', settingsOf(1, more));
  const puppet = new Puppet(world);
  a.start();
  a.talk(10);
  await world.run(100);
  puppet.sayAlive();
  await world.run(100);
  expect(a.shown.participants[0]!.livePeers).toHaveLength(1);
  return { world, a, puppet };
}

/** Says the same every now and then. */
async function keepSaying(world: World, puppet: Puppet, times: number, saying: () => Saying): Promise<void> {
  for (let i = 0; i < times; i++) {
    puppet.sayAlive(saying());
    await world.run(200);
  }
}

describe('a recording', () => {
  it('of an earlier session makes nobody live, and disturbs nothing', async () => {
    const world = new World(1);
    const both = stations(world, 2) as [Station, Station];
    world.recordsFrames = true;
    for (const one of both) one.start();
    await world.run(20_000);
    const recorded = world.recorded.splice(0);
    for (const one of both) one.restart();
    await world.until(() => agree(...both), 1000);
    for (const one of both) one.talk(5);
    await world.run(20);
    forgetLosses(...both);
    for (const { frame } of recorded) {
      for (const one of both) world.inject(one, frame);
      await world.run(100);
    }
    expectNoLoss(world, ...both);
    expect(agree(...both)).toBe(true);
    expect(both[0].told('new SAK')).toHaveLength(2);
    expect(refused(both[0], 'OwnMessage')).toBeGreaterThan(10);
    expect(both[0].shown.participants[0]!.potentialPeers.length).toBeLessThanOrEqual(1);
  });

  it('of what a peer said a moment before it started anew does not bring that one back', async () => {
    const world = new World(2);
    const both = stations(world, 2) as [Station, Station];
    world.recordsFrames = true;
    for (const one of both) one.start();
    await world.run(3000);
    const last = world.recorded.filter(({ from }) => from === 's2').at(-1)!.frame;
    both[1].restart();
    await world.until(() => agree(...both), 1000);
    world.inject(both[0], last);
    await world.run(100);
    expect(refused(both[0], 'ReplayedMn')).toBe(1);
    expect(both[0].shown.participants[0]!.livePeers[0]!.mi).toBe(both[1].shown.participants[0]!.mi);
  });

  it('of this session is refused as replayed, our own messages as ours', async () => {
    const world = new World(3);
    const both = stations(world, 2) as [Station, Station];
    world.recordsFrames = true;
    for (const one of both) one.start();
    await world.run(5000);
    const recorded = [...world.recorded];
    for (const { frame } of recorded) world.inject(both[0], frame);
    await world.run(1000);
    const count = recorded.filter(({ from }) => from === 's1').length;
    expect(refused(both[0], 'OwnMessage')).toBe(count);
    expect(refused(both[0], 'ReplayedMn')).toBe(recorded.length - count);
    expect(both[0].told('refused')).toHaveLength(2);
  });

  it('of a hundred members takes no more room than 32 have', async () => {
    const { world, a, puppet } = await withPuppet(4);
    for (let i = 0; i < 100; i++) {
      const n = i.toString(16).padStart(4, '0');
      puppet.say({ basic: { mi: n.repeat(6), sci: `020000${n}000001`, mn: 7 } });
    }
    await world.run(100);
    expect(a.shown.participants[0]!.potentialPeers).toHaveLength(32);
    expect(a.told('peer heard').length).toBeLessThanOrEqual(1);
    await world.run(7000);
    expect(a.shown.participants[0]!.potentialPeers).toHaveLength(0);
  });
});

describe('a member identifier', () => {
  it('that a peer uses too is given up for another', async () => {
    const { world, a, puppet } = await withPuppet(5);
    const { mi } = a.shown.participants[0]!;
    puppet.say({ basic: { mi } });
    await world.run(100);
    expect(refused(a, 'OwnMi')).toBe(1);
    expect(a.shown.participants[0]!.mi).not.toBe(mi);
    expect(a.told('new member identifier')).toHaveLength(1);
  });

  it('that a peer lists with a message that was never sent is given up for another', async () => {
    const { world, a, puppet } = await withPuppet(6);
    const { mi } = a.shown.participants[0]!;
    puppet.say({ live: [{ mi, mn: puppet.other.mn + 1000 }] });
    await world.run(100);
    expect(refused(a, 'UnsentMn')).toBe(1);
    expect(a.shown.participants[0]!.mi).not.toBe(mi);
  });

  it('does not go with another SCI all of a sudden', async () => {
    const { world, a, puppet } = await withPuppet(7);
    puppet.sayAlive({ basic: { sci: '0200000000ee0001' } });
    await world.run(100);
    expect(refused(a, 'SciChanged')).toBe(1);
    expect(a.shown.participants[0]!.livePeers[0]!.sci).toBe(puppet.sci);
  });

  it('is proved live by a message of the last four seconds, and of none before', async () => {
    const world = new World(8);
    const a = new Station(world, 'a', settingsOf(1));
    const puppet = new Puppet(world);
    a.start();
    await world.run(100);
    const first = puppet.other;
    await world.run(4200);
    puppet.say({ live: [first] });
    await world.run(20);
    expect(a.shown.participants[0]!.livePeers).toEqual([]);
    puppet.say({ potential: [puppet.other] });
    await world.run(20);
    expect(a.shown.participants[0]!.livePeers).toHaveLength(1);
  });

  it('that does not list us any more is live no longer, however often it is heard', async () => {
    const { world, a, puppet } = await withPuppet(9);
    for (let i = 0; i < 35; i++) {
      puppet.say({});
      await world.run(200);
    }
    expect(a.told('peer lost')).toHaveLength(1);
  });
});

describe('a SAK', () => {
  it('of our key server is taken, and used at once where there is no other', async () => {
    const { world, a, puppet } = await withPuppet(10);
    puppet.sayAlive({ sak: puppet.sak(1, sakNumber(1)) });
    await world.run(100);
    expect(a.ki).toBe(`${puppet.mi}00000001`);
    expect(puppet.heard!.sakUse!.latest).toMatchObject({ an: 1, tx: true, rx: true });
  });

  const refusals: [KayRefusal, (puppet: Puppet) => Saying][] = [
    [
      'SakNoMacsec',
      (p) => ({ sak: { ...p.sak(1, sakNumber(1)), an: 0, cipher: null, wrapped: Buffer.alloc(0) } }),
    ],
    ['SakCipher', (p) => ({ sak: p.sak(1, sakNumber(1, 32), { cipher: 'gcm-aes-256' }) })],
    ['SakOffset', (p) => ({ sak: p.sak(1, sakNumber(1), { confidentialityOffset: 2 }) })],
    ['SakWrongKek', (p) => ({ sak: p.sak(1, sakNumber(1), { wrapped: Buffer.alloc(24, 7) }) })],
    ['SakNotForUs', (p) => ({ sak: p.sak(1, sakNumber(1)), live: [], potential: [p.other] })],
  ];
  it.each(refusals)('is refused by the name of %s, and nothing changes', async (reason, saying) => {
    const { world, a, puppet } = await withPuppet(11);
    await keepSaying(world, puppet, 3, () => saying(puppet));
    expect(refused(a, reason)).toBe(3);
    expect(a.secy.log).toEqual([]);
    expect(a.secy.unsent).toBeGreaterThan(50);
  });

  it('of a peer that is not our key server is refused', async () => {
    const world = new World(12);
    const a = new Station(world, 'a', settingsOf(1, { priority: 0 }));
    const puppet = new Puppet(world);
    a.start();
    await world.run(100);
    puppet.sayAlive({ sak: puppet.sak(1, sakNumber(1)) });
    await world.run(100);
    expect(refused(a, 'SakNotFromServer')).toBe(1);
    expect(a.shown.latest!.ki.startsWith(puppet.mi)).toBe(false);
  });

  it('that the key server used before it knew us is refused: we may have used it before a restart', async () => {
    const world = new World(13);
    const a = new Station(world, 'a', settingsOf(1));
    const puppet = new Puppet(world);
    a.start();
    await world.run(100);
    const used = { ki: { mi: puppet.mi, kn: 4 }, an: 0, tx: true, rx: true, lowestPn: 1 };
    puppet.say({ sakUse: sakUseOf(used) });
    await world.run(100);
    await keepSaying(world, puppet, 2, () => ({ sak: puppet.sak(4, sakNumber(4)) }));
    expect(refused(a, 'SakOfBefore')).toBe(2);
    puppet.sayAlive({ sak: puppet.sak(5, sakNumber(5)) });
    await world.run(100);
    expect(a.ki).toBe(`${puppet.mi}00000005`);
  });

  it('that comes again is the same SAK while it is here, whatever is said of its AN', async () => {
    const { world, a, puppet } = await withPuppet(14);
    await keepSaying(world, puppet, 5, () => ({ sak: puppet.sak(1, sakNumber(1)) }));
    await keepSaying(world, puppet, 5, () => ({ sak: puppet.sak(1, sakNumber(9), { an: 3 }) }));
    expect(a.secy.log.filter((order) => order.startsWith('installTx'))).toEqual(['installTx 1']);
    expect(world.violations).toEqual([]);
  });

  it('that comes again when it has gone is refused, under any key number', async () => {
    const { world, a, puppet } = await withPuppet(15);
    for (const n of [1, 2, 3, 1, 2, 3]) {
      const kn = puppet.mn;
      await keepSaying(world, puppet, 10, () => ({
        sak: puppet.sak(kn, sakNumber(n)),
        sakUse: sakUseOf({ ki: { mi: puppet.mi, kn }, an: kn % 4, tx: true, rx: true, lowestPn: 1 }),
      }));
    }
    expect(refused(a, 'SakUsedBefore')).toBe(30);
    expect(a.secy.log.filter((order) => order.startsWith('installTx'))).toHaveLength(3);
    expect(world.violations).toEqual([]);
  });

  it('after another, hundreds of them, takes no more than four ANs, and no frame goes out in clear', async () => {
    const { world, a, puppet } = await withPuppet(16);
    let kn = 0;
    for (let i = 0; i < 400; i++) {
      kn++;
      puppet.sayAlive({ sak: puppet.sak(kn, sakNumber(kn), { an: world.random.below(4) }) });
      await world.run(world.random.below(20));
    }
    expect(a.secy.tx.size).toBeLessThanOrEqual(4);
    expect(a.shown.latest!.ki).toMatch(new RegExp(`^${puppet.mi}`));
    expect(puppet.data.every(({ isEncrypted }) => isEncrypted)).toBe(true);
    expect(world.violations).toEqual([]);
  });
});

describe('a key server that does not speak of its SAK any more', () => {
  it('has a new member in us after eight seconds, and so a reason for a new SAK', async () => {
    const { world, a, puppet } = await withPuppet(17);
    const { mi } = a.shown.participants[0]!;
    puppet.sayAlive({ sak: puppet.sak(1, sakNumber(1)) });
    await keepSaying(world, puppet, 38, () => ({}));
    expect(a.shown.participants[0]!.mi).toBe(mi);
    await keepSaying(world, puppet, 4, () => ({}));
    expect(a.shown.participants[0]!.mi).not.toBe(mi);
    expect(a.ki).toBe(`${puppet.mi}00000001`);
    expect(a.told('new member identifier')).toHaveLength(1);
  });
});

describe('as key server', () => {
  it('a peer whose packet numbers always run out has a new SAK each six seconds, not more', async () => {
    const { world, a, puppet } = await withPuppet(20, { priority: 0 });
    for (let i = 0; i < 300; i++) {
      const ki =
        a.shown.latest === null
          ? null
          : { mi: a.shown.participants[0]!.mi, kn: Number.parseInt(a.shown.latest.ki.slice(24), 16) };
      puppet.sayAlive({
        sakUse: sakUseOf({ ki, an: a.shown.latest?.an ?? 0, tx: true, rx: true, lowestPn: 0xffffffff }),
      });
      await world.run(200);
    }
    expect(a.shown.participants[0]!.saksMade).toBeLessThanOrEqual(11);
    expect(a.shown.participants[0]!.saksMade).toBeGreaterThan(7);
  });

  it('a peer that takes no SAK gets another, with another AN, each half minute', async () => {
    const { world, a, puppet } = await withPuppet(21, { priority: 0 });
    await keepSaying(world, puppet, 500, () => ({}));
    expect(a.told('new SAK').slice(1)).toEqual(Array(3).fill('new SAK: a peer lacks the SAK'));
  });

  it('a peer that wants no MACsec, or cannot encrypt, gets no SAK, and it is said why', async () => {
    for (const basic of [{ macsecDesired: false }, { capability: 0 }, { capability: 1 }]) {
      const world = new World(22);
      const a = new Station(world, 'a', settingsOf(1, { priority: 0 }));
      const puppet = new Puppet(world);
      a.start();
      a.talk(10);
      await world.run(100);
      puppet.sayAlive({ basic });
      await keepSaying(world, puppet, 20, () => ({ basic }));
      expect(a.told('peer cannot use MACsec')).toHaveLength(1);
      expect(a.secy.log).toEqual([]);
      expect(puppet.data).toEqual([]);
    }
  });

  it.each([0, 1, 2, 3, 200, 255])('a peer of MKA version %i gets its SAK', async (version) => {
    const { world, a, puppet } = await withPuppet(23, { priority: 0 });
    await keepSaying(world, puppet, 3, () => ({ basic: { version } }));
    expect(puppet.heard!.basic.version).toBe(1);
    expect(puppet.heard!.distributedSak).not.toBeNull();
    expect(a.shown.latest).not.toBeNull();
  });
});

describe('delay protection', () => {
  it('of a peer raises what is accepted from it, and from nobody else', async () => {
    const { world, a, puppet } = await withPuppet(24);
    const used = { ki: { mi: puppet.mi, kn: 1 }, an: 1, tx: true, rx: true };
    puppet.sayAlive({ sak: puppet.sak(1, sakNumber(1)) });
    await world.run(100);
    for (const lowestPn of [1, 500, 400, 700]) {
      puppet.sayAlive({ sakUse: sakUseOf({ ...used, lowestPn }, undefined, true) });
      await world.run(100);
    }
    puppet.sayAlive({ sakUse: sakUseOf({ ...used, lowestPn: 9000 }) });
    await world.run(100);
    const raised = a.secy.log.filter((order) => order.startsWith('raiseLowestPn'));
    expect(raised).toEqual([`raiseLowestPn ${puppet.sci} 1 500`, `raiseLowestPn ${puppet.sci} 1 700`]);
  });

  it('of a peer works by the number that we had two seconds ago, 1 at least', async () => {
    const { world, a, puppet } = await withPuppet(25);
    puppet.sayAlive({ sak: puppet.sak(1, sakNumber(1)) });
    await world.run(100);
    expect(puppet.heard!.sakUse).toMatchObject({
      latest: { lowestPn: 1 },
      old: { lowestPn: 1 },
      delayProtect: false,
    });
    await keepSaying(world, puppet, 50, () => ({}));
    const behind = Number([...a.secy.tx.values()][0]!.nextPn) - puppet.heard!.sakUse!.latest.lowestPn;
    expect(behind).toBeGreaterThanOrEqual(200);
    expect(behind).toBeLessThan(320);
  });
});

describe('a flood', () => {
  it('of changes is answered at most twenty times a second', async () => {
    const { world, a, puppet } = await withPuppet(26);
    const before = puppet.count;
    for (let i = 0; i < 1000; i++) {
      puppet.say({
        basic: {
          mi: (i + 1).toString(16).padStart(24, '0'),
          sci: `0200${(i + 1).toString(16).padStart(8, '0')}0001`,
        },
      });
      await world.run(2);
    }
    expect(puppet.count - before).toBeLessThanOrEqual(41);
    expect(a.shown.participants[0]!.sent).toBe(puppet.count);
  });

  it('of members that become live is bounded', async () => {
    const { world, a, puppet } = await withPuppet(27);
    for (let i = 0; i < 500; i++) {
      puppet.sayAlive({
        basic: {
          mi: (i + 1).toString(16).padStart(24, '0'),
          sci: `0200${(i + 1).toString(16).padStart(8, '0')}0001`,
          keyServer: false,
        },
      });
      await world.run(2);
    }
    const { livePeers, potentialPeers } = a.shown.participants[0]!;
    expect(livePeers).toHaveLength(32);
    expect(potentialPeers.length).toBeLessThanOrEqual(32);
    expect(a.events.length).toBeLessThan(300);
  });
});
