/**
 * A set of systemd-networkd's files as the links that it would make: `.netdev` of Kind gretap, ip6gretap, macsec, fou and
 * bridge; `.network`, which says what is on which link and in which bridge (systemd.netdev(5), systemd.network(5)).
 */
import { sciOf } from '../wire/sci.ts';
import { greKey } from './gre-words.ts';
import { keyIdOf } from './ip-macsec-words.ts';
import {
  type Found,
  type FoundGre,
  type FoundKey,
  type FoundLink,
  type FoundMacsec,
  type FoundSa,
  type KernelSite,
  newGre,
  newLink,
  newMacsec,
  newSa,
  newSite,
  type Remark,
  remark,
  shown,
} from './kernel-site.ts';
import { lastValue, parseUnit, type UnitSection } from './unit-text.ts';
import { canonicalMac } from './words.ts';

export interface NetworkdFile {
  /** `10-gretap1.netdev`. */
  readonly name: string;
  readonly text: string;
}

/** Files that stand in one text, each behind a line `# NAME.netdev` or `# NAME.network`, as export prints them. */
export function splitNetworkdFiles(text: string, name: string): NetworkdFile[] {
  const marks = [...text.matchAll(/^# ?(?:\/\S*\/)?([^\s/]+\.(?:netdev|network|link))$/gm)];
  if (marks.length === 0) return [{ name: nameFor(name, text), text }];
  return marks.map((mark, i) => ({
    name: mark[1]!,
    text: text.slice(mark.index + mark[0].length, marks[i + 1]?.index),
  }));
}

/** Of a text without a name (standard input). */
function nameFor(name: string, text: string): string {
  if (/\.(netdev|network|link)$/.test(name)) return name;
  return /^\s*\[NetDev\]\s*$/m.test(text) ? `${name}.netdev` : `${name}.network`;
}

export function readNetworkd(files: readonly NetworkdFile[]): Found {
  const reader = new NetworkdReader();
  // A .network speaks of links that a .netdev makes.
  for (const file of files.filter(({ name }) => name.endsWith('.netdev'))) reader.netdev(file);
  for (const file of files.filter(({ name }) => name.endsWith('.network'))) reader.network(file);
  return reader.found();
}

/** Sections by name. */
type Sections = (name: string) => readonly UnitSection[];

class NetworkdReader {
  readonly #site: KernelSite = newSite(null);
  readonly #remarks: Remark[] = [];

  found(): Found {
    return { sites: [this.#site], remarks: this.#remarks };
  }

  netdev(file: NetworkdFile): void {
    const sections = this.#sections(file);
    const kind = lastValue(sections('NetDev'), 'Kind') ?? '';
    const name = lastValue(sections('NetDev'), 'Name') ?? '';
    if (kind === 'fou') {
      this.#fou(sections);
      return;
    }
    const link = newLink(name, file.name, kind);
    link.mac = this.#mac(lastValue(sections('NetDev'), 'MACAddress'), file.name);
    link.mtu = this.#number(lastValue(sections('NetDev'), 'MTUBytes'), 'MTUBytes', file.name);
    if (kind === 'gretap' || kind === 'ip6gretap')
      link.gre = this.#gre(sections('Tunnel'), kind === 'gretap' ? 4 : 6, file.name);
    if (kind === 'macsec') link.macsec = this.#macsec(sections, link, file.name);
    this.#site.links.set(name, link);
  }

  network(file: NetworkdFile): void {
    const sections = this.#sections(file);
    const match = lastValue(sections('Match'), 'Name');
    const link = match === null ? undefined : this.#site.links.get(match);
    const macsecs = sections('Network').flatMap(({ entries }) =>
      entries.filter(({ name }) => name === 'MACsec'),
    );
    for (const { value, line } of macsecs) {
      const above = this.#site.links.get(value);
      if (above === undefined || match === null)
        this.#say(`${file.name}:${line}`, `MACsec=${value} is left out: no .netdev makes it`);
      else above.below = match;
    }
    if (link === undefined) return;
    link.master = lastValue(sections('Network'), 'Bridge');
    link.hasAddresses ||=
      sections('Address').length > 0 ||
      lastValue(sections('Network'), 'Address') !== null ||
      isDhcp(sections);
    this.#port(link, sections, file.name);
  }

  #sections(file: NetworkdFile): Sections {
    const { sections, strangeLines } = parseUnit(file.text);
    for (const line of strangeLines)
      this.#say(`${file.name}:${line}`, 'is no line of a unit, and is left out');
    return (name) => sections.filter((section) => section.name === name);
  }

  #fou(sections: Sections): void {
    const fou = sections('FooOverUDP');
    const port = Number(lastValue(fou, 'Port'));
    const isGre = ['gre', '47'].includes(lastValue(fou, 'Protocol') ?? '');
    if (isGre && port >= 1 && port <= 65535) this.#site.fouPorts.add(port);
  }

  #gre(sections: readonly UnitSection[], family: 4 | 6, where: string): FoundGre {
    const gre = newGre(family);
    for (const { entries } of sections) {
      for (const { name, value, line } of entries) this.#greEntry(gre, name, value, `${where}:${line}`);
    }
    return gre;
  }

  #greEntry(gre: FoundGre, name: string, value: string, where: string): void {
    const number = (): number | null => this.#number(value, name, where);
    const isOn = (): boolean => this.#boolean(value, name, where);
    if (name === 'Local') gre.local = addressOrAny(value);
    else if (name === 'Remote') gre.remote = addressOrAny(value);
    else if (name === 'TTL') gre.ttl = value === 'inherit' ? 'inherit' : number() || 'inherit';
    else if (name === 'TOS') gre.tos = number() ?? 0;
    else if (name === 'Key') gre.inKey = gre.outKey = greKey(value) ?? number();
    else if (name === 'InputKey') gre.inKey = greKey(value) ?? number();
    else if (name === 'OutputKey') gre.outKey = greKey(value) ?? number();
    else if (name === 'DiscoverPathMTU') gre.pmtudisc = isOn();
    else if (name === 'FooOverUDP')
      gre.encap = isOn() ? { type: 'fou', port: 0, sourcePort: 'auto', ...gre.encap } : null;
    else if (name === 'Encapsulation')
      gre.encap = { port: 0, sourcePort: 'auto', ...gre.encap, type: value === 'FooOverUDP' ? 'fou' : 'gue' };
    else if (name === 'FOUDestinationPort')
      gre.encap = { type: 'fou', sourcePort: 'auto', ...gre.encap, port: number() ?? 0 };
    else if (name === 'FOUSourcePort')
      gre.encap = { type: 'fou', port: 0, ...gre.encap, sourcePort: number() || 'auto' };
    else if (!UNHEEDED.has(name))
      this.#say(where, `${shown(`${name}=`)} is left out: l2vpnd has no such setting`);
  }

  #macsec(sections: Sections, link: FoundLink, where: string): FoundMacsec {
    const macsec = newMacsec();
    macsec.encrypt = this.#boolean(lastValue(sections('MACsec'), 'Encrypt') ?? 'no', 'Encrypt', where);
    macsec.port = this.#number(lastValue(sections('MACsec'), 'Port'), 'Port', where) ?? macsec.port;
    if (link.mac !== null) macsec.sci = sciOf(link.mac, macsec.port);
    for (const section of sections('MACsecReceiveChannel')) this.#channel(macsec, section, where);
    for (const section of sections('MACsecTransmitAssociation')) this.#transmit(macsec, section, where);
    for (const section of sections('MACsecReceiveAssociation')) this.#receive(macsec, section, where);
    return macsec;
  }

  #channel(macsec: FoundMacsec, section: UnitSection, where: string): FoundMacsec['rxSc'][number] | null {
    const at = `${where}:${section.line}`;
    const mac = this.#mac(lastValue([section], 'MACAddress'), at);
    const port = this.#number(lastValue([section], 'Port'), 'Port', at);
    if (mac === null || port === null) {
      this.#say(at, `[${section.name}] is left out: it needs Port= and MACAddress=`);
      return null;
    }
    const sci = sciOf(mac, port);
    const known = macsec.rxSc.find((sc) => sc.sci === sci);
    if (known !== undefined) return known;
    const made = { sci, active: true, sa: [] };
    macsec.rxSc.push(made);
    return made;
  }

  /** networkd counts the ANs itself, in the order of the sections. */
  #transmit(macsec: FoundMacsec, section: UnitSection, where: string): void {
    const sa = this.#sa(section, macsec.txSa.length, where);
    if (sa === null) return;
    if (this.#boolean(lastValue([section], 'UseForEncoding') ?? 'no', 'UseForEncoding', where)) {
      macsec.encodingSa = sa.an;
      sa.active = true;
    }
    macsec.txSa.push(sa);
  }

  #receive(macsec: FoundMacsec, section: UnitSection, where: string): void {
    const channel = this.#channel(macsec, section, where);
    const sa = channel === null ? null : this.#sa(section, channel.sa.length, where);
    if (sa !== null) channel!.sa.push(sa);
  }

  #sa(section: UnitSection, an: number, where: string): FoundSa | null {
    const at = `${where}:${section.line}`;
    if (an > 3) {
      this.#say(at, `[${section.name}] is left out: it is the fifth, and there are four ANs`);
      return null;
    }
    const pn = this.#number(lastValue([section], 'PacketNumber'), 'PacketNumber', at);
    return {
      ...newSa(an),
      pn: pn === null || pn < 1 ? 1n : BigInt(pn),
      active: this.#boolean(lastValue([section], 'Activate') ?? 'no', 'Activate', at),
      keyId: keyIdOf(lastValue([section], 'KeyId') ?? ''),
      key: this.#key(section, at),
    };
  }

  #key(section: UnitSection, at: string): FoundKey {
    const file = lastValue([section], 'KeyFile');
    if (file !== null) return { file };
    const key = lastValue([section], 'Key') ?? '';
    if (/^[0-9a-fA-F]{32}$/.test(key)) return { hex: key.toLowerCase() };
    this.#say(at, `Key= has ${key.length} characters and is not 32 hex digits; it is left out`);
    return null;
  }

  #port({ port }: FoundLink, sections: Sections, where: string): void {
    const bridge = sections('Bridge');
    port.isolated = this.#boolean(lastValue(bridge, 'Isolated') ?? 'no', 'Isolated', where);
    port.cost = this.#number(lastValue(bridge, 'Cost'), 'Cost', where);
    port.priority = this.#number(lastValue(bridge, 'Priority'), 'Priority', where);
    const other = bridge
      .flatMap(({ entries }) => entries)
      .find(({ name }) => !['Isolated', 'Cost', 'Priority'].includes(name));
    if (other !== undefined)
      this.#say(
        `${where}:${other.line}`,
        `${shown(`${other.name}=`)} is left out: l2vpnd sets isolated, cost and priority alone`,
      );
    for (const section of sections('BridgeVLAN')) port.vlans.push(...this.#vlans(section, where));
  }

  #vlans(section: UnitSection, where: string): FoundLink['port']['vlans'] {
    const [vlan, untagged, pvid] = ['VLAN', 'EgressUntagged', 'PVID'].map((name) =>
      lastValue([section], name),
    );
    const ranges = [vlan, untagged, pvid].flatMap((text) => rangeOf(text) ?? []);
    const all = new Map(ranges.map((range) => [`${range.first}-${range.last}`, range]));
    if (all.size === 0)
      this.#say(`${where}:${section.line}`, '[BridgeVLAN] is left out: no VLAN from 1 to 4094 is in it');
    return [...all].map(([key, range]) => ({
      ...range,
      pvid: key === keyOf(rangeOf(pvid)),
      untagged: key === keyOf(rangeOf(untagged)),
    }));
  }

  #mac(text: string | null, where: string): string | null {
    if (text === null || text === 'none') return null;
    if (/^[0-9a-f]{1,2}(:[0-9a-f]{1,2}){5}$/i.test(text)) return canonicalMac(text);
    this.#say(where, `MACAddress=${shown(text)} is no MAC address in colons, and is left out`);
    return null;
  }

  #number(text: string | null, name: string, where: string): number | null {
    if (text === null) return null;
    if (/^(?:0x[0-9a-f]{1,8}|[0-9]{1,10})$/i.test(text)) return Number(text);
    this.#say(where, `${name}=${shown(text)} is no whole number, and is left out`);
    return null;
  }

  #boolean(text: string, name: string, where: string): boolean {
    const word = text.toLowerCase();
    if (['1', 'yes', 'y', 'true', 't', 'on'].includes(word)) return true;
    if (!['0', 'no', 'n', 'false', 'f', 'off', ''].includes(word))
      this.#say(where, `${name}=${shown(text)} is neither yes nor no, and is left out`);
    return false;
  }

  #say(where: string, text: string): void {
    this.#remarks.push(remark(where, text));
  }
}

/** Settings of [Tunnel] that change no packet of ours. */
const UNHEEDED = new Set(['Independent', 'AssignToLoopback', 'EncapsulationLimit', 'AllowLocalRemote']);

function isDhcp(sections: Sections): boolean {
  return !['no', null].includes(lastValue(sections('Network'), 'DHCP'));
}

function addressOrAny(value: string): string | null {
  return ['any', 'ipv4_link_local', ''].includes(value) ? null : value.replace(/\/\d+$/, '');
}

interface Range {
  readonly first: number;
  readonly last: number;
}

function rangeOf(text: string | null | undefined): Range | null {
  const [, from, to] = /^([0-9]{1,4})(?:-([0-9]{1,4}))?$/.exec(text ?? '') ?? [];
  const range = { first: Number(from), last: Number(to ?? from) };
  return range.first >= 1 && range.first <= range.last && range.last <= 4094 ? range : null;
}

function keyOf(range: Range | null): string | null {
  return range === null ? null : `${range.first}-${range.last}`;
}
