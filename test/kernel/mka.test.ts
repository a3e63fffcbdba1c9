/**
 * The judge of key agreement judged: two Linux ends that nobody here wrote agree with each other in the guest.
 * One boot.
 *
 *   namespace a of the guest                                   namespace b
 *   macsec0 10.8.0.1 ─ tun0 (gretap) ─ va 10.7.0.1 ── veth ── vb 10.7.0.2 ─ tun0 (gretap) ─ macsec0 10.8.0.2
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Guest, whyNoGuest } from './guest.ts';
import { flatCounters } from './macsec-show.ts';
import { MKA_KEY } from './mka-tunnel.ts';
import { Supplicant, type SupplicantSetup } from './supplicant.ts';
import { supplicantFiles, whyNoSupplicant } from './supplicant-files.ts';

const reason = whyNoGuest(true) ?? whyNoSupplicant();
if (reason !== null) console.log(`test/kernel/mka skipped: ${reason}`);

const CAK_256 = `${MKA_KEY.cak}9e8d7c6b5a49382716051423324150fe`;
/** The lower SCI: of equal priorities it is elected. */
const MAC_A = '02:00:00:00:07:01';
const MAC_B = '02:00:00:00:07:02';

/** One end of the veth pair with a gretap over it. */
function endScript(ns: 'a' | 'b', own: number, other: number, mac: string): string {
  return `
ip netns exec ${ns} sh -c 'for conf in all default; do echo 1 > /proc/sys/net/ipv6/conf/$conf/disable_ipv6; done'
ip -n ${ns} link set v${ns} up
ip -n ${ns} addr add 10.7.0.${own}/24 dev v${ns}
ip -n ${ns} link add tun0 address ${mac} type gretap local 10.7.0.${own} remote 10.7.0.${other}
ip -n ${ns} link set tun0 up`;
}

describe.skipIf(reason !== null)('two wpa_supplicants over gretap', () => {
  let guest: Guest;

  beforeAll(async () => {
    guest = await Guest.boot({ files: supplicantFiles() });
    await guest.run(`
ip netns add a
ip netns add b
ip link add va netns a type veth peer name vb netns b
${endScript('a', 1, 2, MAC_A)}
${endScript('b', 2, 1, MAC_B)}`);
  }, 180_000);
  afterAll(() => guest?.close());

  type Changes = Partial<SupplicantSetup>;
  type Body = (a: Supplicant, b: Supplicant) => Promise<void>;

  /** Starts both, runs `body`, ends them and takes their SecYs away. */
  async function withPair(a: Changes, b: Changes, body: Body): Promise<void> {
    const started: Supplicant[] = [];
    const start = async (netns: 'a' | 'b', changes: Changes): Promise<Supplicant> => {
      const setup = { release: 'stable', ifname: 'tun0', macsec: 'macsec0', netns, ...MKA_KEY } as const;
      const supplicant = await Supplicant.start(guest, { ...setup, ...changes });
      started.push(supplicant);
      return supplicant;
    };
    try {
      await body(await start('a', a), await start('b', b));
    } finally {
      for (const supplicant of started) {
        await supplicant.stop();
        await supplicant.removeDevice();
      }
    }
  }

  async function secured(...ends: readonly Supplicant[]): Promise<void> {
    for (const end of ends) await end.until(({ secured, livePeers }) => secured && livePeers === 1);
  }

  /** Over the macsec devices; what one has protected the other has accepted. */
  async function ping(a: Supplicant, b: Supplicant): Promise<void> {
    const counts = async (): Promise<{ sent: number; accepted: number }> => {
      const [out, into] = [flatCounters(await a.secy()), flatCounters(await b.secy())];
      const sent = (out['SecY.OutPktsEncrypted'] ?? 0) + (out['SecY.OutPktsProtected'] ?? 0);
      return { sent, accepted: into[`RxSc.${MAC_A.replaceAll(':', '')}0001.InPktsOK`] ?? 0 };
    };
    const before = await counts();
    await guest.run(`
for end in 1:a 2:b; do ip -n \${end#*:} addr replace 10.8.0.\${end%:*}/24 dev macsec0; ip -n \${end#*:} link set macsec0 up; done
ip netns exec a ping -c 3 -i 0.2 -w 20 10.8.0.2`);
    const after = await counts();
    expect(after.sent - before.sent).toBeGreaterThanOrEqual(3);
    expect(after.accepted - before.accepted).toBe(after.sent - before.sent);
  }

  it.each<[string, Changes, Changes, 'a' | 'b']>([
    ['2.10 at both ends, equal priorities: the lower SCI is key server', {}, {}, 'a'],
    ['the lower priority is key server', { priority: 200 }, { priority: 20 }, 'b'],
    ['2.10 and the newest', { release: 'sid' }, { priority: 16 }, 'b'],
    ['integrity only', { integrityOnly: true }, { integrityOnly: true }, 'a'],
    ['a CAK of 256 bits', { cak: CAK_256 }, { cak: CAK_256, replayWindow: 1024 }, 'a'],
    [
      'GCM-AES-256',
      { release: 'sid', cipher: 'gcm-aes-256', cak: CAK_256 },
      { release: 'sid', cipher: 'gcm-aes-256', cak: CAK_256 },
      'a',
    ],
  ])('%s', (_name, one, other, server) =>
    withPair(one, other, async (a, b) => {
      await secured(a, b);
      const [inA, inB] = [await a.status(), await b.status()];
      expect([inA.isKeyServer, inB.isKeyServer]).toEqual([server === 'a', server === 'b']);
      expect([inA.mi, inB.mi].filter((mi) => /^[0-9a-f]{24}$/.test(mi))).toHaveLength(2);
      await ping(a, b);
      const { sa_list, ...secy } = await a.secy();
      expect(sa_list).toHaveLength(1);
      const cipher = one.cipher === 'gcm-aes-256' ? 'GCM-AES-256' : 'GCM-AES-128';
      expect(secy).toMatchObject({ cipher_suite: cipher, encrypt: one.integrityOnly !== true });
    }),
  );

  it(
    'an end that was killed and comes again has a new member identifier, and is secured again',
    () =>
      withPair({}, {}, async (a, b) => {
        await secured(a, b);
        const { mi } = await b.status();
        await b.kill();
        await b.start();
        await b.until((status) => status.secured && status.mi !== mi);
        await a.until((status) => status.secured);
        await ping(a, b);
      }),
    120_000,
  );

  it('another CAK: neither is secured, and the log says why', () =>
    withPair({}, { cak: CAK_256 }, async (a, b) => {
      await expect.poll(() => a.log(200), { timeout: 30_000, interval: 500 }).toMatch(/ICV/);
      for (const end of [a, b]) expect(await end.status()).toMatchObject({ secured: false, livePeers: 0 });
    }));
});
