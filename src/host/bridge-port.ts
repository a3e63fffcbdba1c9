/**
 * A link as a port of a Linux bridge: isolation, STP cost and priority, VLANs; as `ip link set … type bridge_slave` and
 * `bridge vlan` set them (linux/if_link.h, linux/if_bridge.h).
 */
import { errnoName } from '../errors.ts';
import {
  AF_BRIDGE,
  AF_UNSPEC,
  type Attribute,
  askLink,
  attributesIn,
  LinkRequest,
  linkAttributes,
  linkRequest,
  nested,
  u8,
  u16In,
  u16s,
  u32,
  u32In,
} from './rtnetlink.ts';

/** VLANs of a port: those from `first` to `last`. */
export interface PortVlan {
  readonly first: number;
  readonly last: number;
  /** What comes in untagged belongs to it; then it is one VLAN. */
  readonly pvid: boolean;
  /** It leaves the port untagged. */
  readonly untagged: boolean;
}

/** Of STP. */
export interface PortStp {
  readonly cost: number;
  readonly priority: number;
}

export const PORT_STATES = ['disabled', 'listening', 'learning', 'forwarding', 'blocking'] as const;
export type PortState = (typeof PORT_STATES)[number];

/** What the kernel tells of a port. */
export interface BridgePortInfo extends PortStp {
  readonly isolated: boolean;
  readonly state: PortState;
}

export interface BridgeInfo {
  readonly filtersVlans: boolean;
  /** The VLAN that a new port is in; 0: in none. Also 0 where this kernel has no VLANs of bridges. */
  readonly defaultPvid: number;
}

const IFLA_PROTINFO = 12;
const IFLA_LINKINFO = 18;
const IFLA_AF_SPEC = 26;
const IFLA_EXT_MASK = 29;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_INFO_SLAVE_KIND = 4;
const IFLA_INFO_SLAVE_DATA = 5;
const IFLA_BRPORT_STATE = 1;
const IFLA_BRPORT_PRIORITY = 2;
const IFLA_BRPORT_COST = 3;
const IFLA_BRPORT_ISOLATED = 33;
const IFLA_BR_VLAN_FILTERING = 7;
const IFLA_BR_VLAN_DEFAULT_PVID = 39;
const IFLA_BRIDGE_VLAN_INFO = 2;
const RTEXT_FILTER_SKIP_STATS = 8;
const VLAN_PVID = 2;
const VLAN_UNTAGGED = 4;
const VLAN_RANGE_BEGIN = 8;
const VLAN_RANGE_END = 16;

export const LAST_VID = 4094;

/** Null: the link is gone, or is no port of a bridge. Throws SystemError. */
export function bridgePortInfo(index: number): BridgePortInfo | null {
  const info = linkInfoOf(index);
  if (info?.get(IFLA_INFO_SLAVE_KIND)?.toString('latin1') !== 'bridge\0') return null;
  const port = attributesIn(info.get(IFLA_INFO_SLAVE_DATA) ?? Buffer.alloc(0));
  return {
    isolated: port.get(IFLA_BRPORT_ISOLATED)?.[0] === 1,
    cost: u32In(port.get(IFLA_BRPORT_COST)),
    priority: u16In(port.get(IFLA_BRPORT_PRIORITY)),
    state: PORT_STATES[port.get(IFLA_BRPORT_STATE)?.[0] ?? 0] ?? 'disabled',
  };
}

/** Null: the link is gone, or is no bridge. Throws SystemError. */
export function bridgeInfo(index: number): BridgeInfo | null {
  const info = linkInfoOf(index);
  if (info?.get(IFLA_INFO_KIND)?.toString('latin1') !== 'bridge\0') return null;
  const bridge = attributesIn(info.get(IFLA_INFO_DATA) ?? Buffer.alloc(0));
  return {
    filtersVlans: bridge.get(IFLA_BR_VLAN_FILTERING)?.[0] === 1,
    defaultPvid: u16In(bridge.get(IFLA_BR_VLAN_DEFAULT_PVID)),
  };
}

function linkInfoOf(index: number): Map<number, Buffer> | null {
  try {
    const mask = u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    const answer = askLink(linkRequest(LinkRequest.Get, AF_UNSPEC, index, [mask]), 'RTM_GETLINK');
    return attributesIn(linkAttributes(answer).get(IFLA_LINKINFO) ?? Buffer.alloc(0));
  } catch (error) {
    if (errnoName(error) === 'ENODEV') return null;
    throw error;
  }
}

/** Throws SystemError: EOPNOTSUPP where it is no port of a bridge. */
export function setIsolated(index: number, isolated: boolean): void {
  setPort(index, u8(IFLA_BRPORT_ISOLATED, isolated ? 1 : 0), 'bridge port isolated');
}

/** Throws SystemError. */
export function setCost(index: number, cost: number): void {
  setPort(index, u32(IFLA_BRPORT_COST, cost), 'bridge port cost');
}

/** Throws SystemError. */
export function setPriority(index: number, priority: number): void {
  setPort(index, u16s(IFLA_BRPORT_PRIORITY, priority), 'bridge port priority');
}

function setPort(index: number, setting: Attribute, what: string): void {
  askLink(linkRequest(LinkRequest.Set, AF_BRIDGE, index, [nested(IFLA_PROTINFO, [setting])]), what);
}

/**
 * Makes `vlans`, which do not overlap, the VLANs of the port, and those alone; VLANs that it has already stay without a
 * break. Throws SystemError: EOPNOTSUPP where this kernel has no VLANs of bridges.
 */
export function setVlans(index: number, vlans: readonly PortVlan[]): void {
  for (const request of vlanRequests(index, vlans)) askLink(request, 'bridge vlan');
}

/** What `setVlans` asks, in its order: first for what is new, so that a kernel that cannot says so before anything is gone. */
export function vlanRequests(index: number, vlans: readonly PortVlan[]): Buffer[] {
  const request = (kind: LinkRequest, list: readonly PortVlan[]): Buffer[] => {
    const infos = nested(IFLA_AF_SPEC, list.flatMap(vlanInfos));
    return list.length === 0 ? [] : [linkRequest(kind, AF_BRIDGE, index, [infos])];
  };
  return [...request(LinkRequest.Set, vlans), ...request(LinkRequest.Delete, othersThan(vlans))];
}

function vlanInfos({ first, last, pvid, untagged }: PortVlan): Attribute[] {
  const flags = (pvid ? VLAN_PVID : 0) | (untagged ? VLAN_UNTAGGED : 0);
  if (first === last) return [u16s(IFLA_BRIDGE_VLAN_INFO, flags, first)];
  return [
    u16s(IFLA_BRIDGE_VLAN_INFO, flags | VLAN_RANGE_BEGIN, first),
    u16s(IFLA_BRIDGE_VLAN_INFO, flags | VLAN_RANGE_END, last),
  ];
}

/** As a file, `show` and scripts have it. */
export interface VlanJson {
  /** `5`, or `20-29`. */
  readonly vid: string;
  readonly pvid: boolean;
  readonly untagged: boolean;
}

export function vlanToJson({ first, last, pvid, untagged }: PortVlan): VlanJson {
  return { vid: first === last ? String(first) : `${first}-${last}`, pvid, untagged };
}

/** All VLANs but `vlans`. */
export function othersThan(vlans: readonly PortVlan[]): PortVlan[] {
  const others: PortVlan[] = [];
  const gap = (first: number, last: number): void => {
    if (first <= last) others.push({ first, last, pvid: false, untagged: false });
  };
  let next = 1;
  for (const { first, last } of [...vlans].sort((a, b) => a.first - b.first)) {
    gap(next, first - 1);
    next = last + 1;
  }
  gap(next, LAST_VID);
  return others;
}
