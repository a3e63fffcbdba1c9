/** What `l2vpnd import` and `export` make, run: a kernel by our word, and l2vpnd by a kernel's. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { run } from '../../lab/run.ts';
import { daemonPath, Site, type SiteFile } from '../../lab/site.ts';
import { mixedFrames, SHORT_FRAMES } from './frames.ts';
import { HOST_WAN } from './lab-namespace.ts';
import { type LiveLab, LiveTunnel } from './live.ts';
import { networkdLog, startNetworkd, stopNetworkd, whyNoNetworkd } from './networkd-guest.ts';
import {
  GUEST_MACSEC_MAC,
  HOST_TAP_MAC,
  siteFileOf,
  type TunnelChanges,
  type TunnelSetup,
  tunnelSetup,
} from './tunnel-case.ts';

const GUEST_WAN_IP = '192.0.2.2';
const KEYS = ['3c1f9e0b7d5a48262468ace013579bdf', 'c0d1e2f3a4b5968778695a4b3c2d1e0f'] as const;

/** One site of a how-to, in the words of its script; `ip` is how `ip` is called there. */
function siteOfHowTo(ip: string, a: 'a' | 'b'): string {
  const here = a === 'a';
  const [local, remote] = here ? [HOST_WAN.ip, GUEST_WAN_IP] : [GUEST_WAN_IP, HOST_WAN.ip];
  const [own, other] = here ? ['A', 'B'] : ['B', 'A'];
  const [device, bridge] = here ? ['macsec1', 'br0'] : ['macsec0', 'lan'];
  return `
${ip} link add gretap1 type gretap local ${local} remote ${remote}
${ip} link set gretap1 address $MAC_${own} up
${ip} link add link gretap1 ${device} type macsec encrypt on   # its SCI: the address below, port 1
${ip} macsec add ${device} tx sa 0 pn 1 on key 0${here ? 1 : 2} $KEY_${own}
${ip} macsec add ${device} rx port 1 address $MAC_${other}
${ip} macsec add ${device} rx port 1 address $MAC_${other} sa 0 pn 1 on key 0${here ? 2 : 1} $KEY_${other}
${ip} link set ${device} master ${bridge}
${ip} link set ${device} up
`;
}
const VARIABLES = `
MAC_A=${HOST_TAP_MAC}; MAC_B=${GUEST_MACSEC_MAC}
KEY_A=${KEYS[0]}
KEY_B="${KEYS[1]}"`;

/** Runs `l2vpnd` in a folder of its own, with files to work on. */
class Desk {
  readonly dir: string = mkdtempSync(join(tmpdir(), 'l2vpnd-desk-'));

  async l2vpnd(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await run([process.execPath, daemonPath(), ...args]);
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    return stdout;
  }

  write(name: string, content: string): string {
    const path = join(this.dir, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  }

  async import(name: string, content: string, ...args: string[]): Promise<SiteFile> {
    return JSON.parse(
      await this.l2vpnd('import', this.write(name, content), '--show-keys', ...args),
    ) as SiteFile;
  }

  export(site: SiteFile, format: string, ...args: string[]): Promise<string> {
    const config = this.write('site.json', JSON.stringify(site));
    return this.l2vpnd('export', '--config', config, '--format', format, '--show-keys', ...args);
  }
}

async function withDesk(body: (desk: Desk) => Promise<void>): Promise<void> {
  const desk = new Desk();
  try {
    await body(desk);
  } finally {
    rmSync(desk.dir, { recursive: true, force: true });
  }
}

/** l2vpnd by `site`, the guest by `script`; every frame passes both ways, and both count the same. */
async function passes(lab: LiveLab, site: SiteFile, setup: TunnelSetup, script: string): Promise<void> {
  const live = new Site(lab.space, 'linux', site);
  await lab.guest.run(`ip link del tun0 2>/dev/null || true; ip link set eth0 mtu 1500`);
  await lab.space.ip('link set wan0 mtu 1500\n');
  try {
    await Promise.all([live.start(), lab.guest.run(script)]);
    const tunnel = new LiveTunnel(lab, setup, live);
    await tunnel.exchange([...SHORT_FRAMES, ...mixedFrames(1400)]);
    await vi.waitFor(() => tunnel.agree(), { timeout: 5000, interval: 50 });
    expect((await live.stop()).code).toBe(0);
  } finally {
    await live.dispose();
  }
}

/** Of the guest, what a case has made. */
const CLEAN = `
ip link del gretap1 2>/dev/null || true
ip fou del port 4754 2>/dev/null || true
ip -6 fou del port 4754 2>/dev/null || true`;

/** The guest's device has another name than l2vpnd's. */
const inGuest = (script: string): string => script.replaceAll('macsec1', 'macsec0');

const REPLAYS = { both: { replayWindow: 64, replayBitmap: true } } as const;

export function interchangeCases(labOf: () => LiveLab, quick: boolean): void {
  const slow = it.skipIf(quick);
  const withoutNetworkd = whyNoNetworkd();
  if (withoutNetworkd !== null) console.log(`test/kernel: networkd skipped: ${withoutNetworkd}`);

  describe('import and export', () => {
    it("a how-to's script: one end runs its commands, the other is imported from it", () =>
      withDesk(async (desk) => {
        const script = `${VARIABLES}${siteOfHowTo('ip netns exec nsra ip', 'a')}${siteOfHowTo('ip -n nsrb', 'b')}`;
        const site = await desk.import('how-to.sh', script, '--netns', 'nsra');
        const lab = labOf();
        try {
          await passes(lab, site, tunnelSetup(), `${VARIABLES}${siteOfHowTo('ip', 'b')}`);
        } finally {
          await lab.guest.run(CLEAN);
        }
      }));

    const setups: readonly [string, TunnelChanges][] = [
      ['gcm-aes-128', REPLAYS],
      [
        'gcm-aes-xpn-256 over GRE-in-UDP with a key',
        { ...REPLAYS, cipher: 'gcm-aes-xpn-256', encap: 'udp', key: 7 },
      ],
      ['integrity only, over IPv6', { underlay: 6, icvLen: 12, both: { encrypt: false, replayWindow: 64 } }],
    ];
    it.each(quick ? setups.slice(0, 1) : setups)('iproute2 --peer: %s', (_, changes) =>
      withDesk(async (desk) => {
        const [lab, setup] = [labOf(), tunnelSetup(changes)];
        const site = siteFileOf(setup);
        const script = await desk.export(site, 'iproute2', '--peer', '--bridge', 'lan');
        try {
          await passes(lab, site, setup, inGuest(script));
        } finally {
          await lab.guest.run(CLEAN);
        }
      }),
    );

    slow('iproute2 in the place of this end, and what the kernel then shows, imported', () =>
      withDesk(async (desk) => {
        const [lab, setup] = [labOf(), tunnelSetup(REPLAYS)];
        const host = siteFileOf(setup);
        const guest = await desk.import(
          'peer.sh',
          await desk.export(host, 'iproute2', '--peer', '--bridge', 'lan'),
        );
        const script = await desk.export(guest, 'iproute2');
        const again = await desk.import(
          'host.sh',
          await desk.export(guest, 'iproute2', '--peer', '--bridge', 'br0'),
        );
        try {
          await passes(lab, again, setup, inGuest(script));
          const shown = await lab.guest.run('ip -d -j link; ip -j macsec show');
          const path = desk.write('shown.json', shown.replaceAll('macsec0', 'macsec1'));
          const { tunnels } = JSON.parse(await desk.l2vpnd('import', path)) as SiteFile;
          expect(tunnels).toEqual(withKeyFiles(guest.tunnels, tunnels));
        } finally {
          await lab.guest.run(CLEAN);
        }
      }),
    );

    it.skipIf(withoutNetworkd !== null)('networkd --peer, by systemd-networkd', () =>
      withDesk(async (desk) => {
        const lab = labOf();
        const setup = tunnelSetup({ encap: 'udp', key: 9 });
        const site = siteFileOf(setup);
        const folder = join(desk.dir, 'network');
        const config = desk.write('site.json', JSON.stringify(site));
        const more = ['--peer', '--bridge', 'lan', '--out', folder];
        const said = await desk.l2vpnd('export', '--config', config, '--format', 'networkd', ...more);
        const names = [...said.matchAll(/([\w-]+\.(?:netdev|network))(?=[,\s])/g)].map(([, name]) => name!);
        const files = [...new Set(names)].map((name) => ({
          name: inGuest(name),
          text: inGuest(readFileSync(join(folder, name), 'utf8')),
        }));
        await startNetworkd(lab.guest, files);
        try {
          await passes(lab, site, setup, UNTIL_BRIDGED);
        } catch (error) {
          throw new Error(`${String(error)}\n${await networkdLog(lab.guest)}`);
        } finally {
          await stopNetworkd(lab.guest);
          await lab.guest.run(CLEAN);
        }
      }),
    );
  });
}

/** The guest as the other end of `site`, by the script of `export --format wpa_supplicant --peer`. */
export async function withExportedPeer(
  lab: LiveLab,
  site: SiteFile,
  body: (tunnel: LiveTunnel) => Promise<void>,
): Promise<void> {
  const live = new Site(lab.space, 'linux', site);
  await withDesk(async (desk) => {
    const script = inGuest(await desk.export(site, 'wpa_supplicant', '--peer', '--bridge', 'lan'));
    // As a file, and with the `ip` that is not busybox's.
    const text = Buffer.from(`ip() { /usr/sbin/ip "$@"; }\n${script}`).toString('base64');
    try {
      await lab.guest.run(`
ip link del tun0 2>/dev/null || true
ln -sf wpa_supplicant-stable /usr/sbin/wpa_supplicant
echo ${text} | base64 -d > /run/peer.sh
sh /run/peer.sh -B -P /run/peer.pid -t -f /tmp/peer.log`);
      await live.start();
      await body(new LiveTunnel(lab, tunnelSetup(), live));
      expect((await live.stop()).code).toBe(0);
    } catch (error) {
      const shown = 'ip -d link show macsec0; ip -s macsec show; ip -s link show gretap1; cat /tmp/peer.log';
      throw new Error(`${String(error)}\n${(await lab.guest.exec(shown)).stdout}`);
    } finally {
      await live.dispose();
      await lab.guest.run(`kill -9 $(cat /run/peer.pid) || true; ${CLEAN}`);
    }
  });
}

/** Waits until networkd has put the macsec into its bridge and set it up. */
const UNTIL_BRIDGED = `
tries=0
until ip link show master lan | grep 'macsec0.*LOWER_UP' >/dev/null; do
  tries=$((tries + 1)); [ $tries -lt 400 ]; usleep 50000
done`;

// biome-ignore lint/suspicious/noExplicitAny: any JSON value
type Json = any;

/** `tunnels` as a listing has them: key files in the place of keys, and the packet numbers that were shown. */
function withKeyFiles(tunnels: Json, shown: Json): Json {
  const [tunnel, other] = [structuredClone(tunnels[0]), shown[0]];
  const pairs = [
    [tunnel.macsec.txSa[0], other.macsec.txSa[0]],
    [tunnel.macsec.rxSc[0].sa[0], other.macsec.rxSc[0].sa[0]],
  ];
  for (const [sa, as] of pairs) {
    delete sa.key;
    expect(as.pn).toBeGreaterThan(1);
    Object.assign(sa, { keyFile: as.keyFile, pn: as.pn });
  }
  return [tunnel];
}
