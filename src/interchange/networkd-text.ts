/** A kernel's tunnel as files of systemd-networkd (systemd.netdev(5), systemd.network(5)). */
import type { TunnelConfig } from '../config/types.ts';
import { cannotSay, type Exported, type ExportedFile } from './exported.ts';
import type { FoundGre, FoundLink, FoundMacsec, FoundSa, FoundVlan, Remark } from './kernel-site.ts';
import { stationOf } from './stations.ts';
import { toKernel } from './to-kernel.ts';

const FORMAT = 'networkd';
/** Where networkd reads; key files are named there. */
const FOLDER = '/etc/systemd/network';

/** Throws L2VPN_CONFIG. Without `showKeys` the files name key files, which are to be made. */
export function networkdFiles(config: TunnelConfig, showKeys: boolean): Exported {
  const { macsec, mka, name } = config;
  if (mka !== null)
    throw cannotSay(
      name,
      FORMAT,
      'its keys come by agreement (macsec.mka), which networkd does not do: take --format wpa_supplicant',
    );
  const { tunnel, remarks } = toKernel(config);
  if (tunnel.gre.gre.outChecksum) throw cannotSay(name, FORMAT, 'gre.checksum has no setting there');
  if (macsec !== null) refuse(name, tunnel.macsec!.macsec);
  const files = [...netdevs(tunnel.gre, tunnel.macsec, showKeys), ...networks(tunnel.gre, tunnel.macsec)];
  return {
    files,
    remarks: [
      ...remarks,
      ...remarksOf(name, macsec?.replayProtect === true, showKeys, tunnel.macsec?.macsec ?? null),
    ],
  };
}

function refuse(name: string, macsec: FoundMacsec): void {
  const { cipher, icvLen, protect, validate, sendSci, endStation, scb, txSa, rxSc } = macsec;
  const unfit: Readonly<Record<string, boolean>> = {
    [`cipher ${cipher}`]: cipher !== 'gcm-aes-128',
    [`icvLen ${icvLen}`]: icvLen !== 16,
    'protect false': !protect,
    [`validate "${validate}"`]: validate !== 'strict',
    'sendSci false': !sendSci,
    endStation,
    scb,
  };
  for (const [setting, isUnfit] of Object.entries(unfit)) {
    if (isUnfit) throw cannotSay(name, FORMAT, `${setting} has no setting there`);
  }
  if ([txSa, ...rxSc.map(({ sa }) => sa)].some((list) => list.some(({ an }, i) => an !== i)))
    throw cannotSay(name, FORMAT, 'it counts ANs itself, from 0 on, and the SAs have others');
  if (rxSc.some(({ sci }) => sci.endsWith('0000')))
    throw cannotSay(name, FORMAT, 'the port of an SCI is 1 to 65535 there, and a peer has 0');
}

function remarksOf(name: string, replays: boolean, showKeys: boolean, macsec: FoundMacsec | null): Remark[] {
  if (macsec === null) return [];
  const said = [
    ...(replays
      ? ['replayProtect is left out: networkd has no setting for it, and the kernel accepts frames again']
      : []),
    ...(macsec.rxSc.some(({ active }) => !active) ? ['an rxSc that is off is on there'] : []),
    ...(showKeys
      ? []
      : [
          `the keys are in none of the files: make the key files that they name in ${FOLDER}, for root:systemd-network with mode 0640`,
        ]),
  ];
  return said.map((text) => ({ where: name, text }));
}

type Gre = FoundLink & { gre: FoundGre };
type Macsec = FoundLink & { macsec: FoundMacsec };

function netdevs(gre: Gre, macsec: Macsec | null, showKeys: boolean): ExportedFile[] {
  const { encap } = gre.gre;
  const files = [unitFile(`10-${gre.name}.netdev`, gretapUnit(gre))];
  const { master } = macsec ?? gre;
  // networkd puts a link into a bridge that it knows of only. Last, so that a file of the operator's own goes before it.
  if (master !== null)
    files.push(unitFile(`90-${master}.netdev`, ['[NetDev]', `Name=${master}`, 'Kind=bridge']));
  if (encap !== null) files.push(unitFile(`10-fou${encap.port}.netdev`, fouUnit(encap.port)));
  if (macsec !== null) files.push(unitFile(`10-${macsec.name}.netdev`, macsecUnit(macsec, showKeys)));
  return files;
}

function gretapUnit({ name, kind, mac, mtu, gre }: Gre): string[] {
  const { local, remote, ttl, tos, outKey, pmtudisc, encap, family } = gre;
  return [
    ...['[NetDev]', `Name=${name}`, `Kind=${kind}`],
    ...(mac === null ? [] : [`MACAddress=${mac}`]),
    ...(mtu === null ? [] : [`MTUBytes=${mtu}`]),
    ...[
      '',
      '[Tunnel]',
      'Independent=yes',
      `Local=${local ?? 'any'}`,
      `Remote=${remote}`,
      `TTL=${ttl === 'inherit' ? 0 : ttl}`,
    ],
    ...(tos === 0 || tos === 'inherit' ? [] : [`TOS=${tos}`]),
    ...(outKey === null ? [] : [`Key=${outKey}`]),
    ...(pmtudisc || family === 6 ? [] : ['DiscoverPathMTU=no']),
    ...(family === 6 ? ['EncapsulationLimit=none'] : []),
    ...(encap === null ? [] : ['FooOverUDP=yes', `FOUDestinationPort=${encap.port}`]),
    ...(encap === null || encap.sourcePort === 'auto' ? [] : [`FOUSourcePort=${encap.sourcePort}`]),
  ];
}

function fouUnit(port: number): string[] {
  return ['[NetDev]', `Name=fou${port}`, 'Kind=fou', '', '[FooOverUDP]', `Port=${port}`, 'Protocol=gre'];
}

function macsecUnit({ name, mac, macsec }: Macsec, showKeys: boolean): string[] {
  const { port, encrypt, txSa, rxSc, encodingSa } = macsec;
  return [
    ...['[NetDev]', `Name=${name}`, 'Kind=macsec', ...(mac === null ? [] : [`MACAddress=${mac}`])],
    ...['', '[MACsec]', `Port=${port}`, `Encrypt=${encrypt ? 'yes' : 'no'}`],
    ...txSa.flatMap((sa) => [
      ...['', '[MACsecTransmitAssociation]', ...saLines(sa, keyLine(sa, `${name}-tx${sa.an}`, showKeys))],
      ...(sa.an === encodingSa && sa.active ? ['UseForEncoding=yes'] : []),
    ]),
    ...rxSc.flatMap(({ sci, sa }, i) => [
      ...['', '[MACsecReceiveChannel]', ...sciLines(sci)],
      ...sa.flatMap((one) => {
        const file = `${name}-rx${rxSc.length === 1 ? '' : `${i + 1}-`}${one.an}`;
        return [
          '',
          '[MACsecReceiveAssociation]',
          ...sciLines(sci),
          ...saLines(one, keyLine(one, file, showKeys)),
        ];
      }),
    ]),
  ];
}

function sciLines(sci: string): string[] {
  const { mac, port } = stationOf(sci);
  return [`Port=${port}`, `MACAddress=${mac}`];
}

function saLines({ pn, keyId, active }: FoundSa, key: string): string[] {
  return [`PacketNumber=${pn}`, `KeyId=${keyId}`, key, `Activate=${active ? 'yes' : 'no'}`];
}

function keyLine({ key }: FoundSa, file: string, showKeys: boolean): string {
  return showKeys && key !== null && 'hex' in key ? `Key=${key.hex}` : `KeyFile=${FOLDER}/${file}.key`;
}

function networks(gre: Gre, macsec: Macsec | null): ExportedFile[] {
  if (macsec === null) return [unitFile(`10-${gre.name}.network`, portUnit(gre))];
  const below = ['[Match]', `Name=${gre.name}`, '', '[Network]', `MACsec=${macsec.name}`, ...QUIET];
  return [unitFile(`10-${gre.name}.network`, below), unitFile(`10-${macsec.name}.network`, portUnit(macsec))];
}

/** The tunnel carries the hosts' frames, and none of this host. */
const QUIET = ['LinkLocalAddressing=no', 'IPv6AcceptRA=no'];

function portUnit({ name, master, port }: FoundLink): string[] {
  const { isolated, cost, priority, vlans } = port;
  const settings = [
    ...(isolated ? ['Isolated=yes'] : []),
    ...(cost === null ? [] : [`Cost=${cost}`]),
    ...(priority === null ? [] : [`Priority=${priority}`]),
  ];
  return [
    ...[
      '[Match]',
      `Name=${name}`,
      '',
      '[Network]',
      ...(master === null ? [] : [`Bridge=${master}`]),
      ...QUIET,
    ],
    ...(settings.length === 0 ? [] : ['', '[Bridge]', ...settings]),
    ...vlans.flatMap((vlan) => ['', '[BridgeVLAN]', ...vlanLines(vlan)]),
  ];
}

function vlanLines({ first, last, pvid, untagged }: FoundVlan): string[] {
  const vid = first === last ? String(first) : `${first}-${last}`;
  return [`VLAN=${vid}`, ...(pvid ? [`PVID=${vid}`] : []), ...(untagged ? [`EgressUntagged=${vid}`] : [])];
}

function unitFile(name: string, lines: readonly string[]): ExportedFile {
  return { name, text: `${lines.join('\n')}\n` };
}
