/**
 * l2vpnd agrees on keys with a wpa_supplicant that nobody here wrote (driver macsec_linux over gretap, in the guest):
 * whoever is key server, whatever is configured, whoever starts anew and when, and under load. One boot.
 */
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { daemonPath } from '../../lab/site.ts';
import type { TunnelSnapshot } from '../../src/api/tunnel.ts';
import { ETHERTYPE_EAPOL, ETHERTYPE_MACSEC } from '../../src/wire/ethernet.ts';
import { type AgreedTunnel, type AgreementSetup, knowEachOther, withAgreement } from './agreed-tunnel.ts';
import { manyFrames } from './frames.ts';
import { GUEST_WAN_MAC, whyNoGuest } from './guest.ts';
import { withExportedPeer } from './interchange.ts';
import { HOST_WAN } from './lab-namespace.ts';
import type { LiveLab } from './live.ts';
import { MKA_KEY, mkaSiteFile, openMkaLab, startGuestEnd } from './mka-tunnel.ts';
import { whyNoSupplicant } from './supplicant-files.ts';
import { Traffic } from './traffic.ts';
import { GUEST_MACSEC_MAC, HOST_SCI, tunnelSetup } from './tunnel-case.ts';

const quick = process.env.L2VPND_QUICK === '1';
/** What the quick subset leaves out. */
const slow = it.skipIf(quick);
const reason = whyNoGuest(true) ?? whyNoSupplicant();
if (reason !== null) console.log(`test/kernel/mka-peer skipped: ${reason}`);
else if (quick)
  console.log('test/kernel/mka-peer: the quick subset (L2VPND_QUICK=1); other cases are skipped');

const CAK_256 = `${MKA_KEY.cak}9e8d7c6b5a49382716051423324150fe`;
/** Below l2vpnd's. */
const LOW_MAC = '00:00:00:01:01:01';
const GUEST_WAN_IP = '192.0.2.2';
const NOBODYS_MAC = '02:00:00:00:0d:0d';
const AES_256 = 'gcm-aes-256';
const PN_LOW = 0xc0000000;
const RUN_OUT = 'packet numbers run out';
const HIGH_PN_DAEMON = join(dirname(dirname(daemonPath())), 'test/kernel/high-pn-daemon.js');

const WE_SERVE: AgreementSetup = { mka: { priority: 16 } };
const THEY_SERVE: AgreementSetup = { mka: { priority: 200 }, supplicant: { priority: 16 } };

type Who = 'we' | 'they';

describe.skipIf(reason !== null)('l2vpnd and a wpa_supplicant', () => {
  let lab: LiveLab;

  beforeAll(async () => {
    lab = await openMkaLab();
    await knowEachOther(lab);
  }, 180_000);
  afterAll(() => lab?.close());

  /** What a run under an emulated CPU adds to the times of the protocol. */
  const SLACK_MS = 1500;
  /** Its next tick and an answer; as key server it makes a SAK a tick later. */
  const SECURED_MS: Readonly<Record<Who, number>> = { we: 3000, they: 5000 };

  /** It gives up a peer that came anew after 3 s, at its next tick; then they agree as at the start. */
  const FORGET_MS = 5000;

  it('says hello out of the wire, in clear within GRE', async () => {
    const hex = (text: string): string => text.replaceAll(':', '');
    // GRE of Ethernet; group address, SCI's MAC, EAPOL version 3, type 5 (MKA); the basic parameter set of a key server.
    const hello = new RegExp(`00006558${'0180c2000003'}${hex(GUEST_MACSEC_MAC)}888e0305....01..`);
    const seen = lab.guest.wire.next('a hello of MKA', (packet) => {
      const text = packet.toString('hex');
      return text.startsWith(hex(HOST_WAN.mac)) && hello.test(text) && text.includes(MKA_KEY.ckn);
    });
    const supplicant = await startGuestEnd(lab.guest, tunnelSetup());
    await seen;
    await supplicant.stop();
  });

  it('the script that "export --format wpa_supplicant --peer" makes is the other end', () =>
    withExportedPeer(lab, mkaSiteFile(), async (tunnel) => {
      await vi.waitFor(
        async () => {
          const [{ agreement }] = (await tunnel.site.control('/v1/tunnels')) as [TunnelSnapshot];
          expect(agreement).toMatchObject({ live_peers: 1, latest: { transmits: true, receives: true } });
          const sas = Object.keys(await tunnel.guestCounters());
          expect(sas).toEqual(expect.arrayContaining(['TxSa.0.pn', `RxSa.${HOST_SCI}.0.pn`]));
        },
        { timeout: 40_000, interval: 50 },
      );
      await tunnel.exchange(manyFrames(10, 1430));
    }));

  describe('agree', () => {
    const rows: [string, Who, AgreementSetup][] = [
      ['we are key server', 'we', WE_SERVE],
      ['they are key server', 'they', THEY_SERVE],
      ['of equal priorities our SCI is lower', 'we', { supplicant: { release: 'sid', priority: 128 } }],
      ['theirs is lower', 'they', { guestMac: LOW_MAC, supplicant: { release: 'sid', priority: 128 } }],
      [
        'integrity only, a CKN of one octet, no ICV indicator',
        'we',
        {
          mka: { ckn: '0a', icvIndicator: false },
          macsec: { encrypt: false },
          supplicant: { ckn: '0a', integrityOnly: true },
        },
      ],
      [
        'integrity only from them, a CKN of 32 octets, no ICV indicator, replay protection',
        'they',
        {
          mka: { ckn: 'c4'.repeat(32), icvIndicator: false, priority: 200 },
          macsec: { encrypt: false, replayProtect: true, replayWindow: 64 },
          supplicant: { ckn: 'c4'.repeat(32), integrityOnly: true, priority: 16, replayWindow: 64 },
        },
      ],
      [
        'a CAK of 256 bits, ports of the SCIs, a CKN of 3 octets, a hello each 2 s',
        'we',
        {
          mka: { ckn: 'abcdef', cak: CAK_256, helloMs: 2000 },
          macsec: { port: 65534 },
          supplicant: { ckn: 'abcdef', cak: CAK_256, port: 2 },
        },
      ],
      [
        'GCM-AES-256 of ours',
        'we',
        {
          mka: { cak: CAK_256, priority: 0 },
          macsec: { cipher: AES_256 },
          supplicant: { release: 'sid', cak: CAK_256, cipher: AES_256 },
        },
      ],
      [
        'GCM-AES-256 of theirs, with a CAK of 128 bits',
        'they',
        {
          mka: { priority: 255 },
          macsec: { cipher: AES_256 },
          supplicant: { release: 'sid', cipher: AES_256 },
        },
      ],
    ];
    /** EtherTypes of the frames in GRE over IPv4 that go to the guest. */
    const toGuest = (packets: readonly Buffer[]): number[] => {
      const hostMac = Buffer.from(HOST_WAN.mac.replaceAll(':', ''), 'hex');
      const gre = packets.filter((packet) => packet.readUInt16BE(12) === 0x0800 && packet[23] === 47);
      return gre
        .filter((packet) => packet.subarray(6, 12).equals(hostMac))
        .map((packet) => packet.readUInt16BE(50));
    };

    it.each(quick ? rows.slice(0, 2) : rows)('%s', (name, server, setup) => {
      lab.guest.wire.startCapture();
      return withAgreement(lab, setup, async (tunnel) => {
        const tookMs = await tunnel.secured();
        report(`secured: ${name}`, tookMs, SECURED_MS[server] + SLACK_MS);
        expect((await tunnel.agreement()).role).toBe(server === 'we' ? 'key server' : 'member');
        expect((await tunnel.peer.status()).isKeyServer).toBe(server === 'they');
        await tunnel.pass();
        await tunnel.lostNothing();
        const { cipher_suite, encrypt } = await tunnel.peer.secy();
        expect({ cipher_suite, encrypt }).toEqual({
          cipher_suite: setup.supplicant?.cipher === AES_256 ? 'GCM-AES-256' : 'GCM-AES-128',
          encrypt: setup.supplicant?.integrityOnly !== true,
        });
        const counters = await tunnel.live.hostCounters();
        expect(counters[`SecY.OutPkts${encrypt ? 'Protected' : 'Encrypted'}`]).toBeUndefined();
        // Control frames and probes are for an l2vpnd.
        const sent = new Set(toGuest(lab.guest.wire.stopCapture()));
        expect(sent).toEqual(new Set([ETHERTYPE_EAPOL, ETHERTYPE_MACSEC]));
      });
    });
  });

  describe('do not agree', () => {
    it.each([
      [
        'another CAK',
        { cak: CAK_256.slice(32) },
        "the ICV of the peer's MKPDU is wrong: another CAK",
        'WrongIcv',
      ],
      [
        'another CKN',
        { ckn: '0b' },
        'no CAK of this name is configured: compare ckn at both ends',
        'UnknownCkn',
      ],
    ] as const)('%s: both stay down, and it is said why', (_name, supplicant, text, refusal) =>
      withAgreement(lab, { supplicant }, async (tunnel) => {
        const refused = async (): Promise<number> => (await tunnel.agreement()).refused[refusal] ?? 0;
        await vi.waitFor(async () => expect(await refused()).toBeGreaterThanOrEqual(2), { timeout: 15_000 });
        expect(tunnel.site.logs().filter(({ msg }) => msg === `mka: ${text}`)).toHaveLength(1);
        const down = { role: 'alone', latest: null, encoding_an: null, trouble: [text] };
        expect(await tunnel.agreement()).toMatchObject(down);
        expect((await tunnel.site.command('show')).stdout).toContain(text);
        expect(await tunnel.peer.status()).toMatchObject({ secured: false, livePeers: 0 });
      }),
    );
  });

  describe('a restart', () => {
    type Phase = 'in the middle of the agreement' | 'right after the first SAK' | 'later';
    type Step = [Who, 'stop' | 'kill', Phase];
    /** As key server it forgets to make a SAK for who comes so early, until it has given up that peer too. */
    const LOST_REQUEST_MS = 6000;

    function boundOf(server: Who, [who, , phase]: Step): number {
      const agreeMs = SECURED_MS[server] + SLACK_MS;
      if (who === 'they') return agreeMs;
      const isLost = server === 'they' && phase !== 'later';
      return FORGET_MS + agreeMs + (isLost ? LOST_REQUEST_MS : 0);
    }

    async function reach(tunnel: AgreedTunnel, phase: Phase, linesBefore: number): Promise<void> {
      if (phase === 'in the middle of the agreement') {
        await tunnel.site.waitForLog(/mka: peer (heard|live)/, 10_000, linesBefore);
        return;
      }
      await tunnel.secured();
      if (phase === 'right after the first SAK') return;
      const isOld = async (): Promise<void> =>
        expect((await tunnel.agreement()).latest!.age_seconds).toBeGreaterThan(6.5);
      await vi.waitFor(isOld, { timeout: 15_000, interval: 100 });
    }

    slow.each<[string, Who, AgreementSetup]>([
      ['we are key server', 'we', WE_SERVE],
      ['they are key server', 'they', THEY_SERVE],
    ])(
      'of either end at any moment: %s',
      (_name, server, setup) =>
        withAgreement(lab, setup, async (tunnel) => {
          const steps: Step[] = [
            ['we', 'kill', 'in the middle of the agreement'],
            ['we', 'stop', 'right after the first SAK'],
            ['they', 'kill', 'in the middle of the agreement'],
            ['they', 'stop', 'right after the first SAK'],
            ['we', 'kill', 'later'],
            ['they', 'kill', 'later'],
          ];
          let lines = 0;
          for (const step of steps) {
            const [who, how, phase] = step;
            await reach(tunnel, phase, lines);
            const end = who === 'we' ? tunnel.site : tunnel.peer;
            if (how === 'stop') await end.stop();
            else await (who === 'we' ? tunnel.site.kill9() : tunnel.peer.kill());
            lines = who === 'we' ? 0 : tunnel.site.output().split('\n').length;
            await end.start();
            const tookMs = await tunnel.answered();
            report(`${how} of ${who} ${phase}, ${server} serve`, tookMs, boundOf(server, step));
          }
          await tunnel.secured();
          await tunnel.pass();
        }),
      180_000,
    );
  });

  describe('a path that carries nothing from us until they have given us up', () => {
    /** Our frames of the underlay go to a station that is not there. */
    async function setCut(isCut: boolean): Promise<void> {
      const mac = isCut ? NOBODYS_MAC : GUEST_WAN_MAC;
      await lab.space.ip(`neigh replace ${GUEST_WAN_IP} lladdr ${mac} dev wan0 nud permanent\n`);
    }

    // As key server 2.10 makes no new SAK for whom it has lost, unless that one has noticed and comes anew: with `drop`
    // this end may do so of itself at that moment, and then has to be forgotten first.
    slow.each([
      ['keep', 0],
      ['drop', FORGET_MS],
    ] as const)('a key server that has lost us agrees again (peerLoss "%s")', (peerLoss, more) =>
      withAgreement(lab, { ...THEY_SERVE, mka: { ...THEY_SERVE.mka, peerLoss } }, async (tunnel) => {
        await tunnel.secured();
        await setCut(true);
        try {
          await tunnel.peer.until(({ livePeers }) => livePeers === 0);
        } finally {
          await setCut(false);
        }
        report('agreed again', await tunnel.answered(), SECURED_MS.they + SLACK_MS + more);
        await tunnel.secured();
        await tunnel.pass();
      }),
    );
  });

  describe('a new SAK under load', () => {
    /** Nothing is lost while `body` runs. */
    async function underLoad(tunnel: AgreedTunnel, body: (traffic: Traffic) => Promise<void>): Promise<void> {
      await tunnel.secured();
      const before = await tunnel.flows();
      const traffic = new Traffic(tunnel.live);
      await body(traffic);
      await traffic.more();
      await traffic.stop();
      await tunnel.countsAgree(before, 100);
      await tunnel.lostNothing();
    }

    slow(
      'by time, as often as they follow: 16 of them lose nothing',
      () =>
        withAgreement(lab, { mka: { priority: 16, rekeySeconds: 1 } }, (tunnel) =>
          underLoad(tunnel, async () => {
            const began = performance.now();
            let ki: string | undefined;
            for (let made = 0; made < 16; made++) ki = await tunnel.newSak(ki);
            report('16 SAKs', performance.now() - began, 80_000);
          }),
        ),
      180_000,
    );

    slow.each<[string, AgreementSetup]>([
      ['we are key server', WE_SERVE],
      ['they are key server', THEY_SERVE],
    ])(
      'when our packet numbers come to 0xc0000000, when theirs do, and by order: %s',
      (_name, setup) =>
        withAgreement(lab, { ...setup, program: HIGH_PN_DAEMON }, (tunnel) =>
          underLoad(tunnel, async (traffic) => {
            const first = await tunnel.newSak(undefined);
            const second = await tunnel.newSak(first);
            expect((await tunnel.live.hostCounters())[`TxSa.${await encodingAn(tunnel)}.pn`]).toBeLessThan(
              PN_LOW,
            );
            const { code, stderr } = await tunnel.site.command('rotate', 'linux');
            expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
            const third = await tunnel.newSak(second);
            const an = await encodingAn(tunnel);
            await lab.guest.run(`ip macsec set macsec0 tx sa ${an} pn ${PN_LOW + 1}`, 1);
            await tunnel.newSak(third);
            await traffic.more();
            const { sa_list } = await tunnel.peer.secy();
            expect(sa_list.some(({ pn }) => Number(pn) < PN_LOW)).toBe(true);
            const { role } = await tunnel.agreement();
            expect(reasonsOf(tunnel)).toEqual(
              role === 'member' ? [] : ['peer joined', RUN_OUT, 'ordered', RUN_OUT],
            );
          }),
        ),
      120_000,
    );
  });
});

/** Why l2vpnd has made SAKs. */
function reasonsOf({ site }: AgreedTunnel): string[] {
  return site.logs().flatMap(({ msg }) => msg.match(/^mka: new SAK: (.*)/)?.slice(1) ?? []);
}

async function encodingAn(tunnel: AgreedTunnel): Promise<number> {
  const { encoding_an } = await tunnel.agreement();
  return encoding_an!;
}

/** Says how long something took, and fails where that is too long. */
function report(what: string, tookMs: number, boundMs: number): void {
  console.log(`${what}: ${(tookMs / 1000).toFixed(1)} s (at most ${(boundMs / 1000).toFixed(1)} s)`);
  expect(tookMs, `${what}, ms`).toBeLessThan(boundMs);
}
