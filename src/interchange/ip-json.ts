/**
 * What `ip -d -j link` and `ip -j macsec show` print, in one text or several: lists of links, and of SecYs. Links are
 * told by `ifname`, a SecY by its `sa_list`. The kernel shows no key.
 */
import { L2vpnError } from '../errors.ts';
import { pnFromJson } from '../macsec/pn-json.ts';
import { greKey } from './gre-words.ts';
import { keyIdOf } from './ip-macsec-words.ts';
import {
  type Found,
  type FoundGre,
  type FoundLink,
  type FoundMacsec,
  type FoundPort,
  type FoundSa,
  type KernelSite,
  newGre,
  newLink,
  newMacsec,
  newSa,
  newSite,
  type Remark,
  remark,
} from './kernel-site.ts';
import { canonicalMac } from './words.ts';

type Json = Readonly<Record<string, unknown>>;

/** Throws L2VPN_DATA where a text is no JSON, or of another shape. */
export function readIpJson(texts: readonly { text: string; source: string }[]): Found {
  const remarks: Remark[] = [];
  const site = newSite(null, true);
  const entries = texts.flatMap(({ text, source }) => listsIn(text, source).flat());
  for (const entry of entries) {
    if (!('sa_list' in entry) && typeof entry.ifname === 'string') addLink(site, entry);
  }
  sayFilters(site, entries, remarks);
  const shown = entries.filter((entry) => 'sa_list' in entry && typeof entry.ifname === 'string');
  for (const entry of shown) addSecY(site, entry, remarks);
  for (const { name, macsec } of site.links.values()) {
    if (macsec !== null && !shown.some(({ ifname }) => ifname === name))
      remarks.push(remark(name, 'has no SAs here: give what "ip -j macsec show" prints too'));
  }
  return { sites: [site], remarks };
}

/** Links do not list the VLANs of a port. */
function sayFilters(site: KernelSite, entries: readonly Json[], remarks: Remark[]): void {
  const filters = (entry: Json): boolean =>
    numberAt(objectAt(objectAt(entry, 'linkinfo'), 'info_data'), 'vlan_filtering') === 1;
  const bridges = new Set(entries.filter(filters).map(({ ifname }) => ifname));
  for (const { name, master, gre, macsec } of site.links.values()) {
    if ((gre === null && macsec === null) || !bridges.has(master)) continue;
    const text = `${master} filters VLANs, which are not in here: set "tap.vlans" to what "bridge vlan show dev ${name}" says`;
    remarks.push(remark(name, text));
  }
}

/** The lists that stand in `text` one after the other, as two commands print them into one file. */
function listsIn(text: string, source: string): Json[][] {
  const parts = topLevel(text);
  if (parts.length === 0) throw new L2vpnError('L2VPN_DATA', `${source} is empty`);
  return parts.map((part) => {
    const value = parsed(part, source);
    const list = Array.isArray(value) ? value : [value];
    if (list.every(isObject)) return list;
    throw new L2vpnError(
      'L2VPN_DATA',
      `${source}: not what "ip -d -j link" or "ip -j macsec show" prints: a list of objects`,
    );
  });
}

function parsed(part: string, source: string): unknown {
  try {
    return JSON.parse(part);
  } catch {
    // The message would repeat the text.
    throw new L2vpnError('L2VPN_DATA', `${source}: not valid JSON`);
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `text` cut behind each list or object that begins at its top. */
function topLevel(text: string): string[] {
  const parts: string[] = [];
  let [depth, start, inString] = [0, 0, false];
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (inString) {
      if (char === '\\') at++;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === '[' || char === '{') depth++;
    else if ((char === ']' || char === '}') && --depth <= 0) {
      parts.push(text.slice(start, at + 1));
      [start, depth] = [at + 1, 0];
    }
  }
  const rest = text.slice(start);
  return rest.trim() === '' ? parts : [...parts, rest];
}

function addLink(site: KernelSite, entry: Json): void {
  const name = String(entry.ifname);
  const info = objectAt(entry, 'linkinfo');
  const kind = stringAt(info, 'info_kind') ?? 'device';
  const link = newLink(name, name, kind);
  const data = objectAt(info, 'info_data');
  // What the module makes when it is loaded, and what takes packets of no other.
  if (name === 'gretap0' && addressAt(data, 'remote') === null) return;
  link.below = stringAt(entry, 'link');
  link.master = stringAt(entry, 'master');
  link.mac = macAt(entry, 'address');
  if (stringAt(info, 'info_slave_kind') === 'bridge') link.port = portOf(objectAt(info, 'info_slave_data'));
  if (kind === 'gretap' || kind === 'ip6gretap') link.gre = greOf(data, kind === 'gretap' ? 4 : 6);
  if (kind === 'macsec') link.macsec = macsecOf(data);
  site.links.set(name, link);
}

function greOf(data: Json, family: 4 | 6): FoundGre {
  const { ttl } = data;
  return {
    ...newGre(family),
    local: addressAt(data, 'local'),
    remote: addressAt(data, 'remote'),
    ttl: typeof ttl === 'number' && ttl > 0 ? ttl : 'inherit',
    tos: tosOf(data.tos ?? data.tclass),
    inKey: keyAt(data, 'ikey'),
    outKey: keyAt(data, 'okey'),
    inChecksum: flagAt(data, 'icsum') ?? false,
    outChecksum: flagAt(data, 'ocsum') ?? false,
    pmtudisc: flagAt(data, 'pmtudisc') ?? true,
    encap: encapOf(data),
  };
}

function tosOf(value: unknown): number | 'inherit' {
  if (value === 'inherit') return 'inherit';
  const tos = typeof value === 'string' ? Number.parseInt(value.replace(/^0x/, ''), 16) : Number(value ?? 0);
  return tos >= 0 && tos <= 255 ? (tos === 1 ? 'inherit' : tos) : 0;
}

function encapOf(data: Json): FoundGre['encap'] {
  const encap = objectAt(data, 'encap');
  const type = stringAt(encap, 'type') ?? 'none';
  if (type === 'none') return null;
  const { sport, dport } = encap;
  return {
    type,
    sourcePort: typeof sport === 'number' && sport > 0 ? sport : 'auto',
    port: typeof dport === 'number' ? dport : 0,
  };
}

function macsecOf(data: Json): FoundMacsec {
  const base = newMacsec();
  const number = (name: string, otherwise: number): number => numberAt(data, name) ?? otherwise;
  const flag = (name: string, otherwise: boolean): boolean => flagAt(data, name) ?? otherwise;
  return {
    ...base,
    sci: sciAt(data, 'sci'),
    cipher: (stringAt(data, 'cipher_suite') ?? base.cipher).toLowerCase(),
    icvLen: number('icv_len', base.icvLen),
    encodingSa: number('encoding_sa', base.encodingSa),
    protect: flag('protect', base.protect),
    encrypt: flag('encrypt', base.encrypt),
    sendSci: flag('inc_sci', base.sendSci),
    endStation: flag('es', base.endStation),
    scb: flag('scb', base.scb),
    replay: flag('replay_protect', base.replay),
    window: number('window', base.window),
    validate: stringAt(data, 'validation') ?? base.validate,
  };
}

function portOf(data: Json): FoundPort {
  const [cost, priority] = [numberAt(data, 'cost'), numberAt(data, 'priority')];
  return {
    isolated: flagAt(data, 'isolated') ?? false,
    // What the kernel gives to a port that has no speed.
    cost: cost === 100 || cost === 2 ? null : cost,
    priority: priority === 32 ? null : priority,
    vlans: [],
  };
}

/** The SAs that `ip -j macsec show` lists. */
function addSecY(site: KernelSite, entry: Json, remarks: Remark[]): void {
  const name = String(entry.ifname);
  const link: FoundLink | undefined = site.links.get(name);
  if (link?.macsec === undefined || link.macsec === null) {
    remarks.push(remark(name, 'is left out: give what "ip -d -j link" prints too, which says what it is on'));
    return;
  }
  const { macsec } = link;
  macsec.sci = sciAt(entry, 'sci') ?? macsec.sci;
  macsec.encodingSa = numberAt(entry, 'encoding_sa') ?? macsec.encodingSa;
  macsec.icvLen = numberAt(entry, 'icv_length') ?? macsec.icvLen;
  macsec.txSa = listAt(entry, 'sa_list').map(saOf);
  if (macsec.txSa.some(({ ssci }) => ssci !== null))
    remarks.push(
      remark(
        name,
        'the kernel does not show the salt of XPN: import the script that made it, or write "salt" by hand',
      ),
    );
  macsec.rxSc = listAt(entry, 'rx_sc').flatMap((sc) => {
    const sci = sciAt(sc, 'sci');
    if (sci === null) return [];
    return [{ sci, active: flagAt(sc, 'active') ?? stateOf(sc), sa: listAt(sc, 'sa_list').map(saOf) }];
  });
}

function stateOf(entry: Json): boolean {
  return entry.state !== 'off';
}

function saOf(entry: Json): FoundSa {
  const pn = pnFromJson(entry.pn);
  return {
    ...newSa(numberAt(entry, 'an') ?? 0),
    pn: pn === null || pn < 1n ? 1n : pn,
    active: flagAt(entry, 'active') ?? stateOf(entry),
    keyId: keyIdOf(stringAt(entry, 'key') ?? ''),
    ssci: typeof entry.ssci === 'string' ? Number.parseInt(entry.ssci, 16) : numberAt(entry, 'ssci'),
  };
}

function objectAt(value: Json, name: string): Json {
  const found = value[name];
  return isObject(found) ? found : {};
}

function listAt(value: Json, name: string): Json[] {
  const found = value[name];
  return Array.isArray(found) ? found.filter(isObject) : [];
}

function stringAt(value: Json, name: string): string | null {
  const found = value[name];
  return typeof found === 'string' ? found : null;
}

function numberAt(value: Json, name: string): number | null {
  const found = value[name];
  return typeof found === 'number' && Number.isSafeInteger(found) ? found : null;
}

/** `true`, or `"on"` as older ones print it. */
function flagAt(value: Json, name: string): boolean | null {
  const found = value[name];
  if (typeof found === 'boolean') return found;
  return found === 'on' || found === 'off' ? found === 'on' : null;
}

function macAt(value: Json, name: string): string | null {
  const found = stringAt(value, name);
  return found !== null && /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(found) ? canonicalMac(found) : null;
}

function addressAt(value: Json, name: string): string | null {
  const found = stringAt(value, name);
  return found === 'any' || found === '0.0.0.0' || found === '::' ? null : found;
}

function sciAt(value: Json, name: string): string | null {
  const digits = stringAt(value, name)?.replace(/^0x/, '').toLowerCase() ?? '';
  return /^[0-9a-f]{1,16}$/.test(digits) ? digits.padStart(16, '0') : null;
}

function keyAt(value: Json, name: string): number | null {
  const found = value[name];
  return typeof found === 'string' ? greKey(found) : numberAt(value, name);
}
