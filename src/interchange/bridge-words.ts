/** `bridge`, `brctl` and `ip link … type bridge_slave`: which port of which bridge a link is, and how. */
import { type FoundPort, type FoundVlan, type KernelSite, newLink, shown } from './kernel-site.ts';
import type { Words } from './words.ts';

/** What follows `brctl`. */
export function brctlCommand(words: Words, site: KernelSite): boolean {
  const command = words.next();
  const bridge = words.next();
  if (command === 'addbr') site.links.set(bridge, newLink(bridge, words.where, 'bridge'));
  else if (command === 'addif') {
    for (const name of restOf(words)) {
      const link = site.links.get(name) ?? newLink(name, words.where, 'unknown');
      link.master = bridge;
      site.links.set(name, link);
    }
  } else return ['stp', 'setfd', 'sethello', 'show'].includes(command);
  return true;
}

function* restOf(words: Words): Generator<string> {
  while (words.left) yield words.next();
}

/** What follows `bridge`. */
export function bridgeCommand(words: Words, site: KernelSite): boolean {
  const [object, command] = [words.next(), words.next()];
  if (object === 'link' && command === 'set') return portCommand(words, site);
  if (object === 'vlan' && (command === 'add' || command === 'del')) return vlanCommand(command, words, site);
  return false;
}

function portCommand(words: Words, site: KernelSite): boolean {
  const port = portOf(words, site);
  if (port === null) return false;
  bridgeSlaveWords(words, port);
  return true;
}

/** `isolated on`, `cost 5`, `priority 8`; the others are told. */
export function bridgeSlaveWords(words: Words, port: FoundPort): void {
  while (words.left) {
    const word = words.next();
    if (word === 'isolated') port.isolated = words.onOff(word) ?? port.isolated;
    else if (word === 'cost') port.cost = words.number(word, 1, 65_535);
    else if (word === 'priority') port.priority = words.number(word, 0, 63);
    else if (word !== 'self' && word !== 'master') {
      words.say(
        `${shown(word)} of the bridge's port is left out: l2vpnd sets isolated, cost and priority alone`,
      );
      words.next();
    }
  }
}

function vlanCommand(command: string, words: Words, site: KernelSite): boolean {
  const port = portOf(words, site);
  if (port === null) return false;
  let vids: { first: number; last: number } | null = null;
  const flags = { pvid: false, untagged: false };
  while (words.left) {
    const word = words.next();
    if (word === 'vid') vids = vidsOf(words);
    else if (word === 'pvid') flags.pvid = true;
    else if (word === 'untagged') flags.untagged = true;
  }
  if (vids === null) return true;
  const { first, last } = vids;
  port.vlans = port.vlans.flatMap((one) => without(one, first, last));
  if (command === 'add') port.vlans.push({ first, last, ...flags });
  return true;
}

/** What is left of `vlan` when `first` to `last` are taken away. */
function without(vlan: FoundVlan, first: number, last: number): FoundVlan[] {
  const below = { ...vlan, last: Math.min(vlan.last, first - 1) };
  const above = { ...vlan, first: Math.max(vlan.first, last + 1) };
  return [below, above].filter((one) => one.first <= one.last);
}

function vidsOf(words: Words): { first: number; last: number } | null {
  const text = words.next();
  const [, from, to] = /^([0-9]{1,4})(?:-([0-9]{1,4}))?$/.exec(text) ?? [];
  const vids = { first: Number(from), last: Number(to ?? from) };
  if (vids.first >= 1 && vids.first <= vids.last && vids.last <= 4094) return vids;
  words.say(`vid ${shown(text)} is no VLAN from 1 to 4094 and no range of them, and is left out`);
  return null;
}

/** `dev NAME`, which comes first here; null: no such link. */
function portOf(words: Words, site: KernelSite): FoundPort | null {
  if (!words.skip('dev')) return null;
  return site.links.get(words.next())?.port ?? null;
}
