import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Config } from '../../../src/config/types.ts';
import { L2vpnError } from '../../../src/errors.ts';
import { type CapturedPacket, readCaptureFile } from '../../../src/explain/capture-file.ts';
import { formatPacket, formatTime } from '../../../src/explain/format.ts';
import type { Judgement } from '../../../src/explain/gate.ts';
import { packetsOf } from '../../../src/explain/input.ts';
import { Judge } from '../../../src/explain/judge.ts';
import { decode, guessFirst } from '../../../src/explain/outer.ts';
import { exampleConfig, type Json, load, sample } from '../config/sample.ts';
import {
  ARP_REQUEST,
  GRE_IPV4,
  GRE_IPV6,
  GRE_IPV6_OPTION,
  GRE_KEY,
  GRE_UDP,
  ICMP_TOO_BIG,
  ICMPV6_TOO_BIG,
  INTEGRITY_ONLY,
  PCAPNG_FILE,
} from './packets.ts';

const SITE1 = exampleConfig('site1');
const SITE2 = exampleConfig('site2');
/** Of GRE_IPV4: behind IPv4 20, GRE 4, addresses 12. */
const TCI_AT = 38;
const PN_AT = 40;

/** site1's configuration with another tunnel section. */
function site1(change: (tunnel: Json) => void): Config {
  const value = sample();
  const [tunnel] = value.tunnels;
  tunnel.macsec.txSa[0].key = '11'.repeat(16);
  tunnel.macsec.rxSc[0].sa[0].key = '22'.repeat(16);
  change(tunnel);
  return load(value);
}

function judge(config: Config, ...packets: (string | Buffer)[]): Judgement[] {
  const judge = new Judge(config);
  return packets.map((given) => {
    const packet = typeof given === 'string' ? Buffer.from(given, 'hex') : given;
    return judge.judge(packet, decode(packet, guessFirst(packet), [4754, ...judge.udpPorts]));
  });
}

function changed(hex: string, change: (packet: Buffer) => void): Buffer {
  const packet = Buffer.from(hex, 'hex');
  change(packet);
  return packet;
}

describe('decode', () => {
  const layersOf = (hex: string): string[] => {
    const packet = Buffer.from(hex, 'hex');
    return decode(packet, guessFirst(packet), [4754]).layers.map(({ name }) => name);
  };
  const inner = ['GRE', 'inner Ethernet', 'SecTAG', 'secure data and ICV'];

  it.each([
    ['IPv4', GRE_IPV4, ['IPv4', ...inner]],
    ['IPv6', GRE_IPV6, ['IPv6', ...inner]],
    ['IPv6 with an option', GRE_IPV6_OPTION, ['IPv6', 'IPv6 destination options', ...inner]],
    ['UDP', GRE_UDP, ['IPv4', 'UDP', ...inner]],
    ['GRE alone', GRE_IPV4.slice(40), inner],
    ['the frame alone', GRE_IPV4.slice(48), ['Ethernet', 'SecTAG', 'secure data and ICV']],
    ['a frame in clear', ARP_REQUEST, ['Ethernet']],
    ['a VLAN tag outside', `${'02'.repeat(12)}81000005${'0800'}${GRE_IPV4}`, ['Ethernet', 'IPv4', ...inner]],
    ['a VLAN tag inside', `00006558${'02'.repeat(12)}8100a0050806`, ['GRE', 'inner Ethernet', '802.1Q']],
    ['two VLAN tags', `${'02'.repeat(12)}88a800648100a0050806`, ['Ethernet', '802.1ad', '802.1Q']],
    ['EAPOL', `${'02'.repeat(12)}888e03010000`, ['Ethernet', 'EAPOL']],
    ['an ICMP error', ICMP_TOO_BIG, ['IPv4', 'ICMP', ...['IPv4', ...inner].map((name) => `quoted ${name}`)]],
    [
      'an ICMPv6 error',
      ICMPV6_TOO_BIG,
      ['IPv6', 'ICMPv6', ...['IPv6', ...inner].map((name) => `quoted ${name}`)],
    ],
    [
      'an ICMP error behind Ethernet',
      `${'02'.repeat(12)}0800${ICMP_TOO_BIG}`,
      ['Ethernet', 'IPv4', 'ICMP', ...['IPv4', ...inner].map((name) => `quoted ${name}`)],
    ],
  ])('%s', (_what, hex, layers) => {
    expect(layersOf(hex)).toEqual(layers);
  });

  it('an ICMP error that quotes 8 octets behind the IP header is read as far as they go', () => {
    const packet = changed(ICMP_TOO_BIG.slice(0, 2 * (20 + 8 + 28)), (p) => p.writeUInt16BE(56, 2));
    const { layers, quoted } = decode(packet, 'ip', []);
    expect(layers.map(({ name, fault }) => [name, fault])).toEqual([
      ['IPv4', undefined],
      ['ICMP', undefined],
      ['quoted IPv4', undefined],
      ['quoted GRE', undefined],
      ['quoted inner Ethernet', 'cut off: 4 of 14 octets are there'],
    ]);
    expect(quoted!.ends).toEqual({ src: '2.2.2.2', dst: '1.1.1.1' });
  });

  it.each([
    ['another packet', changed(ICMP_TOO_BIG, (p) => p.writeUInt8(6, 28 + 9))],
    ['an ICMP error', changed(ICMP_TOO_BIG, (p) => p.writeUInt8(1, 28 + 9))],
    ['GRE, but says something else', changed(ICMP_TOO_BIG, (p) => p.writeUInt8(3, 21))],
  ])('an ICMP error that quotes %s is no matter of a tunnel', (_what, packet) => {
    const { layers, quoted } = decode(packet, 'ip', []);
    expect(quoted).toBeNull();
    expect(layers.map(({ name }) => name)).toEqual(['IPv4', 'ICMP']);
    expect(layers.at(-1)!.fault).toMatch(/no tunnel sees it/);
  });

  it('EAPOL that ends inside its body has a fault there', () => {
    const { layers } = decode(Buffer.from(`${'02'.repeat(12)}888e0305000400`, 'hex'), 'ethernet', []);
    expect(layers.at(-1)!.fault).toBe('cut off: the header counts 4 octets of body, 1 are there');
  });

  it('tells every field of the SecTAG', () => {
    const { layers } = decode(Buffer.from(GRE_IPV4, 'hex'), 'ip', []);
    expect(layers.find(({ name }) => name === 'SecTAG')).toEqual({
      name: 'SecTAG',
      at: 36,
      len: 16,
      fields: [
        {
          name: 'TCI',
          value: '0x2c',
          note: 'SC (SCI follows), E (encrypted), C (changed text): confidentiality and integrity',
        },
        { name: 'AN', value: '0' },
        { name: 'SL', value: '30', note: '30 octets of user data' },
        { name: 'PN', value: '5' },
        { name: 'SCI', value: '0000002222220001', note: 'MAC 00:00:00:22:22:22, port 1' },
      ],
    });
  });

  it.each([
    ['IPv4', 10, /cut off: 10 of 20 octets/],
    ['GRE', 22, /cut off: the header counts 98 octets, 22 are there/],
  ])('a packet that ends inside %s has a fault there', (_what, len, fault) => {
    const { layers } = decode(Buffer.from(GRE_IPV4, 'hex').subarray(0, len), 'ip', []);
    expect(layers.at(-1)!.fault).toMatch(fault);
  });

  it('a fragment is told as such', () => {
    const packet = changed(GRE_IPV4, (p) => p.writeUInt16BE(0x2000, 6));
    expect(decode(packet, 'ip', []).layers.at(-1)!.fault).toMatch(/a fragment/);
  });

  it('never throws, and no layer lies outside the packet, whatever is in it', () => {
    const seeds = [GRE_IPV4, GRE_IPV6_OPTION, GRE_UDP, GRE_KEY, ICMP_TOO_BIG, ICMPV6_TOO_BIG].map((hex) =>
      Buffer.from(hex, 'hex'),
    );
    const mutated = fc
      .tuple(fc.constantFrom(...seeds), fc.nat(200), fc.uint8Array({ maxLength: 8 }), fc.nat(120))
      .map(([seed, len, octets, at]) => {
        const packet = Buffer.from(seed.subarray(0, len));
        Buffer.from(octets).copy(packet, Math.min(at, packet.length));
        return packet;
      });
    const noise = fc.uint8Array({ maxLength: 200 }).map((octets) => Buffer.from(octets));
    const first = fc.constantFrom('ethernet', 'ip', 'gre', 'guess');
    fc.assert(
      fc.property(fc.oneof(mutated, noise), first, (packet, from) => {
        const decoded = decode(packet, from === 'guess' ? guessFirst(packet) : (from as 'ip'), [4754]);
        for (const layer of decoded.layers) {
          if (layer.fault === undefined) expect(layer.at + layer.len).toBeLessThanOrEqual(packet.length);
        }
        for (const config of [SITE1, SITE2]) new Judge(config).judge(packet, decoded);
      }),
      { numRuns: 500 },
    );
  });
});

describe('Judge', () => {
  it('a frame of the peer is accepted and decrypted', () => {
    const [judgement] = judge(SITE1, GRE_IPV4);
    expect(judgement).toMatchObject({ tunnel: 'site2', direction: 'received', accepted: true, reason: 'ok' });
    expect(judgement!.explanation).toBe('key 02, AN 0');
    expect(judgement!.frame!.toString('hex')).toBe(ARP_REQUEST);
  });

  it('the site that sent it recognises it as its own, and decrypts it too', () => {
    const [judgement] = judge(SITE2, GRE_IPV4);
    expect(judgement).toMatchObject({ tunnel: 'site1', direction: 'sent', accepted: true });
    expect(judgement!.frame!.toString('hex')).toBe(ARP_REQUEST);
  });

  it.each([
    ['GRE alone', GRE_IPV4.slice(40)],
    ['the frame alone', GRE_IPV4.slice(48)],
    ['integrity only', INTEGRITY_ONLY],
  ])('%s is accepted', (_what, hex) => {
    expect(judge(SITE1, hex)[0]).toMatchObject({ accepted: true, tunnel: 'site2' });
  });

  it('over IPv6, UDP and with a GRE key, where the configuration says so', () => {
    const v6 = site1((t) => {
      t.gre = { local: '2001:DB8:0::1', remote: '2001:db8::2' };
    });
    const udp = site1((t) => {
      t.gre.encap = 'udp';
    });
    const dynamic = site1((t) => {
      t.gre = { local: '1.1.1.1', remote: 'dynamic', encap: 'udp' };
    });
    const found = site1((t) => {
      t.gre = { local: 'auto', remote: 'hub.example.net', encap: 'udp' };
    });
    const key = site1((t) => {
      t.gre.key = 7;
    });
    expect(
      [
        judge(v6, GRE_IPV6),
        judge(v6, GRE_IPV6_OPTION),
        judge(udp, GRE_UDP),
        judge(dynamic, GRE_UDP),
        judge(found, GRE_UDP),
        judge(key, GRE_KEY),
      ].flat(),
    ).toEqual(Array(6).fill(expect.objectContaining({ accepted: true, explanation: 'key 02, AN 0' })));
  });

  it.each<[string, Config, string, string]>([
    ['the site that sent the quoted packet', SITE2, 'site1', 'received'],
    ['its peer', SITE1, 'site2', 'sent'],
  ])('an ICMP error is told for the kernel, by %s', (_what, config, tunnel, direction) => {
    const [judgement] = judge(config, ICMP_TOO_BIG);
    expect(judgement).toMatchObject({ tunnel, direction, accepted: false, reason: 'ICMP error' });
    expect(judgement!.explanation).toMatch(/kernel's path MTU/);
  });

  it('an ICMP error about a stranger belongs to no tunnel', () => {
    const packet = changed(ICMP_TOO_BIG, (p) => p.writeUInt8(7, 28 + 12));
    expect(judge(SITE2, packet)[0]).toMatchObject({ tunnel: null, reason: 'no tunnel' });
  });

  it('the second of two equal packets is late', () => {
    expect(judge(SITE1, GRE_IPV4, GRE_IPV4).map(({ reason }) => reason)).toEqual(['ok', 'InPktsLate']);
  });

  it.each<[string, Buffer, string, RegExp]>([
    [
      'an altered ICV',
      changed(GRE_IPV4, (p) => {
        p[p.length - 1]! ^= 1;
      }),
      'InPktsNotValid',
      /the ICV is wrong/,
    ],
    [
      'another SCI',
      changed(GRE_IPV4, (p) => {
        p[50]! ^= 1;
      }),
      'InPktsNoSCI',
      /no rxSc has the SCI/,
    ],
    [
      'our own SCI',
      changed(GRE_IPV4, (p) => {
        p.write('000000111111', 44, 'hex');
      }),
      'OwnSci',
      /a loop brings back what we send, or a second sender/,
    ],
    [
      'another AN',
      changed(GRE_IPV4, (p) => {
        p[TCI_AT]! |= 2;
      }),
      'InPktsNotUsingSA',
      /no active receive SA/,
    ],
    [
      'PN 0',
      changed(GRE_IPV4, (p) => {
        p.writeUInt32BE(0, PN_AT);
      }),
      'InPktsBadTag',
      /9\.12/,
    ],
    [
      'no SecTAG',
      changed(GRE_IPV4, (p) => {
        p.writeUInt16BE(0x0800, 36);
      }),
      'InPktsNoTag',
      /without SecTAG/,
    ],
    [
      'another protocol',
      changed(GRE_IPV4, (p) => {
        p.writeUInt16BE(0x0800, 22);
      }),
      'GreProto',
      /not 0x6558/,
    ],
    ['a GRE key', Buffer.from(GRE_KEY, 'hex'), 'GreKey', /compare gre\.key/],
    [
      'another sender',
      changed(GRE_IPV4, (p) => {
        p[12] = 9;
      }),
      'no tunnel',
      /no tunnel has the ends 9\.2\.2\.2 and 1\.1\.1\.1/,
    ],
    ['UDP', Buffer.from(GRE_UDP, 'hex'), 'no tunnel', /over UDP/],
  ])('%s is refused, with the counter and the cause', (_what, packet, reason, explanation) => {
    const [judgement] = judge(SITE1, packet);
    expect(judgement).toMatchObject({ accepted: false, reason, frame: null });
    expect(judgement!.explanation).toMatch(explanation);
  });

  it('a bad SecTAG is told by the rule that it breaks', () => {
    const packet = changed(GRE_IPV4, (p) => {
      p[TCI_AT]! |= 0x80;
    });
    expect(judge(SITE1, packet)[0]!.hints).toEqual(['V is set: another version of MACsec (9.12 c)']);
  });

  it('a key in the wrong place is found', () => {
    const swapped = site1((t) => {
      t.macsec.txSa[0] = { keyId: '0b', key: '22'.repeat(16) };
      t.macsec.rxSc[0].sa[0] = { keyId: '0a', key: '11'.repeat(16) };
    });
    expect(judge(swapped, GRE_IPV4)[0]).toMatchObject({
      reason: 'InPktsNotValid',
      hints: ['the ICV is right with txSa[0], key 0b: is it in the wrong place at one end?'],
    });
  });

  it('a tunnel in clear delivers what it gets', () => {
    const clear = site1((t) => {
      t.macsec = null;
    });
    expect(judge(clear, GRE_IPV4)[0]).toMatchObject({ accepted: true, reason: 'in clear' });
  });

  it.each<[string, string, Buffer]>([
    [
      'in clear',
      'check',
      changed(GRE_IPV4, (p) => {
        p.writeUInt16BE(0x0800, 36);
      }),
    ],
    [
      'with a wrong ICV',
      'check',
      changed(INTEGRITY_ONLY, (p) => {
        p[p.length - 1]! ^= 1;
      }),
    ],
    [
      'that is not looked at',
      'disabled',
      changed(INTEGRITY_ONLY, (p) => {
        p[p.length - 1]! ^= 1;
      }),
    ],
    [
      'of an unknown AN',
      'check',
      changed(INTEGRITY_ONLY, (p) => {
        p[TCI_AT]! |= 1;
      }),
    ],
  ])('a frame %s is delivered by validate %s, and said to be unverified', (_what, validate, packet) => {
    const lax = site1((t) => {
      t.macsec.validate = validate;
    });
    expect(judge(lax, packet)[0]).toMatchObject({ accepted: true, reason: 'not verified' });
  });

  it('tunnels between the same ends are told apart by their key', () => {
    const value = sample();
    const [first] = value.tunnels;
    const second = structuredClone(first);
    Object.assign(second, { name: 'keyed', tap: { ifname: 'macsec9', mac: '00:00:00:99:99:99' } });
    second.gre.key = 7;
    second.macsec.txSa[0].key = '99'.repeat(16);
    second.macsec.rxSc[0].sa[0].key = '22'.repeat(16);
    value.tunnels.push(second);
    expect(judge(load(value), GRE_KEY)[0]).toMatchObject({ tunnel: 'keyed', accepted: true });
  });
});

describe('readCaptureFile', () => {
  const packets = (file: Buffer): CapturedPacket[] => [...readCaptureFile(file)];
  const refusal = (file: Buffer): L2vpnError => {
    try {
      packets(file);
    } catch (error) {
      if (error instanceof L2vpnError) return error;
    }
    throw new Error('it was read');
  };

  /** A pcap file with `data`, as `tcpdump -w` writes it. */
  function pcap(data: Buffer, options: { big?: boolean; nano?: boolean; linkType?: number } = {}): Buffer {
    const file = Buffer.alloc(40 + data.length);
    const u32 = (value: number, at: number) =>
      options.big ? file.writeUInt32BE(value, at) : file.writeUInt32LE(value, at);
    u32(options.nano ? 0xa1b23c4d : 0xa1b2c3d4, 0);
    u32(262144, 16);
    u32(options.linkType ?? 101, 20);
    u32(1_700_000_000, 24);
    u32(options.nano ? 250_000_000 : 250_000, 28);
    u32(data.length, 32);
    u32(data.length + 4, 36);
    data.copy(file, 40);
    return file;
  }
  const data = Buffer.from(GRE_IPV4, 'hex');

  it.each([
    ['microseconds', {}],
    ['big endian', { big: true }],
    ['nanoseconds', { nano: true }],
    ['nanoseconds, big endian', { nano: true, big: true }],
  ])('pcap, %s', (_what, options) => {
    const [packet, ...others] = packets(pcap(data, options));
    expect(others).toEqual([]);
    expect(packet).toMatchObject({ first: 'ip', originalLen: data.length + 4, data });
    expect(formatTime(packet!.time!)).toBe('2023-11-14T22:13:20.250Z');
  });

  it('pcapng, as Scapy writes it', () => {
    const [packet] = packets(Buffer.from(PCAPNG_FILE, 'hex'));
    expect(packet).toMatchObject({ first: 'ethernet', originalLen: 112 });
    expect(packet!.data.subarray(14).toString('hex').slice(80)).toBe(GRE_IPV4.slice(80));
    expect(formatTime(packet!.time!)).toMatch(/^2026-/);
  });

  it.each([
    [1, 'ethernet', 0],
    [12, 'ip', 0],
    [113, 'ip', 16],
    [276, 'ip', 20],
    [105, null, 0],
  ])('link type %d begins with %s behind %d octets', (linkType, first, skipped) => {
    expect(packets(pcap(data, { linkType }))[0]).toMatchObject({ first, data: data.subarray(skipped) });
  });

  it('gives the packets before a break, then says where it breaks off', () => {
    const cut = Buffer.concat([pcap(data), pcap(data).subarray(24, 60)]);
    const seen: CapturedPacket[] = [];
    expect(() => {
      for (const packet of readCaptureFile(cut)) seen.push(packet);
    }).toThrow(/breaks off at octet 138/);
    expect(seen).toHaveLength(1);
  });

  it.each([
    ['text', Buffer.from('hello')],
    ['nothing', Buffer.alloc(0)],
    ['a header cut off', pcap(data).subarray(0, 20)],
    ['a packet of 4 GB', changed(pcap(data).toString('hex'), (f) => f.writeUInt32LE(0xffffffff, 32))],
    ['a block of 0 octets', changed(PCAPNG_FILE, (f) => f.writeUInt32LE(0, 32))],
    ['a packet longer than its block', changed(PCAPNG_FILE, (f) => f.writeUInt32LE(5000, 68))],
  ])('%s is refused with 65', (_what, file) => {
    expect(refusal(file)).toMatchObject({ code: 'L2VPN_DATA', exitStatus: 65 });
  });

  it('throws nothing but L2vpnError for damaged files', () => {
    const seeds = [pcap(data), Buffer.from(PCAPNG_FILE, 'hex')];
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds),
        fc.nat(200),
        fc.uint8Array({ maxLength: 6 }),
        fc.nat(200),
        (seed, len, octets, at) => {
          const file = Buffer.from(seed.subarray(0, len));
          Buffer.from(octets).copy(file, Math.min(at, file.length));
          try {
            for (const packet of readCaptureFile(file)) formatPacket(1, packet, null, null);
          } catch (error) {
            if (!(error instanceof L2vpnError)) throw error;
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('packetsOf', () => {
  it.each([
    ['plain', '4500ab'],
    ['blanks and colons', '45:00 ab\n'],
    ['0x', '0x4500AB'],
  ])('hex with %s', (_what, text) => {
    expect([...packetsOf(text)][0]!.data.toString('hex')).toBe('4500ab');
  });

  it.each(['zz', '', '450', '/nowhere/x.pcap'])('%j is neither hex nor a file', (text) => {
    expect(() => [...packetsOf(text)]).toThrow(/is neither hex nor a file/);
  });
});

describe('formatPacket', () => {
  it('shows fields, verdict and frame, and no key', () => {
    const packet = [...packetsOf(GRE_IPV4)][0]!;
    const decoded = decode(packet.data, 'ip', []);
    const text = formatPacket(1, packet, decoded, new Judge(SITE1).judge(packet.data, decoded));
    expect(text).toContain('    TCI               0x2c  SC (SCI follows), E (encrypted), C (changed text)');
    expect(text).toContain('  tunnel site2, received: ACCEPTED (ok): key 02, AN 0');
    expect(text).toContain('02:00:00:00:00:02 > ff:ff:ff:ff:ff:ff, EtherType 0x0806 ARP');
    expect(text).not.toMatch(/(22){16}|(11){16}/);
  });
});
