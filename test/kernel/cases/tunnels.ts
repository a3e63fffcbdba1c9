/** The matrix: tunnels that must carry every frame both ways, with both ends' counters in agreement. */
import { longFrames, mixedFrames, SHORT_FRAMES } from '../frames.ts';
import { type TunnelSetup, tunnelSetup } from '../tunnel-case.ts';

export interface TunnelCase {
  name: string;
  setup: TunnelSetup;
  /** Inner MTU that both ends must have arrived at. */
  mtu: number;
  /** Sent from either LAN. */
  frames: Buffer[];
  /** In the subset that runs in under 90 s. */
  quick: boolean;
}

const CIPHERS = ['gcm-aes-128', 'gcm-aes-256', 'gcm-aes-xpn-128', 'gcm-aes-xpn-256'] as const;
const MODES = ['strict', 'check', 'disabled'] as const;

const allFrames = (mtu: number): Buffer[] => [...SHORT_FRAMES, ...longFrames(mtu), ...mixedFrames(mtu)];

function tunnelCase(name: string, setup: TunnelSetup, mtu: number, quick = false): TunnelCase {
  return { name, setup, mtu, frames: allFrames(mtu), quick };
}

const ciphers: TunnelCase[] = CIPHERS.flatMap((cipher) => [
  tunnelCase(`${cipher}, encrypt on`, tunnelSetup({ cipher }), 1430, cipher === 'gcm-aes-128'),
  tunnelCase(`${cipher}, encrypt off`, tunnelSetup({ cipher, both: { encrypt: false } }), 1430),
]);

const withoutSci: TunnelCase[] = [true, false].flatMap((encrypt) => [
  tunnelCase(
    `send_sci off, neither end_station nor scb, encrypt ${encrypt ? 'on' : 'off'}`,
    tunnelSetup({ both: { sendSci: false, encrypt } }),
    1430,
    encrypt,
  ),
  tunnelCase(
    `send_sci off, scb, encrypt ${encrypt ? 'on' : 'off'}`,
    tunnelSetup({ both: { sendSci: false, scb: true, encrypt } }),
    1430,
  ),
]);

const mixedEnds: TunnelCase[] = [
  tunnelCase('l2vpnd without SCI, the kernel with', tunnelSetup({ host: { sendSci: false } }), 1430),
  tunnelCase('l2vpnd encrypts, the kernel does not', tunnelSetup({ guest: { encrypt: false } }), 1430),
];

/** GCM has no ICVs of 9 to 11 octets (SP 800-38D 5.2.1.2); see `REFUSED_ICV_LENS`. */
const icvLens: TunnelCase[] = [8, 12, 13, 14, 15].flatMap((icvLen) => [
  tunnelCase(`icvlen ${icvLen}`, tunnelSetup({ icvLen }), 1446 - icvLen),
  tunnelCase(
    `icvlen ${icvLen}, encrypt off`,
    tunnelSetup({ icvLen, both: { encrypt: false } }),
    1446 - icvLen,
  ),
]);

/** `ip link add … icvlen` takes them, but the kernel's GCM refuses the first SA. */
export const REFUSED_ICV_LENS: readonly number[] = [9, 10, 11];

const validation: TunnelCase[] = MODES.flatMap((host) =>
  MODES.filter((guest) => host !== 'strict' || guest !== 'strict').map((guest) =>
    tunnelCase(
      `validate: l2vpnd ${host}, the kernel ${guest}`,
      tunnelSetup({ host: { validate: host }, guest: { validate: guest } }),
      1430,
    ),
  ),
);

const unchecked = tunnelCase(
  'validate disabled and encrypt off: nobody checks',
  tunnelSetup({ both: { validate: 'disabled', encrypt: false } }),
  1430,
);

const windows: TunnelCase[] = [0, 32, 1_000_000].map((replayWindow) =>
  tunnelCase(`replay on, window ${replayWindow}`, tunnelSetup({ both: { replayWindow } }), 1430),
);

const plain: TunnelCase[] = [
  tunnelCase('plain gretap', tunnelSetup({ cipher: null }), 1462, true),
  tunnelCase('plain gretap, key', tunnelSetup({ cipher: null, key: 0xdeadbeef }), 1458),
  tunnelCase('plain gretap, checksum', tunnelSetup({ cipher: null, checksum: true }), 1458),
  tunnelCase('plain gretap, key and checksum', tunnelSetup({ cipher: null, key: 7, checksum: true }), 1454),
  tunnelCase('plain ip6gretap', tunnelSetup({ cipher: null, underlay: 6 }), 1442),
  tunnelCase('plain gretap in UDP (fou)', tunnelSetup({ cipher: null, encap: 'udp' }), 1454),
];

const underlays: TunnelCase[] = [
  tunnelCase('macsec over gretap, key and checksum', tunnelSetup({ key: 7, checksum: true }), 1422),
  tunnelCase('macsec over ip6gretap', tunnelSetup({ underlay: 6 }), 1410, true),
  tunnelCase(
    'macsec over ip6gretap, key and checksum',
    tunnelSetup({ underlay: 6, key: 1, checksum: true }),
    1402,
  ),
  tunnelCase('macsec over gretap in UDP (fou)', tunnelSetup({ encap: 'udp' }), 1422, true),
  tunnelCase('macsec over gretap in UDP (fou), key', tunnelSetup({ encap: 'udp', key: 9 }), 1418),
  tunnelCase('jumbo underlay', tunnelSetup({ underlayMtu: 9000 }), 8930),
];

export const TUNNELS: readonly TunnelCase[] = [
  ...ciphers,
  ...withoutSci,
  ...mixedEnds,
  ...icvLens,
  ...validation,
  unchecked,
  ...windows,
  ...plain,
  ...underlays,
];
