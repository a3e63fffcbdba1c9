/**
 * Judges of our MKPDUs that nobody here wrote: tshark and Scapy read them, Python's `cryptography` makes their ICVs and
 * unwraps their SAKs. Of what Scapy 2.5 reads there
 * are bounds: the first peer of a list, 24 octets of a wrapped SAK, no XPN set.
 */
import { createSecretKey } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { must } from '../../lab/run.ts';
import { type CipherName, cipherSuite } from '../../src/crypto/cipher-suite.ts';
import { encodeMkpdu } from '../../src/keys/mka/encode.ts';
import { deriveMkaKeys, wrapSak } from '../../src/keys/mka/keys.ts';
import type { DistributedSak, Mkpdu, SakUse, UsedKey } from '../../src/keys/mka/mkpdu.ts';
import { PYTHON, SCAPY_DIR, suite } from './support.ts';

const CKN = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f';
const CAK = '202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f';
const { ick, kek } = deriveMkaKeys(createSecretKey(CAK, 'hex'), CKN);
const SRC_MAC = Buffer.from('020000001111', 'hex');
const [MI, PEER_MI] = ['718b8a39866b2f5814c9dcf6', 'bc6a009659777a823a90d9e7'];

const NO_KEY: UsedKey = { ki: null, an: 0, tx: false, rx: false, lowestPn: 1 };
const SAK_USE: SakUse = {
  latest: { ki: { mi: MI, kn: 0x102 }, an: 2, tx: true, rx: true, lowestPn: 0xc0000001 },
  old: { ki: { mi: PEER_MI, kn: 3 }, an: 1, tx: false, rx: true, lowestPn: 77 },
  ...{ plainTx: false, plainRx: true, delayProtect: true },
};
const HELLO: Mkpdu = {
  basic: {
    ...{ version: 1, priority: 128, keyServer: true, macsecDesired: true, capability: 2 },
    ...{ sci: '0200000011110001', mi: MI, mn: 0x10203, ckn: CKN },
  },
  ...{
    livePeers: null,
    potentialPeers: null,
    sakUse: null,
    distributedSak: null,
    xpn: null,
    linkControl: null,
  },
  icvIndicator: true,
};

const sakOf = (cipher: CipherName): string => '5a'.repeat(cipherSuite(cipher).sakLen);

function distributed(cipher: CipherName): DistributedSak {
  const wrapped = wrapSak(kek, createSecretKey(sakOf(cipher), 'hex'));
  return { an: 3, confidentialityOffset: 1, kn: 0x102, cipher, wrapped };
}

const livePeers = { peers: [{ mi: PEER_MI, mn: 9 }], keyServerSsci: 0 };
const potentialPeers = { peers: [{ mi: PEER_MI, mn: 5 }], keyServerSsci: 0 };
const twoPeers = { peers: [...potentialPeers.peers, { mi: MI, mn: 6 }], keyServerSsci: 0 };
const xpn = { suspensionTime: 0, latestLowestPnHigh: 2, oldLowestPnHigh: 1 };

/** For every judge. */
const MKPDUS: readonly Mkpdu[] = [
  HELLO,
  { ...HELLO, potentialPeers },
  { ...HELLO, livePeers, sakUse: { ...SAK_USE, old: NO_KEY } },
  { ...HELLO, livePeers, potentialPeers, sakUse: SAK_USE, distributedSak: distributed('gcm-aes-128') },
];
const LONG_MKPDU: Mkpdu = {
  ...{ ...HELLO, livePeers, potentialPeers: twoPeers, sakUse: SAK_USE },
  distributedSak: distributed('gcm-aes-256'),
};
const XPN_MKPDUS: readonly Mkpdu[] = (['gcm-aes-xpn-128', 'gcm-aes-xpn-256'] as const).map((cipher) => ({
  ...{ ...HELLO, basic: { ...HELLO.basic, version: 3 }, sakUse: SAK_USE, xpn },
  livePeers: { ...livePeers, keyServerSsci: 2 },
  distributedSak: distributed(cipher),
}));
const ALL = [...MKPDUS, LONG_MKPDU, ...XPN_MKPDUS];

const linesOf = (mkpdus: readonly Mkpdu[]): string =>
  mkpdus.map((mkpdu) => `${encodeMkpdu(mkpdu, ick, SRC_MAC).toString('hex')}\n`).join('');

/** A capture of Ethernet frames (`man 5 pcap-savefile`). */
function pcapOf(frames: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(24);
  head.writeUInt32BE(0xa1b2c3d4, 0);
  head.writeUInt32BE(0x00020004, 4);
  head.writeUInt32BE(65535, 16);
  head.writeUInt32BE(1, 20);
  const records = frames.flatMap((frame) => {
    const record = Buffer.alloc(16);
    record.writeUInt32BE(frame.length, 8);
    record.writeUInt32BE(frame.length, 12);
    return [record, frame];
  });
  return Buffer.concat([head, ...records]);
}

suite('MKPDUs of ours', { programs: ['tshark'], scapy: true }, () => {
  let folder: string;
  let pcap: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'l2vpnd-mka-'));
    pcap = join(folder, 'mka.pcap');
    await writeFile(pcap, pcapOf(ALL.map((mkpdu) => encodeMkpdu(mkpdu, ick, SRC_MAC))));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** A line per frame, its fields as tshark prints them. */
  async function tshark(...fields: string[]): Promise<string[][]> {
    const argv = ['tshark', '-r', pcap, '-T', 'fields', '-E', 'separator=/t', '-E', 'occurrence=a'];
    const out = await must([...argv, ...fields.flatMap((field) => ['-e', `mka.${field}`])]);
    return out
      .replace(/\n$/, '')
      .split('\n')
      .map((line) => line.split('\t'));
  }

  it('tshark has no complaint about', async () => {
    const filter = '_ws.malformed || _ws.expert.severity >= note || !mka';
    expect(await must(['tshark', '-r', pcap, '-Y', filter])).toBe('');
  });

  it('tshark reads the Basic set as it was meant', async () => {
    const lines = await tshark(
      'version_id',
      'ks_prio',
      'macsec_capability',
      'sci',
      'actor_mi',
      'actor_mn',
      'cak_name',
    );
    expect(lines).toHaveLength(ALL.length);
    for (const [i, [version, priority, capability, ...ids]] of lines.entries()) {
      const { basic } = ALL[i]!;
      expect([version, priority, capability].map(Number)).toEqual([basic.version, 128, 2]);
      expect(ids).toEqual(['0200000011110001', MI, '00010203', CKN]);
    }
  });

  it('tshark reads peers, used and distributed keys, and XPN as they were meant', async () => {
    const lists = await tshark('peer_mi', 'peer_mn', 'key_server_ssci');
    expect(lists[4]).toEqual([`${PEER_MI},${PEER_MI},${MI}`, '00000009,00000005,00000006', '']);
    expect(lists[5]![2]).toBe('0x02');
    const halves = ['an', 'tx', 'rx'].flatMap((what) => [`latest_key_${what}`, `old_key_${what}`]);
    const use = await tshark(
      ...halves,
      'latest_key_server_mi',
      'latest_key_number',
      'latest_lowest_acceptable_pn',
    );
    for (const [i, line] of use.entries()) {
      if (i < 3) continue;
      // Of the XPN set tshark shows the high halves in the same column.
      const lowest = ALL[i]!.xpn === null ? 'c0000001' : 'c0000001,00000002';
      expect(line).toEqual(['2', '1', '1', '0', '1', '1', MI, '00000102', lowest]);
    }
    const saks = await tshark('distributed_an', 'confidentiality_offset', 'key_number', 'aes_key_wrap_sak');
    for (const [i, mkpdu] of ALL.entries()) {
      if (mkpdu.distributedSak === null) continue;
      const wrapped = Buffer.from(mkpdu.distributedSak.wrapped).toString('hex');
      expect(saks[i]).toEqual(['3', '1', '00000102', wrapped]);
    }
    // It prints this one in decimal.
    const suites = (await tshark('macsec_cipher_suite', 'suspension_time')).map(([id]) => id);
    const ids = ['0080c20001000002', '0080c20001000003', '0080c20001000004'];
    expect(suites.slice(3)).toEqual(['', ...ids.map((id) => String(BigInt(`0x${id}`)))]);
  });

  it('Scapy reads the same', async () => {
    const out = await must([PYTHON, join(SCAPY_DIR, 'mka.py'), 'decode'], { input: linesOf(MKPDUS) });
    const decoded = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const zero = '0'.repeat(24);
    const live = ['live', [[PEER_MI, 9]]];
    const latest = [MI, 0x102, 2, 1, 1, 0xc0000001];
    const used = ['sak use', latest, [PEER_MI, 3, 1, 0, 1, 77], [0, 1, 1]];
    const sak = ['sak', 3, 1, 0x102, Buffer.from(MKPDUS[3]!.distributedSak!.wrapped).toString('hex')];
    const potential = ['potential', [[PEER_MI, 5]]];
    expect(decoded.map(({ sets }) => sets)).toEqual([
      [['icv']],
      [potential, ['icv']],
      [live, ['sak use', latest, [zero, 0, 0, 0, 0, 1], [0, 1, 1]], ['icv']],
      [live, potential, used, sak, ['icv']],
    ]);
    for (const { eapol, basic } of decoded) {
      expect(eapol.slice(0, 2)).toEqual([3, 5]);
      expect(basic).toEqual([1, 128, 1, 1, 2, '02:00:00:00:11:11', 1, MI, 0x10203, 0x80c201, CKN]);
    }
  });

  it('Python makes the same ICVs and unwraps the SAKs', async () => {
    const bare = ALL.map((mkpdu) => ({ ...mkpdu, icvIndicator: false }));
    const script = [PYTHON, join(SCAPY_DIR, 'mka.py'), 'open', CAK, CKN];
    const out = await must(script, { input: linesOf([...ALL, ...bare]) });
    const wanted = ALL.map(({ distributedSak }) => ({
      icv: true,
      sak: distributedSak === null ? null : sakOf(distributedSak.cipher!),
    }));
    expect(
      out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([...wanted, ...wanted]);
  });
});
