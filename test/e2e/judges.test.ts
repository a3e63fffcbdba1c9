/**
 * Judges that nobody here wrote: tshark and tcpdump read our packets, Scapy's MACsec decrypts them and makes some
 * that we must accept, the npm package `raw-socket` sends and receives GRE in the place of a peer.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Capture, type GrePacket } from '../../lab/capture.ts';
import { must } from '../../lab/run.ts';
import { daemonPath, KEY_1, KEY_2, type Site } from '../../lab/site.ts';
import { packageRoot } from '../../src/package-root.ts';
import { ETHERTYPE_TEST, ethernet, hex, pattern, protect, unprotect } from './frames.ts';
import { Lab, labOfTests, PYTHON, pingOnce, pingUntil, SCAPY_DIR, Sender, suite } from './support.ts';

const HOST_1 = '00:00:00:00:00:01';
const HOST_2 = '00:00:00:00:00:02';
const SCI_1 = '0000001111110001';
const SCI_2 = '0000002222220001';

/** Frames that are as different as frames can be: every short length, full ones, tags, groups. */
const FRAMES: Buffer[] = [
  ...Array.from({ length: 52 }, (_, i) => ethernet(HOST_2, HOST_1, ETHERTYPE_TEST, pattern(i, i))),
  ...[100, 500, 1000, 1429, 1430].map((len) => ethernet(HOST_2, HOST_1, ETHERTYPE_TEST, pattern(len, len))),
  ethernet('ff:ff:ff:ff:ff:ff', HOST_1, ETHERTYPE_TEST, pattern(60)),
  ethernet(HOST_2, HOST_1, 0x8100, Buffer.concat([hex('0064 88b5'), pattern(200)])),
];

describe('the frames of these tests', () => {
  it('are protected and unprotected alike, and no altered one passes', () => {
    for (const [i, frame] of FRAMES.entries()) {
      const secured = protect(frame, { key: KEY_1, sci: SCI_1, pn: i + 1 });
      expect(unprotect(secured, KEY_1, SCI_1)).toEqual(frame);
      secured[secured.length - 1]! ^= 1;
      expect(unprotect(secured, KEY_1, SCI_1)).toBeUndefined();
    }
  });
});

suite('packets on the WAN', { programs: ['tshark'], python: true, scapy: true }, () => {
  const lab = new Lab({ prefix: 'judge' });
  let pcap: string;
  let packets: GrePacket[];
  let site1: Site;

  beforeAll(async () => {
    [site1] = await lab.bothSites();
    await pingUntil(lab.topology.host1, '192.168.1.2');
    pcap = lab.newFile('.pcap');
    const capture = await Capture.start(lab.topology.wan, 'wan1', pcap);
    const sender = await Sender.link(lab.topology.host1, 'veth1');
    await sender.send(...FRAMES);
    await pingUntil(lab.topology.host1, '192.168.1.2');
    await sender.close();
    packets = (await capture.stop()).filter(({ src }) => src === '1.1.1.1');
  });

  it('tshark decodes every one as GRE, Ethernet and MACsec, without a complaint', async () => {
    const fields = ['frame.protocols', 'gre.proto', 'macsec.TCI', 'macsec.AN', 'macsec.SL', 'macsec.PN'];
    const argv = ['tshark', '-r', pcap, '-Y', 'ip.src == 1.1.1.1', '-T', 'fields', '-E', 'separator=/t'];
    const out = await must([
      ...argv,
      ...[...fields, 'macsec.SCI.system_identifier'].flatMap((f) => ['-e', f]),
    ]);
    const lines = out.trimEnd().split('\n');
    expect(lines).toHaveLength(packets.length);
    for (const [i, line] of lines.entries()) {
      const [protocols, greProto, tci, an, sl, pn, sci] = line.split('\t');
      expect(protocols).toMatch(/^eth:ethertype:ip:gre:eth:ethertype:macsec/);
      expect(Number(greProto)).toBe(0x6558);
      // tshark shows the six bits of TCI without AN: V, ES, SC, SCB, E, C.
      expect([Number(tci), Number(an), sci]).toEqual([0x2c >> 2, 0, '00:00:00:11:11:11']);
      expect([Number(sl), Number(pn)]).toEqual([packets[i]?.secTag?.sl, packets[i]?.secTag?.pn]);
    }
    const complaints = await must([
      'tshark',
      '-r',
      pcap,
      '-Y',
      '_ws.malformed || _ws.expert.severity >= warning',
    ]);
    expect(complaints).toBe('');
  });

  it('tcpdump prints them as GREv0, TEB and MACsec', async () => {
    const text = await must(['tcpdump', '-n', '-e', '-r', pcap, 'src 1.1.1.1']);
    const lines = text.split('\n').filter((line) => line.includes('GREv0'));
    expect(lines).toHaveLength(packets.length);
    for (const line of lines)
      expect(line).toMatch(/GREv0, proto TEB \(0x6558\), .*MACsec \(0x88e5\).* an 0, pn \d+, flags ECI/);
  });

  it('Scapy decrypts them to the very frames that host1 sent', async () => {
    const script = join(SCAPY_DIR, 'macsec.py');
    const out = await must([PYTHON, script, 'decrypt', pcap, KEY_1, SCI_1]);
    const decrypted = out.trimEnd().split('\n').map(hex);
    expect(decrypted.slice(0, FRAMES.length)).toEqual(FRAMES);
  });

  it('Scapy makes octet for octet the same of the same frames and packet numbers', async () => {
    const ours = packets.slice(0, FRAMES.length);
    const first = String(ours[0]?.secTag?.pn);
    const script = [
      PYTHON,
      join(SCAPY_DIR, 'macsec.py'),
      'encrypt',
      KEY_1,
      SCI_1,
      first,
      '0',
      '1',
      '1',
      '16',
    ];
    const out = await must(script, { input: FRAMES.map((frame) => `${frame.toString('hex')}\n`).join('') });
    expect(ours.map(({ payload }) => payload.toString('hex'))).toEqual(out.trimEnd().split('\n'));
  });

  describe('the program that "export --format scapy" makes', () => {
    /** The program, which `args` are for. */
    async function exported(...args: string[]): Promise<string> {
      const path = lab.newFile('.py');
      const result = await site1.command('export', '--format', 'scapy', '--out', path, ...args);
      expect(result).toMatchObject({ code: 0, stdout: `wrote ${path}, for the owner alone\n` });
      return path;
    }

    it.each([[[]], [['--peer']]])(
      'opens every packet of the capture, in either direction %j',
      async (args) => {
        const out = await must([PYTHON, await exported(...args), 'decrypt', pcap]);
        const lines = out.trimEnd().split('\n');
        expect(lines.filter((line) => line.startsWith('#'))).toEqual([]);
        const sent = new Set(FRAMES.map((frame) => frame.toString('hex')));
        expect(lines.filter((line) => sent.has(line)).map(hex)).toEqual(FRAMES);
      },
    );

    it('makes the very packets that l2vpnd has sent, but for the identification', async () => {
      const ours = packets.slice(0, FRAMES.length);
      const input = FRAMES.map((frame) => `${frame.toString('hex')}\n`).join('');
      const argv = [PYTHON, await exported(), 'protect', String(ours[0]?.secTag?.pn)];
      const made = (await must(argv, { input })).trimEnd().split('\n').map(hex);
      expect(made.map((packet) => packet.subarray(24))).toEqual(ours.map(({ payload }) => payload));
      for (const packet of made) expect([packet[8], packet[9], packet[6]]).toEqual([64, 47, 0x40]);
    });
  });
});

suite('Scapy as the peer', { scapy: true }, () => {
  const lab = labOfTests({ prefix: 'scapy' });

  it.each([
    ['GCM-AES-128', KEY_2, {}],
    ['GCM-AES-256', KEY_2.repeat(2), { cipher: 'gcm-aes-256' }],
  ])('the frames that it builds with %s are accepted as they were meant', async (_, key, settings) => {
    lab.explainFailure();
    const { nsrb, host1 } = lab.topology;
    const site = lab.site(1, {
      macsec: {
        ...settings,
        txSa: [{ an: 0, keyId: '01', key: KEY_1.repeat(key.length / 32) }],
        rxSc: [{ mac: '00:00:00:22:22:22', sa: [{ an: 0, keyId: '02', key }] }],
      },
    });
    await site.start();
    const frames = [0, 1, 33, 46, 47, 100, 1430].map((len) =>
      ethernet(HOST_1, HOST_2, ETHERTYPE_TEST, pattern(len, len)),
    );
    const received = await lab.watchLink(host1, 'veth1', `ether src ${HOST_2}`, async () => {
      const script = [PYTHON, join(SCAPY_DIR, 'macsec.py'), 'send', '2.2.2.2', '1.1.1.1', key, SCI_2, '1'];
      const input = frames.map((frame) => `${frame.toString('hex')}\n`).join('');
      await nsrb.must(script, { input });
      await site.countersWhen((now) => now.InPktsOK === frames.length);
    });
    expect(received).toEqual(frames);
  });
});

/** Why the package cannot serve here, or undefined. */
function withoutRawSocket(): string | undefined {
  try {
    createRequire(join(packageRoot(), 'test/e2e/raw-socket/package.json'))('raw-socket');
  } catch (error) {
    return `the package raw-socket is not here or did not build (npm run packages -- --install): ${(error as Error).message.split('\n')[0]}`;
  }
  const endpoint = rawSocketEndpoint();
  return existsSync(endpoint) ? undefined : `${endpoint} is not built: npm run build:ts`;
}

function rawSocketEndpoint(): string {
  return join(dirname(dirname(daemonPath())), 'test', 'e2e', 'raw-socket-endpoint.js');
}

suite('the raw-socket package as the peer', {}, () => {
  const lab = labOfTests({ prefix: 'raw' });
  const reason = withoutRawSocket();
  if (reason !== undefined) process.stdout.write(`SKIPPED the raw-socket package as the peer: ${reason}\n`);

  it.skipIf(reason !== undefined)('host1 resolves and pings a host2 that is behind it', async () => {
    lab.explainFailure();
    const { host1, nsrb } = lab.topology;
    const site = lab.site(1);
    await site.start();
    const argv = ['1.1.1.1', KEY_1, SCI_1, KEY_2, SCI_2];
    const endpoint = nsrb.start([process.execPath, rawSocketEndpoint(), ...argv]);
    await endpoint.waitFor(/ready/);
    for (const size of [56, 0, 18, 1402]) expect(await pingOnce(host1, '192.168.1.2', size, 2)).toBe(true);
    const { InPktsOK, OutPktsEncrypted } = await site.counters();
    expect(InPktsOK).toBe(5);
    expect(OutPktsEncrypted).toBe(5);
    expect(endpoint.lines).toEqual(['ready']);
    await endpoint.stop('SIGKILL');
  });
});
