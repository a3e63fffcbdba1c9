/** A kernel's tunnel as the `ip` commands that make it (iproute2). */
import type { TunnelConfig } from '../config/types.ts';
import { cannotSay, type Exported, shellWord } from './exported.ts';
import type { FoundGre, FoundLink, FoundMacsec, FoundSa, FoundVlan } from './kernel-site.ts';
import { toKernel } from './to-kernel.ts';
import type { KernelTunnel } from './to-site.ts';

/** Throws L2VPN_CONFIG. Without `showKeys` the script takes keys from its environment, and says which. */
export function iproute2Script(config: TunnelConfig, showKeys: boolean): Exported {
  if (config.mka !== null) {
    const why =
      'its keys come by agreement (macsec.mka), which "ip macsec" does not do: take --format wpa_supplicant';
    throw cannotSay(config.name, 'iproute2', why);
  }
  const { tunnel, remarks } = toKernel(config);
  const top = tunnel.macsec ?? tunnel.gre;
  const lines = [
    '#!/bin/sh',
    `# The tunnel ${config.name} as a kernel has it. Made by l2vpnd export. To take it down: ip link del ${tunnel.gre.name}`,
    'set -e',
    ...(showKeys ? [] : demands(tunnel.macsec?.macsec ?? null)),
    ...gretapCommands(tunnel.gre),
    ...macsecCommands(tunnel, showKeys),
    ...upCommands(tunnel),
    ...portCommands(top),
  ];
  return { files: [{ name: `${config.name}.sh`, text: `${lines.join('\n')}\n` }], remarks };
}

/** Makes the `gretap`, and has its UDP port heard. */
export function gretapCommands({ name, kind, gre, mac, mtu }: FoundLink & { gre: FoundGre }): string[] {
  const { encap, family } = gre;
  const fou = encap === null ? [] : [`ip fou add port ${encap.port} ipproto 47${family === 6 ? ' -6' : ''}`];
  const address = mac === null ? '' : ` address ${mac}`;
  const size = mtu === null ? '' : ` mtu ${mtu}`;
  return [...fou, `ip link add ${shellWord(name)}${address}${size} type ${kind} ${greOptions(gre)}`];
}

function greOptions({
  family,
  local,
  remote,
  ttl,
  tos,
  outKey,
  outChecksum,
  pmtudisc,
  encap,
}: FoundGre): string {
  const six = family === 6;
  return [
    ...(local === null ? [] : [`local ${local}`]),
    `remote ${remote}`,
    `${six ? 'hoplimit' : 'ttl'} ${ttl}`,
    ...(tos === 0 ? [] : [`${six ? 'tclass' : 'tos'} ${tos === 'inherit' ? tos : `0x${tos.toString(16)}`}`]),
    ...(outKey === null ? [] : [`key ${outKey}`]),
    ...(outChecksum ? ['csum'] : []),
    // Eight octets of an option that no packet of ours has.
    ...(six ? ['encaplimit none'] : []),
    ...(pmtudisc || six ? [] : ['nopmtudisc']),
    ...(encap === null ? [] : [`encap fou encap-sport ${encap.sourcePort} encap-dport ${encap.port}`]),
  ].join(' ');
}

function macsecCommands({ gre, macsec: link }: KernelTunnel, showKeys: boolean): string[] {
  if (link === null) return [];
  const { macsec, mac, name } = link;
  const device = shellWord(name);
  const address = mac === null ? '' : ` address ${mac}`;
  return [
    `ip link add link ${shellWord(gre.name)} name ${device}${address} type macsec ${macsecOptions(macsec)}`,
    '# By standard input, so that no key is among the arguments of a process.',
    'ip -batch - <<END',
    ...macsec.txSa.map((sa) => `macsec add ${device} tx sa ${saWords(sa, `TX_${sa.an}`, showKeys)}`),
    ...macsec.rxSc.flatMap(({ sci, active, sa }, i) => [
      `macsec add ${device} rx sci ${sci} ${active ? 'on' : 'off'}`,
      ...sa.map(
        (one) => `macsec add ${device} rx sci ${sci} sa ${saWords(one, rxName(macsec, i, one), showKeys)}`,
      ),
    ]),
    'END',
  ];
}

function macsecOptions(macsec: FoundMacsec): string {
  const flag = (name: string, is: boolean): string => `${name} ${is ? 'on' : 'off'}`;
  return [
    ...(macsec.port === 1 ? [] : [`port ${macsec.port}`]),
    `cipher ${macsec.cipher} icvlen ${macsec.icvLen} encodingsa ${macsec.encodingSa}`,
    ...[flag('protect', macsec.protect), flag('encrypt', macsec.encrypt), `validate ${macsec.validate}`],
    macsec.replay ? `replay on window ${macsec.window}` : 'replay off',
    flag('send_sci', macsec.sendSci),
    ...(macsec.endStation ? ['end_station on'] : []),
    ...(macsec.scb ? ['scb on'] : []),
  ].join(' ');
}

function saWords(sa: FoundSa, variable: string, showKeys: boolean): string {
  const xpn = sa.ssci !== null;
  const salt = showKeys ? sa.salt : `$${variable}_SALT`;
  const key = showKeys && sa.key !== null && 'hex' in sa.key ? sa.key.hex : `$${variable}_KEY`;
  const extended = xpn ? ` salt ${salt} ssci ${sa.ssci}` : '';
  return `${sa.an} ${xpn ? 'xpn' : 'pn'} ${sa.pn}${extended} ${sa.active ? 'on' : 'off'} key ${sa.keyId} ${key}`;
}

/** What the variables of a channel's SA begin with. */
function rxName({ rxSc }: FoundMacsec, channel: number, { an }: FoundSa): string {
  return rxSc.length === 1 ? `RX_${an}` : `RX${channel + 1}_${an}`;
}

/** Lines that end the script where a key is not given. */
function demands(macsec: FoundMacsec | null): string[] {
  if (macsec === null) return [];
  const all = [
    ...macsec.txSa.map((sa) => ({ sa, name: `TX_${sa.an}` })),
    ...macsec.rxSc.flatMap((sc, i) => sc.sa.map((sa) => ({ sa, name: rxName(macsec, i, sa) }))),
  ];
  return [
    '# The keys are not in here: give them by the environment, in hex.',
    ...all.flatMap(({ sa, name }) => [
      `: "\${${name}_KEY:?is missing: the key ${sa.keyId}}"`,
      ...(sa.ssci === null ? [] : [`: "\${${name}_SALT:?is missing: the salt of the key ${sa.keyId}}"`]),
    ]),
  ];
}

function upCommands({ gre, macsec }: KernelTunnel): string[] {
  const top = macsec ?? gre;
  const into = top.master === null ? '' : ` master ${shellWord(top.master)}`;
  const lower = macsec === null ? [] : [`ip link set ${shellWord(gre.name)} up`];
  return [...lower, `ip link set ${shellWord(top.name)}${into} up`];
}

/** What the link is as a port of its bridge. */
export function portCommands({ name, master, port }: FoundLink): string[] {
  if (master === null) return [];
  const device = shellWord(name);
  const { isolated, cost, priority, vlans } = port;
  const settings = [
    ...(isolated ? ['isolated on'] : []),
    ...(cost === null ? [] : [`cost ${cost}`]),
    ...(priority === null ? [] : [`priority ${priority}`]),
  ];
  return [
    ...(settings.length === 0 ? [] : [`bridge link set dev ${device} ${settings.join(' ')}`]),
    ...(vlans.length === 0 ? [] : [`bridge vlan del dev ${device} vid 1 2>/dev/null || true`]),
    ...vlans.map((vlan) => `bridge vlan add dev ${device} ${vlanWords(vlan)}`),
  ];
}

function vlanWords({ first, last, pvid, untagged }: FoundVlan): string {
  const vid = first === last ? first : `${first}-${last}`;
  return `vid ${vid}${pvid ? ' pvid' : ''}${untagged ? ' untagged' : ''}`;
}
