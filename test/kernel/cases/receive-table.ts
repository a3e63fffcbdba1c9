/**
 * What a SecY is given in every row of the receive decision table (docs/protocol.md): crafted frames and the
 * configuration that meets them. The same frames go to the kernel and to l2vpnd, in strict, check and disabled.
 */
import {
  type Cipher,
  craftMacsec,
  craftPlain,
  type Damage,
  type InnerFrame,
  type Sak,
  type Tag,
  TCI,
  testData,
} from '../craft.ts';

export const VALIDATE_MODES = ['strict', 'check', 'disabled'] as const;
export type ValidateMode = (typeof VALIDATE_MODES)[number];

export interface SaSetup {
  an: number;
  pn: string;
  key: string;
  /** `on` or `off`. */
  state: 'on' | 'off';
  ssci?: number;
  salt?: string;
}

export interface ScSetup {
  sci: string;
  state: 'on' | 'off';
  sa: SaSetup[];
}

/** The receiver, in the words of `ip link … type macsec` and `ip macsec`. */
export interface SecYSetup {
  cipher: Cipher;
  icvLen: number;
  /** Null: replay protection off. */
  replayWindow: number | null;
  rxSc: ScSetup[];
}

export interface TableCase {
  name: string;
  setup: SecYSetup;
  frames: Buffer[];
}

/** A frame that is still to be made, with the keys of its row. */
interface Recipe {
  inner: InnerFrame;
  /** Null: no SecTAG. */
  tag: Tag | null;
  sak: Sak;
  damage: Damage;
}

interface Row {
  name: string;
  setup: SecYSetup;
  frames: Recipe[];
}

/** The peer's SCI, one that nobody knows, and a second one that some cases know. */
export const PEER_SCI = '0000001111110001';
const UNKNOWN_SCI = '0000009999990001';
const SECOND_SCI = '0000003333330001';
/** Stand-ins: each row gets two keys of its own, so that a daemon can serve many rows at once. */
const KEY_0 = 'key 0';
const KEY_1 = 'key 1';

const INNER: InnerFrame = { dst: '02:00:00:00:aa:01', src: '02:00:00:00:aa:02', userData: testData(48) };
const SHORT: InnerFrame = { ...INNER, userData: testData(28) };
const FROM_PEER_MAC: InnerFrame = { ...INNER, src: '00:00:00:11:11:11' };
const SAK_0: Sak = { cipher: 'gcm-aes-128', key: KEY_0, icvLen: 16 };

const ENCRYPTED = TCI.SC | TCI.E | TCI.C;
const INTEGRITY = TCI.SC;

const setupWith = (changes: Partial<SecYSetup>): SecYSetup => ({
  cipher: 'gcm-aes-128',
  icvLen: 16,
  replayWindow: null,
  rxSc: [rxSc(PEER_SCI)],
  ...changes,
});

function rxSc(sci: string, sa: SaSetup[] = [rxSa({})], state: 'on' | 'off' = 'on'): ScSetup {
  return { sci, state, sa };
}

function rxSa(changes: Partial<SaSetup>): SaSetup {
  return { an: 0, pn: '1', key: KEY_0, state: 'on', ...changes };
}

function tag(tci: number, changes: Partial<Tag> = {}): Tag {
  return { tci, pn: 1, sci: PEER_SCI, ...changes };
}

function craft(
  tci: number,
  changes: Partial<Tag> = {},
  damage: Damage = {},
  inner: InnerFrame = INNER,
): Recipe {
  return protectedFrame(inner, tag(tci, changes), SAK_0, damage);
}

function protectedFrame(inner: InnerFrame, tag: Tag, sak: Sak, damage: Damage = {}): Recipe {
  return { inner, tag, sak, damage };
}

function plainFrame(inner: InnerFrame): Recipe {
  return { inner, tag: null, sak: SAK_0, damage: {} };
}

/** One case for C=1 (encrypted) and one for C=0 (integrity only). */
function bothWays(name: string, setup: SecYSetup, make: (tci: number) => Recipe[]): Row[] {
  return [
    { name: `${name}, C=1`, setup, frames: make(ENCRYPTED) },
    { name: `${name}, C=0`, setup, frames: make(INTEGRITY) },
  ];
}

function encrypted(...pns: number[]): Recipe[] {
  return pns.map((pn) => craft(ENCRYPTED, { pn }));
}

const good: Row[] = [
  ...bothWays('good', setupWith({}), (tci) => [craft(tci), craft(tci, { pn: 2 }), craft(tci, { pn: 3 })]),
  ...bothWays('good, short user data', setupWith({}), (tci) => [craft(tci, {}, {}, SHORT)]),
  {
    name: 'good, E=0 C=1 (changed text, not encrypted)',
    setup: setupWith({}),
    frames: [craft(TCI.SC | TCI.C)],
  },
  {
    name: 'good, icvlen 8',
    setup: setupWith({ icvLen: 8 }),
    frames: [protectedFrame(INNER, tag(ENCRYPTED), { ...SAK_0, icvLen: 8 })],
  },
  {
    name: 'good, icvlen 8, integrity (E=0 C=1)',
    setup: setupWith({ icvLen: 8 }),
    frames: [protectedFrame(INNER, tag(TCI.SC | TCI.C), { ...SAK_0, icvLen: 8 })],
  },
  {
    name: 'icvlen 8, E=0 C=0',
    setup: setupWith({ icvLen: 8 }),
    frames: [protectedFrame(INNER, tag(TCI.SC), { ...SAK_0, icvLen: 8 })],
  },
  {
    name: 'good, frames of two ANs',
    setup: setupWith({ rxSc: [rxSc(PEER_SCI, [rxSa({}), rxSa({ an: 1, key: KEY_1 })])] }),
    frames: [
      craft(ENCRYPTED),
      protectedFrame(INNER, tag(ENCRYPTED | 1), { ...SAK_0, key: KEY_1 }),
      craft(ENCRYPTED, { pn: 2 }),
    ],
  },
];

const untagged: Row[] = [
  { name: 'no SecTAG', setup: setupWith({}), frames: [plainFrame(INNER)] },
  {
    name: 'no SecTAG, short',
    setup: setupWith({}),
    frames: [plainFrame({ ...INNER, userData: testData(1) })],
  },
  { name: 'E=1 C=0', setup: setupWith({}), frames: [craft(TCI.SC | TCI.E)] },
  {
    name: 'E=1 C=0, unknown SCI',
    setup: setupWith({}),
    frames: [craft(TCI.SC | TCI.E, { sci: UNKNOWN_SCI })],
  },
];

const unknownPeer: Row[] = [
  ...bothWays('unknown SCI', setupWith({}), (tci) => [craft(tci, { sci: UNKNOWN_SCI })]),
  ...bothWays('unknown SCI, short', setupWith({}), (tci) => [craft(tci, { sci: UNKNOWN_SCI }, {}, SHORT)]),
  {
    name: 'unknown SCI, E=0 C=1',
    setup: setupWith({}),
    frames: [craft(TCI.SC | TCI.C, { sci: UNKNOWN_SCI })],
  },
  {
    name: 'unknown SCI, C=0, icvlen 8',
    setup: setupWith({ icvLen: 8 }),
    frames: [protectedFrame(INNER, tag(TCI.SC, { sci: UNKNOWN_SCI }), { ...SAK_0, icvLen: 8 })],
  },
  ...bothWays('no RX SC at all', setupWith({ rxSc: [] }), (tci) => [craft(tci)]),
  ...bothWays('AN without SA', setupWith({}), (tci) => [craft(tci | 1)]),
  ...bothWays('SA off', setupWith({ rxSc: [rxSc(PEER_SCI, [rxSa({ state: 'off' })])] }), (tci) => [
    craft(tci),
  ]),
  ...bothWays('RX SC off, SA on', setupWith({ rxSc: [rxSc(PEER_SCI, [rxSa({})], 'off')] }), (tci) => [
    craft(tci),
  ]),
];

const badTags: Row[] = [
  ...bothWays('bad tag: V=1', setupWith({}), (tci) => [craft(tci | TCI.V)]),
  ...bothWays('bad tag: ES with SC', setupWith({}), (tci) => [craft(tci | TCI.ES)]),
  ...bothWays('bad tag: SCB with SC', setupWith({}), (tci) => [craft(tci | TCI.SCB)]),
  ...bothWays('bad tag: top bits of SL', setupWith({}), (tci) => [
    craft(tci, { sl: 0x40 }),
    craft(tci, { sl: 0x80 }),
  ]),
  ...bothWays('bad tag: PN 0', setupWith({}), (tci) => [craft(tci, { pn: 0 })]),
  ...bothWays('bad tag: short frame padded', setupWith({}), (tci) => [craft(tci, {}, { padding: 4 }, SHORT)]),
  ...bothWays('bad tag: SL one more', setupWith({}), (tci) => [craft(tci, { sl: 31 }, {}, SHORT)]),
  ...bothWays('bad tag: SL one less', setupWith({}), (tci) => [craft(tci, { sl: 29 }, {}, SHORT)]),
  ...bothWays('bad tag: SL 0 with short user data', setupWith({}), (tci) => [
    craft(tci, { sl: 0 }, {}, SHORT),
  ]),
  ...bothWays('SL 48 with 48 octets', setupWith({}), (tci) => [
    craft(tci, { sl: 48 }, {}, { ...INNER, userData: testData(46) }),
  ]),
  ...bothWays('SL 63 with 63 octets', setupWith({}), (tci) => [
    craft(tci, { sl: 63 }, {}, { ...INNER, userData: testData(61) }),
  ]),
  ...bothWays('SL 0 with 48 octets', setupWith({}), (tci) => [
    craft(tci, {}, {}, { ...INNER, userData: testData(46) }),
  ]),
  ...bothWays('SL 0 with 47 octets', setupWith({}), (tci) => [
    craft(tci, { sl: 0 }, {}, { ...INNER, userData: testData(45) }),
  ]),
  {
    name: 'bad tag: V=1, unknown SCI',
    setup: setupWith({}),
    frames: [craft(ENCRYPTED | TCI.V, { sci: UNKNOWN_SCI })],
  },
  {
    name: 'bad tag: PN 0, unknown SCI',
    setup: setupWith({}),
    frames: [craft(ENCRYPTED, { pn: 0, sci: UNKNOWN_SCI })],
  },
  ...bothWays('bad tag: PN 0, AN without SA', setupWith({}), (tci) => [craft(tci | 1, { pn: 0 })]),
  ...[21, 22, 23, 38].map((cutTo) => ({
    name: `no SCI, cut to ${cutTo} octets`,
    setup: setupWith({}),
    frames: [craft(TCI.E | TCI.C, {}, { cutTo })],
  })),
  ...[14, 15, 16, 17, 19, 20, 28, 29, 30, 31, 43, 44, 45].map((cutTo) => ({
    name: `cut to ${cutTo} octets`,
    setup: setupWith({}),
    frames: [craft(ENCRYPTED, {}, { cutTo })],
  })),
];

const replay: Row[] = [
  ...bothWays('replayed, window 0', setupWith({ replayWindow: 0 }), (tci) => [craft(tci), craft(tci)]),
  ...bothWays('older, window 0', setupWith({ replayWindow: 0 }), (tci) => [
    craft(tci, { pn: 5 }),
    craft(tci, { pn: 4 }),
  ]),
  {
    name: 'duplicate inside window 32',
    setup: setupWith({ replayWindow: 32 }),
    frames: encrypted(1, 2, 3, 2, 2),
  },
  {
    name: 'edges of window 32',
    setup: setupWith({ replayWindow: 32 }),
    frames: encrypted(100, 69, 68, 101, 69, 70),
  },
  {
    name: 'below the window before it is full',
    setup: setupWith({ replayWindow: 32 }),
    frames: encrypted(10, 1, 5, 10),
  },
  ...bothWays('late with a bad ICV, window 0', setupWith({ replayWindow: 0 }), (tci) => [
    craft(tci, { pn: 5 }),
    craft(tci, { pn: 4 }, { icv: true }),
  ]),
  ...bothWays('older, replay off', setupWith({}), (tci) => [
    craft(tci, { pn: 5 }),
    craft(tci, { pn: 4 }),
    craft(tci, { pn: 5 }),
  ]),
  ...bothWays('older with a bad ICV, replay off', setupWith({}), (tci) => [
    craft(tci, { pn: 5 }),
    craft(tci, { pn: 4 }, { icv: true }),
  ]),
  ...bothWays(
    'late at the first frame, window 0',
    setupWith({ replayWindow: 0, rxSc: [rxSc(PEER_SCI, [rxSa({ pn: '1000' })])] }),
    (tci) => [craft(tci, { pn: 999 }), craft(tci, { pn: 1000 })],
  ),
  {
    name: 'SA that starts at PN 1000, replay off',
    setup: setupWith({ rxSc: [rxSc(PEER_SCI, [rxSa({ pn: '1000' })])] }),
    frames: encrypted(999, 1000, 1001),
  },
  {
    name: 'SA that starts at PN 1000, window 0',
    setup: setupWith({ replayWindow: 0, rxSc: [rxSc(PEER_SCI, [rxSa({ pn: '1000' })])] }),
    frames: encrypted(999, 1000, 1001),
  },
  ...bothWays('the last PN, window 0', setupWith({ replayWindow: 0 }), (tci) => [
    craft(tci, { pn: 0xfffffffe }),
    craft(tci, { pn: 0xffffffff }),
    craft(tci, { pn: 0xffffffff }),
    craft(tci, { pn: 1 }),
  ]),
];

const badIcv: Row[] = [
  ...bothWays('bad ICV', setupWith({}), (tci) => [craft(tci, {}, { icv: true })]),
  ...bothWays('bad ICV, then good', setupWith({ replayWindow: 0 }), (tci) => [
    craft(tci, { pn: 9 }, { icv: true }),
    craft(tci),
  ]),
  { name: 'bad ICV, E=0 C=1', setup: setupWith({}), frames: [craft(TCI.SC | TCI.C, {}, { icv: true })] },
  {
    name: 'wrong key',
    setup: setupWith({ rxSc: [rxSc(PEER_SCI, [rxSa({ key: KEY_1 })])] }),
    frames: [craft(ENCRYPTED), craft(INTEGRITY, { pn: 2 })],
  },
];

const withoutSci: Row[] = [
  ...bothWays('no SCI, ES=0, one RX SC', setupWith({}), (tci) => [craft(tci & ~TCI.SC)]),
  ...bothWays('no SCI, SCB, one RX SC', setupWith({}), (tci) => [craft((tci & ~TCI.SC) | TCI.SCB)]),
  ...bothWays('no SCI, ES=0, no RX SC', setupWith({ rxSc: [] }), (tci) => [craft(tci & ~TCI.SC)]),
  ...bothWays('no SCI, ES=0, two RX SCs', setupWith({ rxSc: [rxSc(PEER_SCI), rxSc(SECOND_SCI)] }), (tci) => [
    craft(tci & ~TCI.SC),
  ]),
  ...bothWays(
    'no SCI, ES=0, the RX SC off',
    setupWith({ rxSc: [rxSc(PEER_SCI, [rxSa({})], 'off')] }),
    (tci) => [craft(tci & ~TCI.SC)],
  ),
  ...bothWays(
    'no SCI, ES=0, two RX SCs, one of them off',
    setupWith({ rxSc: [rxSc(PEER_SCI), rxSc(SECOND_SCI, [rxSa({})], 'off')] }),
    (tci) => [craft(tci & ~TCI.SC)],
  ),
  ...bothWays(
    'no SCI, ES=0, from the peer itself, two RX SCs',
    setupWith({ rxSc: [rxSc(PEER_SCI), rxSc(SECOND_SCI)] }),
    (tci) => [craft(tci & ~TCI.SC, {}, {}, FROM_PEER_MAC)],
  ),
  ...bothWays('no SCI, ES=1, from the peer itself', setupWith({}), (tci) => [
    craft((tci & ~TCI.SC) | TCI.ES, {}, {}, FROM_PEER_MAC),
  ]),
  ...bothWays('no SCI, ES=1, from a host behind the peer', setupWith({}), (tci) => [
    craft((tci & ~TCI.SC) | TCI.ES),
  ]),
  ...bothWays('no SCI, ES=1 SCB=1, from the peer itself', setupWith({}), (tci) => [
    craft((tci & ~TCI.SC) | TCI.ES | TCI.SCB, {}, {}, FROM_PEER_MAC),
  ]),
  ...bothWays('no SCI, ES=0, short', setupWith({}), (tci) => [craft(tci & ~TCI.SC, {}, {}, SHORT)]),
  ...bothWays('no SCI, ES=0, bad ICV', setupWith({}), (tci) => [craft(tci & ~TCI.SC, {}, { icv: true })]),
];

const XPN: Sak = {
  cipher: 'gcm-aes-xpn-128',
  key: KEY_0,
  icvLen: 16,
  ssci: 1,
  salt: '0102030405060708090a0b0c',
};
const BORDER = 0x1_0000_0000n;

function xpnSetup(pn: string, replayWindow: number | null): SecYSetup {
  const sa: SaSetup = { an: 0, pn, key: KEY_0, state: 'on', ssci: 1, salt: XPN.salt! };
  return setupWith({ cipher: 'gcm-aes-xpn-128', replayWindow, rxSc: [rxSc(PEER_SCI, [sa])] });
}

function xpn(tci: number, ...pns: bigint[]): Recipe[] {
  return pns.map((pn) => protectedFrame(INNER, tag(tci, { pn }), XPN));
}

const extended: Row[] = [
  ...bothWays('XPN: good', xpnSetup('1', null), (tci) => xpn(tci, 1n, 2n, 3n)),
  ...bothWays('XPN: across the border, window 0', xpnSetup('4294967294', 0), (tci) =>
    xpn(tci, BORDER - 2n, BORDER - 1n, BORDER, BORDER + 1n, BORDER + 2n),
  ),
  ...bothWays('XPN: over the border with a gap, window 0', xpnSetup('4294967290', 0), (tci) =>
    xpn(tci, BORDER - 6n, BORDER + 5n, BORDER + 6n),
  ),
  ...bothWays('XPN: older across the border, window 32', xpnSetup('4294967294', 32), (tci) =>
    xpn(tci, BORDER - 2n, BORDER + 1n, BORDER - 1n, BORDER + 2n),
  ),
  ...bothWays('XPN: older, replay off', xpnSetup('1', null), (tci) => xpn(tci, 5n, 4n, 5n)),
  ...bothWays('XPN: replayed, window 0', xpnSetup('1', 0), (tci) => xpn(tci, 5n, 5n, 4n, 6n)),
  ...bothWays('XPN: PN whose lower half is 0', xpnSetup('1', null), (tci) => xpn(tci, 0n)),
  ...bothWays('XPN: a start high up', xpnSetup('123456789012345', 0), (tci) =>
    xpn(tci, 123456789012345n, 123456789012346n),
  ),
];

const ROWS: readonly Row[] = [
  ...good,
  ...untagged,
  ...unknownPeer,
  ...badTags,
  ...replay,
  ...badIcv,
  ...withoutSci,
  ...extended,
];

/** Every row, in the order of the table. */
export const TABLE: readonly TableCase[] = ROWS.map((row, index) => {
  const keyOf = (standIn: string): string =>
    Buffer.alloc(16, 2 * index + Number(standIn === KEY_1) + 1).toString('hex');
  return {
    name: row.name,
    setup: {
      ...row.setup,
      rxSc: row.setup.rxSc.map((sc) => ({ ...sc, sa: sc.sa.map((sa) => ({ ...sa, key: keyOf(sa.key) })) })),
    },
    frames: row.frames.map(({ inner, tag, sak, damage }) =>
      tag === null ? craftPlain(inner) : craftMacsec(inner, tag, { ...sak, key: keyOf(sak.key) }, damage),
    ),
  };
});
