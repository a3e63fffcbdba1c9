/** All links of this network namespace, as the kernel tells of them now (linux/if_link.h). */
import { readFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { linkIndex } from './link.ts';
import {
  AF_UNSPEC,
  askLink,
  attributesIn,
  LinkRequest,
  linkAttributes,
  linkRequest,
  u32In,
} from './rtnetlink.ts';

export interface LinkSeen {
  readonly index: number;
  readonly ifname: string;
  /** `bridge`, `veth`, `gretap` …; empty for a physical one. */
  readonly kind: string;
  readonly mtu: number;
  readonly isUp: boolean;
  /** What is plugged in is there: false for a cable that is out, and while the link is down. */
  readonly hasCarrier: boolean;
  /** Index of the bridge or bond that it is in; 0: in none. */
  readonly master: number;
  /** Outer addresses of a GRE device of the kernel; null for all other links. */
  readonly gre: { readonly local: string; readonly remote: string } | null;
}

const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_MASTER = 10;
const IFLA_LINKINFO = 18;
const IFLA_CARRIER = 33;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_GRE_LOCAL = 6;
const IFLA_GRE_REMOTE = 7;
const IFF_UP = 1;
const OFF_FLAGS = 24;
const GRE_KINDS = ['gre', 'gretap', 'erspan'];

/** By /proc/net/dev, which is of this process's namespace wherever /sys is from. What goes meanwhile is left out. */
export function allLinks(): LinkSeen[] {
  const names = [...readFileSync('/proc/net/dev', 'latin1').matchAll(/^ *([^\s:]+):/gm)].map(
    ([, name]) => name!,
  );
  return names.flatMap((name) => {
    const index = linkIndex(name);
    const link = index === 0 ? null : linkSeen(index);
    return link === null ? [] : [link];
  });
}

function linkSeen(index: number): LinkSeen | null {
  try {
    return linkIn(index, askLink(linkRequest(LinkRequest.Get, AF_UNSPEC, index, []), 'RTM_GETLINK'));
  } catch {
    return null;
  }
}

/** What the answer to RTM_GETLINK says. */
export function linkIn(index: number, answer: Buffer): LinkSeen {
  const found = linkAttributes(answer);
  const info = attributesIn(found.get(IFLA_LINKINFO) ?? Buffer.alloc(0));
  const kind = textIn(info.get(IFLA_INFO_KIND));
  const data = attributesIn(info.get(IFLA_INFO_DATA) ?? Buffer.alloc(0));
  return {
    index,
    ifname: textIn(found.get(IFLA_IFNAME)),
    kind,
    mtu: u32In(found.get(IFLA_MTU)),
    isUp: (u32In(answer.subarray(OFF_FLAGS, OFF_FLAGS + 4)) & IFF_UP) !== 0,
    hasCarrier: found.get(IFLA_CARRIER)?.[0] === 1,
    master: u32In(found.get(IFLA_MASTER)),
    gre: GRE_KINDS.includes(kind)
      ? { local: addressIn(data.get(IFLA_GRE_LOCAL)), remote: addressIn(data.get(IFLA_GRE_REMOTE)) }
      : null,
  };
}

function textIn(payload: Buffer | undefined): string {
  return payload?.toString('latin1').replace(/\0.*$/s, '') ?? '';
}

/** Empty where it is no IPv4 address. */
function addressIn(payload: Buffer | undefined): string {
  const text = payload?.join('.') ?? '';
  return isIPv4(text) ? text : '';
}
