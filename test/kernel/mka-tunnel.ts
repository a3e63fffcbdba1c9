/**
 * l2vpnd and a wpa_supplicant of the guest at the two ends of a tunnel: the lab, the guest's side of the tunnel, and
 * l2vpnd's configuration. Addresses and devices are those of tunnel-case.ts, so that a `LiveTunnel` is at home here.
 */
import type { SiteFile } from '../../lab/site.ts';
import type { Guest } from './guest.ts';
import { type LiveLab, openLiveLab } from './live.ts';
import { Supplicant, type SupplicantSetup } from './supplicant.ts';
import { supplicantFiles } from './supplicant-files.ts';
import { GUEST_MACSEC_MAC, guestScript, siteFileOf, type TunnelSetup, tunnelSetup } from './tunnel-case.ts';

/** Nobody else has it, and it guards nothing. */
export const MKA_KEY = {
  ckn: '6d6b6120636b6e20666f72207465737473',
  cak: '8f1d2c3b4a5968778695a4b3c2d1e0ff',
} as const;

/** A guest with both releases of wpa_supplicant, in the namespace of l2vpnd. */
export function openMkaLab(): Promise<LiveLab> {
  return openLiveLab({ files: supplicantFiles() });
}

/** Makes the guest's end of `setup` (its cipher is the supplicant's matter) and a wpa_supplicant on it; the LAN is bridged to its SecY. */
export async function startGuestEnd(
  guest: Guest,
  setup: TunnelSetup,
  supplicant: Partial<SupplicantSetup> = {},
  mac: string = GUEST_MACSEC_MAC,
): Promise<Supplicant> {
  await guest.run(`${guestScript({ ...setup, cipher: null })}
ip link set tun0 nomaster
ip link set tun0 address ${mac}`);
  return Supplicant.start(guest, {
    ...{ release: 'stable', ifname: 'tun0', macsec: 'macsec0', bridge: 'lan', ...MKA_KEY },
    ...supplicant,
  });
}

/** l2vpnd's configuration file: `mka` is laid over the key, `macsec` over the settings of its SecY. */
export function mkaSiteFile(
  setup: TunnelSetup = tunnelSetup(),
  mka: object = {},
  macsec: object = {},
): SiteFile {
  const file = siteFileOf(setup);
  const tunnels = file.tunnels.map((tunnel) => ({
    ...tunnel,
    macsec: { ...macsec, mka: { ...MKA_KEY, ...mka } },
  }));
  return { ...file, tunnels };
}
