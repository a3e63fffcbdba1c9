/** Two daemons on the reference topology: what users do over the tunnel, in every way to configure one. */
import { beforeAll, expect, it } from 'vitest';
import type { GrePacket } from '../../lab/capture.ts';
import { iperf, startIperfServer, udpLoss } from '../../lab/iperf.ts';
import type { MacsecFile, Site, TunnelChanges } from '../../lab/site.ts';
import { KEY_1, KEY_2, tunnelFile } from '../../lab/site.ts';
import type { Topology } from '../../lab/topology.ts';
import { ETHERTYPE_TEST, ethernet, hex, internetChecksum, pattern } from './frames.ts';
import { carriedBy, forgetPaths, Lab, labOfTests, mtuOf, pingOnce, Sender, suite } from './support.ts';

const HOST_1 = '00:00:00:00:00:01';
const HOST_2 = '00:00:00:00:00:02';
const SCI_1 = '0000001111110001';

suite('two sites with the reference configuration', { programs: ['iperf'], python: true }, () => {
  const lab = new Lab({ prefix: 'two', hostMtu: 1500 });
  let sites: [Site, Site];
  let firstPackets: GrePacket[];

  beforeAll(async () => {
    sites = await lab.bothSites();
    firstPackets = await lab.watchWan(async () => {
      expect(await pingOnce(lab.topology.host1, '192.168.1.2', 56, 2)).toBe(true);
    });
  });

  it('host1 learns the MAC address of host2 by ARP through the tunnel', async () => {
    const neighbours = await lab.topology.host1.must(['ip', 'neigh', 'show', '192.168.1.2']);
    expect(neighbours).toContain(`lladdr ${HOST_2}`);
  });

  it('the first packet on the WAN is GRE with a SecTAG: E, C and SC, AN 0, PN 1, the SCI of the TAP', () => {
    const [arp] = firstPackets;
    expect(arp).toMatchObject({ src: '1.1.1.1', dst: '2.2.2.2', flags: 0, protocol: 0x6558 });
    expect(arp?.secTag).toEqual({ tci: 0x2c, an: 0, sl: 0x1e, pn: 1, sci: SCI_1 });
    expect(arp?.payload.subarray(0, 12)).toEqual(hex(`ffffffffffff ${HOST_1}`));
    // 14 Ethernet, 28 ARP, 16 SecTAG, 16 ICV; never padded.
    expect(arp?.payload.length).toBe(74);
  });

  it('nothing that the hosts say is readable on the WAN', async () => {
    const secret = 'do you read me?';
    const packets = await lab.watchWan(async () => {
      const argv = ['ping', '-c', '1', '-W', '1', '-p', Buffer.from(secret).toString('hex')];
      await lab.topology.host1.must([...argv, '192.168.1.2']);
    });
    expect(packets.length).toBeGreaterThanOrEqual(2);
    for (const { gre } of packets) expect(gre.includes(secret.slice(0, 4))).toBe(false);
  });

  it('a ping of 1402 octets passes unfragmented, one of 1403 does not', async () => {
    expect(await pingOnce(lab.topology.host1, '192.168.1.2', 1402)).toBe(true);
    expect(await pingOnce(lab.topology.host1, '192.168.1.2', 1403)).toBe(false);
  });

  it('a frame that does not fit is counted too long and never cut', async () => {
    // A bridge lets a VLAN tag stand out over the MTU; the tunnel has no room for it.
    const tooLong = ethernet(HOST_2, HOST_1, 0x8100, Buffer.concat([hex('0064 88b5'), pattern(1430)]));
    const before = (await sites[0].counters()).OutPktsTooLong ?? 0;
    expect(await carry(lab, [tooLong])).toEqual([]);
    const { OutPktsTooLong } = await sites[0].countersWhen((now) => (now.OutPktsTooLong ?? 0) > before);
    expect(OutPktsTooLong).toBe(before + 1);
  });

  it('frames of every short length arrive as they were sent, neither padded nor cut', async () => {
    const lengths = Array.from({ length: 60 }, (_, i) => 14 + i);
    const frames = lengths.map((len) => ethernet(HOST_2, HOST_1, ETHERTYPE_TEST, pattern(len - 14, len)));
    expect(await carry(lab, frames)).toEqual(frames);
  });

  it('VLAN-tagged and double-tagged frames pass with their tags', async () => {
    const frames = [
      ethernet(HOST_2, HOST_1, 0x8100, hex('0064 88b5 01020304 05060708')),
      ethernet(HOST_2, HOST_1, 0x88a8, hex('00c8 8100 0064 88b5 0102030405060708')),
      ethernet(HOST_2, HOST_1, 0x8100, Buffer.concat([hex('2064 88b5'), pattern(1426)])),
    ];
    expect(await carry(lab, frames)).toEqual(frames);
  });

  it('broadcast and multicast frames pass', async () => {
    const frames = ['ff:ff:ff:ff:ff:ff', '01:00:5e:01:02:03', '33:33:00:00:00:01'].map((to, i) =>
      ethernet(to, HOST_1, ETHERTYPE_TEST, pattern(60, i)),
    );
    expect(await carry(lab, frames)).toEqual(frames);
  });

  it('iperf TCP and UDP run both ways', async () => {
    const { host1, host2, setHostMtu } = lab.topology;
    await setHostMtu(1430);
    const servers = [await startIperfServer(host1), await startIperfServer(host2)];
    for (const [client, server] of [
      [host1, '192.168.1.2'],
      [host2, '192.168.1.1'],
    ] as const) {
      const tcp = await iperf(client, server, { seconds: 1 });
      expect(tcp.octets).toBeGreaterThan(1e6);
    }
    await Promise.all(servers.map((server) => server.stop()));
    for (const [client, server, address] of [
      [host1, host2, '192.168.1.2'],
      [host2, host1, '192.168.1.1'],
    ] as const) {
      const listener = await startIperfServer(server, { udp: true });
      await iperf(client, address, { seconds: 1, udpBitsPerSec: 8e6, udpLen: 1000 });
      const { lost, sent } = await udpLoss(listener);
      expect(sent).toBeGreaterThan(900);
      // How many a receiver misses is its socket buffer's and a busy machine's matter.
      expect(lost).toBeLessThan(sent / 2);
      await listener.stop();
    }
    await setHostMtu(1500);
  });

  it('what one site counts as encrypted, the other counts as valid', async () => {
    for (const [from, to] of [sites, [...sites].reverse()] as [Site, Site][]) {
      const sent = await from.counters();
      const received = await to.countersWhen((now) => (now.InPktsOK ?? 0) >= (sent.OutPktsEncrypted ?? 0));
      expect(received.InPktsOK).toBe(sent.OutPktsEncrypted);
      expect(received.InOctetsDecrypted).toBe(sent.OutOctetsEncrypted);
    }
  });
});

/** Sends frames from host1; returns those with the same source that host2 gets. */
async function carry(lab: Lab, frames: readonly Buffer[]): Promise<Buffer[]> {
  const { host1, host2 } = lab.topology;
  const sender = await Sender.link(host1, 'veth1');
  try {
    const received = await lab.watchLink(host2, 'veth2', `ether src ${HOST_1}`, async () => {
      await sender.send(...frames);
      // Order is kept: when this has arrived, everything before it has.
      expect(await pingOnce(host1, '192.168.1.2', 56, 2)).toBe(true);
    });
    return received.filter((frame) => ![0x0800, 0x0806].includes(frame.readUInt16BE(12)));
  } finally {
    await sender.close();
  }
}

interface Variant {
  title: string;
  /** The same at both sites, or one for each. */
  changes: (side: 1 | 2) => TunnelChanges;
  settings?: Record<string, unknown>;
  /** What the tunnel carries, from the README's arithmetic. */
  mtu: number;
  /** Octets that fit beyond that: an SCI is counted, sent or not. */
  spare?: number;
  /** What a packet on the WAN must look like. */
  wire: Partial<Pick<GrePacket, 'flags' | 'key' | 'udp'>> & { tci?: number };
}

const same =
  (changes: TunnelChanges): ((side: 1 | 2) => TunnelChanges) =>
  () =>
    changes;

/** `macsec` of the reference with other keys. */
function keyed(side: 1 | 2, keys: readonly [string, string], rest: MacsecFile): MacsecFile {
  const [own, peer] = side === 1 ? keys : [keys[1], keys[0]];
  const peerMac = side === 1 ? '00:00:00:22:22:22' : '00:00:00:11:11:11';
  return {
    txSa: [{ an: 0, keyId: '0a', key: own }],
    rxSc: [{ mac: peerMac, sa: [{ an: 0, keyId: '0b', key: peer }] }],
    ...rest,
  };
}

const VARIANTS: Variant[] = [
  {
    title: 'GCM-AES-256',
    changes: (side) => ({
      macsec: keyed(side, [KEY_1.repeat(2), KEY_2.repeat(2)], { cipher: 'gcm-aes-256' }),
    }),
    mtu: 1430,
    wire: { flags: 0, tci: 0x2c },
  },
  {
    title: 'integrity only (encrypt off)',
    changes: same({ macsec: { encrypt: false } }),
    mtu: 1430,
    wire: { flags: 0, tci: 0x20 },
  },
  {
    title: 'no SCI on the wire (sendSci off)',
    changes: same({ macsec: { sendSci: false } }),
    mtu: 1430,
    spare: 8,
    wire: { flags: 0, tci: 0x0c },
  },
  {
    title: 'validate check',
    changes: same({ macsec: { validate: 'check' } }),
    mtu: 1430,
    wire: { tci: 0x2c },
  },
  {
    title: 'validate disabled',
    changes: same({ macsec: { validate: 'disabled' } }),
    mtu: 1430,
    wire: { tci: 0x2c },
  },
  {
    title: 'AN 3 of four transmit and receive SAs',
    changes: (side) => {
      const sas = (key: string) => [0, 1, 2, 3].map((an) => ({ an, keyId: `0${an}`, key: rotated(key, an) }));
      const [own, peer] = side === 1 ? [KEY_1, KEY_2] : [KEY_2, KEY_1];
      const peerMac = side === 1 ? '00:00:00:22:22:22' : '00:00:00:11:11:11';
      return { macsec: { encodingSa: 3, txSa: sas(own), rxSc: [{ mac: peerMac, sa: sas(peer) }] } };
    },
    mtu: 1430,
    wire: { tci: 0x2f },
  },
  {
    title: 'a GRE key',
    changes: same({ gre: { key: 0xfedcba98 } }),
    mtu: 1426,
    wire: { flags: 0x2000, key: 0xfedcba98, tci: 0x2c },
  },
  {
    title: 'a GRE checksum',
    changes: same({ gre: { checksum: true } }),
    mtu: 1426,
    wire: { flags: 0x8000, tci: 0x2c },
  },
  {
    title: 'GRE key and checksum',
    changes: same({ gre: { key: 7, checksum: true } }),
    mtu: 1422,
    wire: { flags: 0xa000, key: 7, tci: 0x2c },
  },
  { title: 'plain GRETAP', changes: same({ macsec: null }), mtu: 1462, wire: { flags: 0 } },
  {
    title: 'plain GRETAP with GRE key and checksum',
    changes: same({ macsec: null, gre: { key: 1, checksum: true } }),
    mtu: 1454,
    wire: { flags: 0xa000, key: 1 },
  },
  { title: 'crypto node', changes: same({}), settings: { crypto: 'node' }, mtu: 1430, wire: { tci: 0x2c } },
  { title: 'an MTU of its own', changes: same({ tap: { mtu: 1000 } }), mtu: 1000, wire: { tci: 0x2c } },
  {
    title: 'GRE in UDP',
    changes: same({ gre: { encap: 'udp' } }),
    mtu: 1422,
    wire: { flags: 0, tci: 0x2c, udp: { srcPort: 4754, dstPort: 4754 } },
  },
  {
    title: 'plain GRETAP in UDP with a GRE key',
    changes: same({ macsec: null, gre: { encap: 'udp', key: 5 } }),
    mtu: 1450,
    wire: { flags: 0x2000, key: 5, udp: { srcPort: 4754, dstPort: 4754 } },
  },
  { title: 'two queues', changes: same({ tap: { queues: 2 } }), mtu: 1430, wire: { tci: 0x2c } },
];

function rotated(key: string, by: number): string {
  return key.slice(2 * by) + '5a'.repeat(by);
}

suite('two sites with', {}, () => {
  const lab = labOfTests({ prefix: 'with', hostMtu: 1500 });

  for (const variant of VARIANTS)
    it(`${variant.title}: hosts reach each other, up to the MTU and no further`, () =>
      checkVariant(lab, variant));
});

suite('two sites over an IPv6 underlay with', {}, () => {
  const lab = labOfTests({ prefix: 'six', family: 6, hostMtu: 1500 });

  const variants: Variant[] = [
    { title: 'MACsec', changes: same({}), mtu: 1410, wire: { flags: 0, tci: 0x2c } },
    {
      title: 'GRE key and checksum',
      changes: same({ gre: { key: 9, checksum: true } }),
      mtu: 1402,
      wire: { flags: 0xa000, key: 9, tci: 0x2c },
    },
    { title: 'plain GRETAP', changes: same({ macsec: null }), mtu: 1442, wire: { flags: 0 } },
    {
      title: 'GRE in UDP',
      changes: same({ gre: { encap: 'udp' } }),
      mtu: 1402,
      wire: { flags: 0, tci: 0x2c, udp: { srcPort: 4754, dstPort: 4754 } },
    },
  ];
  for (const variant of variants)
    it(`${variant.title}: hosts reach each other, up to the MTU and no further`, () =>
      checkVariant(lab, variant));
});

async function checkVariant(lab: Lab, { changes, settings, mtu, spare = 0, wire }: Variant): Promise<void> {
  lab.explainFailure();
  const { host1, host2 } = lab.topology;
  const sites = [lab.site(1, changes(1), settings), lab.site(2, changes(2), settings)];
  await Promise.all(sites.map((site) => site.start()));
  expect(await carriedBy(sites[0]!)).toBe(mtu);
  await forgetPaths(lab.topology);
  const packets = await lab.watchWan(async () => {
    expect(await pingOnce(host1, '192.168.1.2', 56, 2)).toBe(true);
    expect(await pingOnce(host2, '192.168.1.1', mtu - 28, 2)).toBe(true);
  });
  expect(await pingOnce(host1, '192.168.1.2', mtu + spare - 27)).toBe(false);
  expect(packets.length).toBeGreaterThanOrEqual(4);
  for (const packet of packets) {
    const { tci, ...header } = wire;
    expect(packet).toMatchObject(header);
    expect(packet.secTag?.tci).toBe(tci);
    if (packet.flags & 0x8000) expect(internetChecksum(packet.gre)).toBe(0);
  }
}

suite('two tunnels in one configuration', {}, () => {
  const lab = labOfTests({ prefix: 'twin' });

  /** The reference tunnel, and one told apart by its GRE key whose TAP has an address and no bridge. */
  const twin = (topology: Topology, side: 1 | 2) => {
    const first = tunnelFile(topology, side);
    const mac = side === 1 ? '00:00:00:33:33:33' : '00:00:00:44:44:44';
    const peerMac = side === 1 ? '00:00:00:44:44:44' : '00:00:00:33:33:33';
    const second = tunnelFile(topology, side, {
      name: 'second',
      tap: { ifname: 'macsec2', mac, bridge: null },
      gre: { key: 2 },
      macsec: keyedFor(side, peerMac),
    });
    return { tunnels: [first, second] };
  };
  const keyedFor = (side: 1 | 2, peerMac: string): MacsecFile => {
    const [own, peer] = side === 1 ? ['33', '44'] : ['44', '33'];
    return {
      txSa: [{ an: 0, keyId: '03', key: own.repeat(16) }],
      rxSc: [{ mac: peerMac, sa: [{ an: 0, keyId: '04', key: peer.repeat(16) }] }],
    };
  };

  it('both carry their own traffic, each under its own name', async () => {
    lab.explainFailure();
    const { host1, nsra, nsrb } = lab.topology;
    const sites = [lab.siteOf(1, twin(lab.topology, 1)), lab.siteOf(2, twin(lab.topology, 2))];
    await Promise.all(sites.map((site) => site.start()));
    await nsra.ip('address add 10.2.0.1/24 dev macsec2\n');
    await nsrb.ip('address add 10.2.0.2/24 dev macsec2\n');
    expect(await pingOnce(host1, '192.168.1.2', 56, 2)).toBe(true);
    expect(await pingOnce(nsra, '10.2.0.2', 56, 2)).toBe(true);
    expect(await mtuOf(nsra, 'macsec2')).toBe(1426);
    const [reference, second] = [await sites[0]?.counters('site2'), await sites[0]?.counters('second')];
    expect(reference?.OutPktsEncrypted).toBe(2);
    expect(second?.OutPktsEncrypted).toBe(2);
    expect(second?.InPktsOK).toBe(2);
  });
});
