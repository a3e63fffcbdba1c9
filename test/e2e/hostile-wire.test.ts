/**
 * What a daemon does with bad packets from its peer's address: counts each under its name, delivers none, and goes
 * on. GRE as Linux reads it, the SecTAG checks of 802.1AE 9.12, the SecY's decisions
 * in each validate mode (802.1AE 10.6).
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Counters, KEY_1, KEY_2, type Site, type TunnelChanges } from '../../lab/site.ts';
import {
  type Association,
  ETHERTYPE_TEST,
  ethernet,
  type GreHeader,
  gre,
  hex,
  pattern,
  protect,
} from './frames.ts';
import { Lab, Sender, suite, tapDelivered } from './support.ts';

const HOST_1 = '00:00:00:00:00:01';
const HOST_2 = '00:00:00:00:00:02';
const SCI_1 = '0000001111110001';
const SCI_2 = '0000002222220001';
const STRANGER = '0000009999990001';

/** A frame from host2 to host1 as its users know it. */
const CLEAR = ethernet(HOST_1, HOST_2, ETHERTYPE_TEST, pattern(60));
/** One short enough to be announced in SL. */
const SHORT = ethernet(HOST_1, HOST_2, ETHERTYPE_TEST, pattern(20));

/** Each secured frame of this file has a packet number of its own, unless it asks for one. */
let nextPn = 10_000;

/** Lets the packet numbers jump ahead, as after many lost frames. */
function jump(by: number): number {
  nextPn += by;
  return nextPn++;
}

function secured(changes: Partial<Association> = {}, frame: Buffer = CLEAR): Buffer {
  return protect(frame, { key: KEY_2, sci: SCI_2, pn: nextPn++, ...changes });
}

/** A secured frame with some octets changed afterwards: `[offset, xor]`. */
function altered(frame: Buffer, ...changes: readonly [at: number, xor: number][]): Buffer {
  const copy = Buffer.from(frame);
  for (const [at, xor] of changes) copy[at < 0 ? copy.length + at : at]! ^= xor;
  return copy;
}

interface Row {
  title: string;
  /** GRE packets, made when the row is sent. */
  packets: () => Buffer[];
  /** Counters that grow, by how much; every other one must stay. */
  counted: Counters;
  /** Frames that reach the TAP. Default 0. */
  delivered?: number;
}

const frames = (...all: readonly Buffer[]): Buffer[] => all.map((frame) => gre(frame));
const withHeader = (header: GreHeader): Buffer => gre(secured(), header);

const GRE_ROWS: Row[] = [
  {
    title: 'packets that end inside the GRE header',
    packets: () => [
      ...[0, 1, 2, 3].map((len) => hex('00006558').subarray(0, len)),
      hex('80006558'),
      hex('2000 6558 0000'),
    ],
    counted: { GreShort: 6 },
  },
  {
    title: 'packets that end inside the Ethernet header',
    packets: () => [0, 1, 6, 13].map((len) => gre(CLEAR.subarray(0, len))),
    counted: { InnerRunt: 4 },
  },
  {
    title: 'GRE versions 1 to 7, and routing',
    packets: () => [
      ...[1, 2, 3, 4, 5, 6, 7].map((flags) => withHeader({ flags })),
      withHeader({ flags: 0x4000 }),
    ],
    counted: { GreFlags: 8 },
  },
  {
    title: 'other protocols in GRE: IPv4, IPv6, PPP, ERSPAN',
    packets: () => [0x0800, 0x86dd, 0x880b, 0x88be].map((protocol) => withHeader({ protocol })),
    counted: { GreProto: 4 },
  },
  {
    title: 'a GRE key that nobody agreed on',
    packets: () => [withHeader({ flags: 0x2000, key: 0 }), withHeader({ flags: 0x2000, key: 7 })],
    counted: { GreKey: 2 },
  },
  {
    title: 'a GRE checksum that nobody agreed on',
    packets: () => [withHeader({ flags: 0x8000 })],
    counted: { GreChecksum: 1 },
  },
  {
    title: 'a packet of 64 KB',
    packets: () => frames(ethernet(HOST_1, HOST_2, ETHERTYPE_TEST, pattern(65_400))),
    counted: { Oversized: 1 },
  },
];

const KEYED_ROWS: Row[] = [
  {
    title: 'a packet with key and checksum as agreed',
    packets: () => [withHeader({ flags: 0xa000, key: 7 })],
    counted: { InPktsOK: 1, InOctetsDecrypted: 62 },
    delivered: 1,
  },
  {
    title: 'another key, and none',
    packets: () => [withHeader({ flags: 0xa000, key: 8 }), withHeader({ flags: 0x8000 })],
    counted: { GreKey: 2 },
  },
  {
    title: 'a wrong checksum, and none',
    packets: () => [
      withHeader({ flags: 0xa000, key: 7, checksum: 0x1234 }),
      withHeader({ flags: 0x2000, key: 7 }),
      altered(withHeader({ flags: 0xa000, key: 7 }), [-1, 1]),
    ],
    counted: { GreChecksum: 3 },
  },
  {
    title: 'a checksum that was left to an offload',
    packets: () => [withHeader({ flags: 0xa000, key: 7, checksum: 0 })],
    counted: { InPktsOK: 1, InOctetsDecrypted: 62 },
    delivered: 1,
  },
];

const TAG_ROWS: Row[] = [
  { title: 'V set', packets: () => frames(secured({ tci: 0xac })), counted: { InPktsBadTag: 1 } },
  {
    title: 'SC with ES, with SCB, with both',
    packets: () => frames(...[0x6c, 0x3c, 0x7c].map((tci) => secured({ tci }))),
    counted: { InPktsBadTag: 3 },
  },
  {
    title: 'bits 7 and 8 of the short length octet',
    packets: () => frames(...[0x40, 0x80, 0xc0].map((sl) => secured({ sl }))),
    counted: { InPktsBadTag: 3 },
  },
  { title: 'PN 0', packets: () => frames(secured({ pn: 0 })), counted: { InPktsBadTag: 1 } },
  {
    title: 'a short length that is not the length',
    packets: () =>
      frames(
        secured({ sl: 21 }, SHORT),
        secured({ sl: 23 }, SHORT),
        secured({ sl: 0 }, SHORT),
        secured({ sl: 47 }),
      ),
    counted: { InPktsBadTag: 4 },
  },
  {
    title: 'padding behind the ICV of a short frame',
    packets: () => frames(Buffer.concat([secured({}, SHORT), Buffer.alloc(10)])),
    counted: { InPktsBadTag: 1 },
  },
  {
    // Linux wants two octets behind the SecTAG before it looks at it, and counts nothing.
    title: 'frames that end inside SecTAG or SCI',
    packets: () =>
      frames(...[14, 15, 16, 19, 20, 27, 28, 29].map((len) => secured({ sl: 0 }).subarray(0, len))),
    counted: { SecTagRunt: 8 },
  },
  {
    title: 'frames that end inside the ICV',
    packets: () => frames(...[30, 40, 43].map((len) => secured({ sl: 0 }).subarray(0, len))),
    counted: { InPktsBadTag: 3 },
  },
  {
    title: 'E without C: not protected data',
    packets: () => frames(secured({ tci: 0x28 })),
    counted: { NotForMacsec: 1 },
  },
  {
    title: 'an unknown SCI',
    packets: () => frames(secured({ sci: STRANGER }), secured({ wireSci: '0000002222220002' })),
    counted: { InPktsNoSCI: 2 },
  },
  {
    title: 'our own SCI',
    packets: () => frames(secured({ sci: SCI_1, key: KEY_1 })),
    counted: { InPktsNoSCI: 1, OwnSci: 1 },
  },
  {
    title: 'an end station whose MAC address is no SCI that we know',
    packets: () => frames(secured({ tci: 0x4c })),
    counted: { InPktsNoSCI: 1 },
  },
  {
    title: 'an AN without association',
    packets: () => frames(...[1, 2, 3].map((an) => secured({ an }))),
    counted: { InPktsNotUsingSA: 3 },
  },
  {
    title: 'a wrong ICV, altered text, altered addresses, another key',
    packets: () =>
      frames(
        altered(secured(), [-1, 1]),
        altered(secured(), [-16, 0x80]),
        altered(secured(), [28, 1]),
        altered(secured(), [0, 2]),
        altered(secured(), [11, 1]),
        secured({ key: KEY_1 }),
      ),
    counted: { InPktsNotValid: 6, InOctetsDecrypted: 6 * 62 },
  },
];

const REPLAY_ROWS: Row[] = [
  {
    title: 'a frame that was accepted, once more and twice more',
    packets: () => {
      const [frame] = frames(secured());
      return frame ? [frame, frame, frame] : [];
    },
    counted: { InPktsOK: 1, InPktsLate: 2, InOctetsDecrypted: 62 },
    delivered: 1,
  },
  {
    title: 'a frame from before the window of 1024',
    packets: () => frames(secured({ pn: jump(5000) }), secured({ pn: nextPn - 1026 })),
    counted: { InPktsOK: 1, InPktsLate: 1, InOctetsDecrypted: 62 },
    delivered: 1,
  },
];

const GOOD_ROWS: Row[] = [
  {
    title: 'a good frame',
    packets: () => frames(secured()),
    counted: { InPktsOK: 1, InOctetsDecrypted: 62 },
    delivered: 1,
  },
  {
    title: 'a good frame without encryption',
    packets: () => frames(secured({ tci: 0x20 })),
    counted: { InPktsOK: 1, InOctetsValidated: 62 },
    delivered: 1,
  },
  {
    title: 'a GRE sequence number, which is skipped as Linux does',
    packets: () => [withHeader({ flags: 0x1000 })],
    counted: { InPktsOK: 1, InOctetsDecrypted: 62 },
    delivered: 1,
  },
  {
    title: 'no SCI where there is one channel to assume',
    packets: () => frames(secured({ tci: 0x0c })),
    counted: { InPktsOK: 1, InOctetsDecrypted: 62 },
    delivered: 1,
  },
];

const STRICT_ROWS: Row[] = [
  {
    title: 'a frame without SecTAG',
    packets: () => frames(CLEAR, ethernet('01:80:c2:00:00:03', HOST_2, 0x888e, pattern(60))),
    counted: { InPktsNoTag: 2 },
  },
  {
    title: 'integrity only with a wrong ICV',
    packets: () => frames(altered(secured({ tci: 0x20 }), [-1, 1])),
    counted: { InPktsNotValid: 1, InOctetsValidated: 62 },
  },
  {
    title: 'integrity only with an unknown SCI, and an unused AN',
    packets: () => frames(secured({ tci: 0x20, sci: STRANGER }), secured({ tci: 0x20, an: 1 })),
    counted: { InPktsNoSCI: 1, InPktsNotUsingSA: 1 },
  },
];

/** What `check` and `disabled` have in common: what was not encrypted passes, what was encrypted and is wrong does not. */
const LENIENT_ROWS: Row[] = [
  {
    title: 'a frame without SecTAG passes',
    packets: () => frames(CLEAR),
    counted: { InPktsUntagged: 1 },
    delivered: 1,
  },
  {
    title: 'an unknown SCI passes unless encrypted',
    packets: () => frames(secured({ tci: 0x20, sci: STRANGER }), secured({ sci: STRANGER })),
    counted: { InPktsUnknownSCI: 1, InPktsNoSCI: 1 },
    delivered: 1,
  },
  {
    title: 'an unused AN passes unless encrypted',
    packets: () => frames(secured({ tci: 0x20, an: 1 }), secured({ an: 1 })),
    counted: { InPktsUnusedSA: 1, InPktsNotUsingSA: 1 },
    delivered: 1,
  },
];

const CHECK_ROWS: Row[] = [
  ...LENIENT_ROWS,
  {
    title: 'a wrong ICV passes unless encrypted',
    packets: () => frames(altered(secured({ tci: 0x20 }), [-1, 1]), altered(secured(), [-1, 1])),
    counted: { InPktsInvalid: 1, InPktsNotValid: 1, InOctetsValidated: 62, InOctetsDecrypted: 62 },
    delivered: 1,
  },
];

const DISABLED_ROWS: Row[] = [
  ...LENIENT_ROWS,
  {
    title: 'what is not encrypted passes unchecked, with a right ICV or a wrong one',
    packets: () => frames(secured({ tci: 0x20 }), altered(secured({ tci: 0x20 }), [-1, 1])),
    counted: { InPktsUnchecked: 2 },
    delivered: 2,
  },
  {
    title: 'a wrong ICV does not pass encrypted',
    packets: () => frames(altered(secured(), [-1, 1])),
    counted: { InPktsNotValid: 1 },
  },
];

interface Received {
  framesIn: number;
  framesOut: number;
  dropped: number;
}

/** What came from the wire, and what became of it, once every frame is accounted for. */
async function received(site: Site): Promise<Received> {
  for (let i = 0; i < 100; i++) {
    const [{ rx, drops }] = (await site.control('/v1/tunnels')) as [
      { rx: { frames_in: number; frames_out: number }; drops: Counters },
    ];
    const dropped = Object.values(drops).reduce((sum, count) => sum + count, 0);
    if (dropped + rx.frames_out === rx.frames_in)
      return { framesIn: rx.frames_in, framesOut: rx.frames_out, dropped };
  }
  throw new Error(`${site.name}: frames are missing in the counters`);
}

/** A daemon at site 1, and a raw socket at the address of site 2. */
class Target {
  readonly lab: Lab;
  site!: Site;
  peer!: Sender;

  constructor(prefix: string, changes: TunnelChanges) {
    this.lab = new Lab({ prefix });
    beforeAll(async () => {
      this.site = this.lab.site(1, changes);
      await this.site.start();
      this.peer = await Sender.gre(this.lab.topology.nsrb, '2.2.2.2', '1.1.1.1');
    });
    afterAll(() => this.peer?.close());
  }

  /** Sends a row's packets; all its counters, no other counter, and what it may deliver must follow. */
  async check({ packets, counted, delivered }: Row): Promise<void> {
    this.lab.explainFailure();
    const [before, tapBefore] = [await this.site.counters(), await tapDelivered(this.lab.topology.nsra)];
    await this.peer.send(...packets());
    const names = Object.keys(counted);
    const grown = (now: Counters): Counters =>
      Object.fromEntries(
        Object.entries(now).flatMap(([name, value]) =>
          value === before[name] ? [] : [[name, value - (before[name] ?? 0)]],
        ),
      );
    const after = await this.site
      .countersWhen((now) => names.every((name) => (grown(now)[name] ?? 0) >= (counted[name] ?? 0)))
      .catch(() => this.site.counters());
    expect(grown(after)).toEqual(counted);
    await received(this.site);
    expect((await tapDelivered(this.lab.topology.nsra)) - tapBefore).toBe(delivered ?? 0);
    expect(this.site.exit).toBeUndefined();
  }
}

suite('a strict daemon gets from its peer', { python: true }, () => {
  const target = new Target('strict', {});

  for (const row of [...GOOD_ROWS, ...GRE_ROWS, ...STRICT_ROWS, ...TAG_ROWS, ...REPLAY_ROWS])
    it(row.title, () => target.check(row));

  it('a packet with IPv4 options', async () => {
    await target.peer.ipOptions(hex('01010101'));
    await target.check({
      title: '',
      packets: () => frames(secured()),
      counted: { InPktsOK: 1, InOctetsDecrypted: 62 },
      delivered: 1,
    });
    await target.peer.ipOptions(Buffer.alloc(0));
  });

  it('every single altered bit of a good frame: none reaches the TAP, all are counted', async () => {
    const { site, peer, lab } = target;
    const good = secured();
    const [before, tapBefore] = [await received(site), await tapDelivered(lab.topology.nsra)];
    const bits = Array.from({ length: good.length * 8 }, (_, bit) => bit);
    await peer.send(...frames(...bits.map((bit) => altered(good, [bit >> 3, 1 << (bit & 7)]))));
    const { InPktsOK = 0 } = await site.counters();
    await peer.send(gre(good));
    await site.countersWhen((now) => now.InPktsOK === InPktsOK + 1);
    const after = await received(site);
    expect(after.dropped - before.dropped).toBe(bits.length);
    expect(await tapDelivered(lab.topology.nsra)).toBe(tapBefore + 1);
  });

  it('GRE from another address: not even looked at', async () => {
    const { site, lab } = target;
    const stranger = await Sender.gre(lab.topology.wan, '1.1.1.254', '1.1.1.1');
    const [before, tapBefore] = [await site.counters(), await tapDelivered(lab.topology.nsra)];
    await stranger.send(...frames(secured(), CLEAR), withHeader({ flags: 7 }));
    await stranger.close();
    // The peer's next frame is behind them.
    await target.check({
      title: '',
      packets: () => frames(secured()),
      counted: { InPktsOK: 1, InOctetsDecrypted: 62 },
      delivered: 1,
    });
    expect((await site.counters()).InPktsOK).toBe((before.InPktsOK ?? 0) + 1);
    expect(await tapDelivered(lab.topology.nsra)).toBe(tapBefore + 1);
  });

  it('random noise at full rate for 3 seconds: nothing reaches the TAP, nothing grows, all is counted', async () => {
    const { site, peer, lab } = target;
    lab.explainFailure();
    const tapBefore = await tapDelivered(lab.topology.nsra);
    await peer.noise(1, 1);
    const warm = await site.residentOctets();
    await peer.noise(2, 2);
    expect((await received(site)).framesIn).toBeGreaterThan(10_000);
    expect(await tapDelivered(lab.topology.nsra)).toBe(tapBefore);
    expect((await site.residentOctets()) - warm).toBeLessThan(16 << 20);
    await target.check(GOOD_ROWS[0] as Row);
  });

  it('all of it with few log lines, which name counter and cause', () => {
    const { site } = target;
    const logs = site.logs();
    expect(logs.length).toBeLessThan(200);
    expect(logs.filter((line) => JSON.stringify(line).includes('InPktsNotValid')).length).toBeGreaterThan(0);
  });
});

suite('a daemon with GRE key and checksum gets from its peer', { python: true }, () => {
  const target = new Target('keyed', { gre: { key: 7, checksum: true } });
  for (const row of KEYED_ROWS) it(row.title, () => target.check(row));
});

suite('a daemon that validates in mode check gets from its peer', { python: true }, () => {
  const target = new Target('check', { macsec: { validate: 'check' } });
  for (const row of [...GOOD_ROWS, ...TAG_ROWS, ...CHECK_ROWS, ...REPLAY_ROWS])
    it(row.title, () => target.check(row));
});

suite('a daemon whose validation is disabled gets from its peer', { python: true }, () => {
  const target = new Target('disabled', { macsec: { validate: 'disabled' } });
  for (const row of DISABLED_ROWS) it(row.title, () => target.check(row));
});

suite('a daemon without replay protection gets from its peer', { python: true }, () => {
  const target = new Target('replay', { macsec: { replayProtect: false } });
  const rows: Row[] = [
    ...GOOD_ROWS,
    {
      title: 'an older frame, which passes and is counted delayed',
      packets: () => frames(secured({ pn: jump(3000) }), secured({ pn: nextPn - 2000 })),
      counted: { InPktsOK: 1, InPktsDelayed: 1, InOctetsDecrypted: 2 * 62 },
      delivered: 2,
    },
  ];
  for (const row of rows) it(row.title, () => target.check(row));
});

suite('a plain GRETAP daemon gets from its peer', { python: true }, () => {
  const target = new Target('plain', { macsec: null });
  const rows: Row[] = [
    ...GRE_ROWS.filter(({ counted }) => !('Oversized' in counted)),
    {
      title: 'a frame, which passes, behind a runt, which does not',
      packets: () => frames(CLEAR, CLEAR.subarray(0, 13)),
      counted: { InnerRunt: 1 },
      delivered: 1,
    },
  ];
  for (const row of rows) it(row.title, () => target.check(row));
});
