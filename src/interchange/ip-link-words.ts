/** `ip link`, `ip address` and `ip fou` as iproute2 reads them (`ip/iplink.c`, `link_gre.c`, `ipmacsec.c`, `ipfou.c`). */
import { sciOf } from '../wire/sci.ts';
import { bridgeSlaveWords } from './bridge-words.ts';
import { greWords } from './gre-words.ts';
import { macsecLinkWords } from './ip-macsec-words.ts';
import { type FoundLink, type KernelSite, newGre, newLink, newMacsec, shown } from './kernel-site.ts';
import { isShort, type Words } from './words.ts';

type SiteOf = (netns: string) => KernelSite;

/** What follows `ip link`. False: nothing that is understood here. */
export function linkCommand(words: Words, site: KernelSite, siteOf: SiteOf): boolean {
  const command = words.next();
  if (isShort(command, 'add', 1)) addLink(words, site, siteOf);
  else if (isShort(command, 'set', 1) || isShort(command, 'change', 1)) setLink(words, site, siteOf);
  else if (isShort(command, 'delete', 1)) site.links.delete(deviceOf(words));
  else return isShort(command, 'show', 2) || isShort(command, 'list', 2) || command === '';
  return true;
}

interface NewLink {
  name: string;
  below: string | null;
  mac: string | null;
  mtu: number | null;
  master: string | null;
  netns: string | null;
}

function addLink(words: Words, site: KernelSite, siteOf: SiteOf): void {
  const made: NewLink = { name: '', below: null, mac: null, mtu: null, master: null, netns: null };
  while (words.left) {
    const word = words.next();
    if (word === 'type') break;
    if (word === 'link') made.below = words.next();
    else if (word === 'name' || word === 'dev') made.name = words.next();
    else if (word === 'netns') made.netns = words.next();
    else if (word === 'master') made.master = words.next();
    else if (word === 'address') made.mac = words.mac('address');
    else if (word === 'mtu') made.mtu = words.number('mtu', 68, 65535);
    else if (UNHEEDED.has(word)) words.next();
    else if (word !== 'up' && word !== 'down') made.name = word;
  }
  const kind = words.next();
  const into = made.netns === null ? site : siteOf(made.netns);
  const link = newLink(made.name, words.where, kind);
  Object.assign(link, { below: made.below, mac: made.mac, mtu: made.mtu, master: made.master });
  fillKind(link, words, site);
  if (link.name === '') words.say(`a link of type ${shown(kind)} without a name is left out`);
  else into.links.set(link.name, link);
}

/** Options of `ip link add` with a value that nobody here needs. */
const UNHEEDED = new Set([
  'txqueuelen',
  'qlen',
  'txqlen',
  'broadcast',
  'brd',
  'index',
  'numtxqueues',
  'numrxqueues',
  'group',
  'alias',
]);

/** What follows `type KIND`. */
function fillKind(link: FoundLink, words: Words, site: KernelSite): void {
  if (link.kind === 'gretap' || link.kind === 'ip6gretap') {
    link.gre = newGre(link.kind === 'gretap' ? 4 : 6);
    greWords(words, link.gre);
  } else if (link.kind === 'macsec') {
    link.macsec = newMacsec();
    // As the kernel does when it makes the device.
    link.mac ??= site.links.get(link.below ?? '')?.mac ?? null;
    macsecLinkWords(words, link.macsec);
    if (link.macsec.sci === null && link.mac !== null) link.macsec.sci = sciOf(link.mac, link.macsec.port);
  }
}

function setLink(words: Words, site: KernelSite, siteOf: SiteOf): void {
  const name = deviceOf(words);
  const link = site.links.get(name) ?? newLink(name, words.where, 'unknown');
  site.links.set(name, link);
  while (words.left) setting(words.next(), words, { name, link, site, siteOf });
}

interface SetLink {
  readonly name: string;
  readonly link: FoundLink;
  readonly site: KernelSite;
  readonly siteOf: SiteOf;
}

function setting(word: string, words: Words, { name, link, site, siteOf }: SetLink): void {
  if (word === 'master') link.master = words.next();
  else if (word === 'nomaster') link.master = null;
  else if (word === 'address') link.mac = words.mac('address') ?? link.mac;
  else if (word === 'mtu') link.mtu = words.number('mtu', 68, 65535) ?? link.mtu;
  else if (word === 'name') rename(link, words.next(), site);
  else if (word === 'netns') move(link, name, site, siteOf(words.next()));
  else if (word === 'type') changeKind(words, link);
  else if (word !== 'up' && word !== 'down' && (link.gre !== null || link.macsec !== null)) {
    words.say(`"ip link set ${shown(name).slice(1, -1)}": ${shown(word)} is left out`);
  }
}

function rename(link: FoundLink, name: string, site: KernelSite): void {
  site.links.delete(link.name);
  site.links.set(name, { ...link, name });
  for (const other of site.links.values()) {
    if (other.below === link.name) other.below = name;
    if (other.master === link.name) other.master = name;
  }
}

function move(link: FoundLink, name: string, from: KernelSite, to: KernelSite): void {
  if (from === to) return;
  from.links.delete(name);
  to.links.set(name, link);
}

/** `ip link set DEV type KIND …`. */
function changeKind(words: Words, link: FoundLink): void {
  const kind = words.next();
  if (kind === 'macsec' && link.macsec !== null) macsecLinkWords(words, link.macsec);
  else if (/^(ip6)?gretap$/.test(kind) && link.gre !== null) greWords(words, link.gre);
  else if (kind === 'bridge_slave') bridgeSlaveWords(words, link.port);
  else while (words.left) words.next();
}

/** `[dev] NAME`. */
function deviceOf(words: Words): string {
  words.skip('dev');
  return words.next();
}

/** What follows `ip address`: only that somebody gives some to a link. */
export function addressCommand(words: Words, site: KernelSite): boolean {
  const command = words.next();
  if (!isShort(command, 'add', 1) && !isShort(command, 'replace', 1)) return true;
  while (words.left && words.peek() !== 'dev') words.next();
  words.next();
  const link = site.links.get(words.next());
  if (link !== undefined) link.hasAddresses = true;
  return true;
}

/** `ip fou add port PORT ipproto 47`. */
export function fouCommand(words: Words, site: KernelSite): boolean {
  if (!isShort(words.next(), 'add', 1)) return true;
  let [port, isGre]: [number | null, boolean] = [null, false];
  while (words.left) {
    const word = words.next();
    if (word === 'port') port = words.number('port', 1, 65535);
    else if (word === 'ipproto') isGre = ['47', 'gre'].includes(words.next());
  }
  if (port !== null && isGre) site.fouPorts.add(port);
  return true;
}
