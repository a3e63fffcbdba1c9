/**
 * A tunnel with key agreement as a kernel and a wpa_supplicant (driver macsec_linux) have it: a script that makes the
 * links, writes the supplicant's configuration and starts it.
 */
import type { MkaConfig, TunnelConfig } from '../config/types.ts';
import type { MacsecConfig } from '../macsec/config.ts';
import { cannotSay, type Exported, shellWord } from './exported.ts';
import { gretapCommands, portCommands } from './iproute2-text.ts';
import type { Remark } from './kernel-site.ts';
import { toKernel } from './to-kernel.ts';

const FORMAT = 'wpa_supplicant';

/** Throws L2VPN_CONFIG. Without `showKeys` the script takes the CAK from its environment. */
export function supplicantScript(config: TunnelConfig, showKeys: boolean): Exported {
  const { macsec, mka, name } = config;
  if (macsec === null || mka === null) {
    const why = `it has ${macsec === null ? 'no macsec' : 'static keys'}, and a wpa_supplicant agrees on keys (macsec.mka): take --format iproute2`;
    throw cannotSay(name, FORMAT, why);
  }
  refuse(name, macsec);
  const { tunnel, remarks } = toKernel(config);
  // The address of the device below is the SCI.
  const gre = { ...tunnel.gre, mac: tunnel.macsec!.mac };
  const top = tunnel.macsec!;
  const [below, device] = [shellWord(gre.name), shellWord(top.name)];
  const into = top.master === null ? '' : ` master ${shellWord(top.master)}`;
  const flags = `port ${macsec.port} cipher ${macsec.cipher} encrypt ${macsec.encrypt ? 'on' : 'off'}`;
  const lines = [
    '#!/bin/sh',
    `# The tunnel ${name} as a kernel and wpa_supplicant have it. Made by l2vpnd export. To take it down: ip link del ${gre.name}`,
    'set -e',
    ...(showKeys
      ? []
      : [
          `# The CAK is not in here: give it by the environment, in hex.`,
          `: "\${CAK:?is missing: the pre-shared key of the CKN ${mka.ckn}}"`,
        ]),
    ...gretapCommands(gre),
    `# Made beforehand, so that its name is known; wpa_supplicant takes it.`,
    `ip link add link ${below} name ${device} type macsec ${flags}`,
    `ip link set ${below} up`,
    `ip link set ${device}${into} up`,
    ...portCommands(top),
    'umask 077',
    `cat > /run/wpa-${below}.conf <<END`,
    ...confLines(macsec, mka, showKeys),
    'END',
    `exec wpa_supplicant -D macsec_linux -i ${below} -c /run/wpa-${below}.conf "$@"`,
  ];
  return {
    files: [{ name: `${name}.sh`, text: `${lines.join('\n')}\n` }],
    remarks: [...remarks, ...remarksOf(name, config, mka)],
  };
}

function refuse(name: string, macsec: MacsecConfig): void {
  if (macsec.cipher.includes('xpn'))
    throw cannotSay(name, FORMAT, `it has no ${macsec.cipher}; take gcm-aes-128 at both ends`);
  if (macsec.validate !== 'strict')
    throw cannotSay(name, FORMAT, `it validates strictly, and validate is "${macsec.validate}"`);
  if (!macsec.sendSci) throw cannotSay(name, FORMAT, 'it always sends the SCI, and sendSci is false');
  if (macsec.icvLen !== 16)
    throw cannotSay(name, FORMAT, `its ICV has 16 octets, and icvLen is ${macsec.icvLen}`);
}

function confLines(
  { encrypt, port, cipher, replayProtect, replayWindow }: MacsecConfig,
  { ckn, cak, priority }: MkaConfig,
  showKeys: boolean,
): string[] {
  const settings: Readonly<Record<string, string | number>> = {
    ...{ key_mgmt: 'NONE', eapol_flags: 0, macsec_policy: 1, macsec_port: port },
    ...{ macsec_integ_only: encrypt ? 0 : 1, mka_priority: priority },
    ...{
      macsec_replay_protect: replayProtect ? 1 : 0,
      ...(replayProtect ? { macsec_replay_window: replayWindow } : {}),
    },
    ...(cipher === 'gcm-aes-256' ? { macsec_csindex: 1 } : {}),
    ...{ mka_ckn: ckn, mka_cak: showKeys ? cak.export().toString('hex') : '$CAK' },
  };
  const lines = Object.entries(settings).map(([setting, value]) => `  ${setting}=${value}`);
  return ['eapol_version=3', 'ap_scan=0', 'network={', ...lines, '}'];
}

function remarksOf(name: string, { tap }: TunnelConfig, mka: MkaConfig): Remark[] {
  const said: string[] = [];
  if (tap.mac === null)
    said.push('the gretap has a random MAC address, and so an SCI that changes: give it one by "address"');
  if (mka.fallback !== null) said.push('mka.fallback is left out: a wpa_supplicant has one CAK');
  if (mka.rekeySeconds !== null)
    said.push('mka.rekeySeconds is left out: a wpa_supplicant makes a new SAK when packet numbers run out');
  if (mka.helloMs !== 2000 || mka.lifeMs !== 6000)
    said.push('a wpa_supplicant says hello each 2 s and waits for 6 s: mka.helloMs and lifeMs are left out');
  if (mka.peerLoss === 'keep')
    said.push('mka.peerLoss "keep" is left out: a wpa_supplicant stops when its peer is gone');
  if (mka.icvIndicator) said.push('mka.icvIndicator is left out');
  said.push('wpa_supplicant 2.10 has GCM-AES-128 only; 2.11 has GCM-AES-256 too');
  return said.map((text) => ({ where: name, text }));
}
