/** What `tap` says of its port of the bridge: isolation, STP, VLANs; named as iproute2 names them. */
import { z } from 'zod';
import type { PortVlan } from '../host/bridge-port.ts';
import { closed, flag, mustBe, wholeNumber } from './fields.ts';
import type { Report } from './problem.ts';
import type { PortSettings } from './types.ts';

const LAST_VID = 4094;
const VIDS = `a VLAN from 1 to ${LAST_VID}, or a range like "20-29"`;

/** As `vid` of `bridge vlan add`. */
const vids = (): z.ZodType<number | string> => {
  const error = mustBe(VIDS);
  const range = z.string({ error }).refine((text) => vidsOf(text) !== null, { error });
  return z.union([z.int({ error }).min(1, { error }).max(LAST_VID, { error }), range], { error });
};

const vlanObject = closed(
  {
    vid: vids().describe('A VLAN, or a range like "20-29".'),
    pvid: flag().default(false).describe('What the peer sends untagged belongs to this VLAN.'),
    untagged: flag().default(false).describe('Frames of this VLAN go to the peer untagged.'),
  },
  'an object with "vid"',
);

const vlan = z.union([vids(), vlanObject], {
  error: ({ input }) => mustBe(`${VIDS}, or an object with "vid", "pvid" and "untagged"`)({ input }),
});

/** The fields of `tap`. */
export const bridgePortFields: {
  isolated: z.ZodType<boolean>;
  stp: z.ZodType<PortSettings['stp']>;
  vlans: z.ZodType<PortVlan[] | null>;
} = {
  isolated: flag()
    .default(false)
    .describe(
      'Frames from this tunnel never go to another isolated port of the bridge, nor from there to it: split horizon, for a full mesh of sites.',
    ),
  stp: closed(
    {
      cost: wholeNumber(1, 65_535)
        .nullable()
        .default(null)
        .describe("STP's path cost of the port. null: the kernel's."),
      priority: wholeNumber(0, 63)
        .nullable()
        .default(null)
        .describe("STP's priority of the port; the lowest is preferred. null: the kernel's (32)."),
    },
    'an object with "cost" and "priority"',
  )
    .default({ cost: null, priority: null })
    .describe('How the Spanning Tree Protocol of the bridge sees the port.'),
  vlans: z
    .array(vlan, { error: mustBe('a list of VLANs, or null') })
    .min(1, { error: 'is empty: no frame would pass; null leaves the VLANs to the bridge' })
    .transform((list) => list.map(portVlan))
    .nullable()
    .default(null)
    .describe(
      'VLANs of the port on a VLAN-aware bridge (vlan_filtering 1), these alone, as `bridge vlan add` has them: 10, "20-29", { "vid": 5, "pvid": true, "untagged": true }. null: those that the bridge gives a port.',
    ),
};

function portVlan(entry: z.infer<typeof vlan>): PortVlan {
  const { vid, pvid, untagged } =
    typeof entry === 'object' ? entry : { vid: entry, pvid: false, untagged: false };
  return { ...vidsOf(vid)!, pvid, untagged };
}

/** Null where `vid` is no VLAN and no range of VLANs. */
function vidsOf(vid: number | string): { first: number; last: number } | null {
  if (typeof vid === 'number') return { first: vid, last: vid };
  const [, first, last] = /^([1-9][0-9]{0,3})(?:-([1-9][0-9]{0,3}))?$/.exec(vid) ?? [];
  if (first === undefined) return null;
  const range = { first: Number(first), last: Number(last ?? first) };
  return range.first <= range.last && range.last <= LAST_VID ? range : null;
}

interface PortOfBridge {
  readonly bridge: string | null;
  readonly isolated: boolean;
  readonly stp: { readonly cost: number | null; readonly priority: number | null };
  readonly vlans: readonly PortVlan[] | null;
}

/** Reports what contradicts itself in the settings of a port. */
export function checkBridgePort({ bridge, isolated, stp, vlans }: PortOfBridge, report: Report): void {
  if (bridge === null) {
    const set = {
      isolated,
      'stp.cost': stp.cost !== null,
      'stp.priority': stp.priority !== null,
      vlans: vlans !== null,
    };
    for (const [name, isSet] of Object.entries(set)) {
      if (isSet) report(name.split('.'), 'is about the port of a bridge; set "bridge" or remove it');
    }
  }
  checkVlans(vlans ?? [], report);
}

function checkVlans(vlans: readonly PortVlan[], report: Report): void {
  vlans.forEach(({ first, last, pvid }, i) => {
    const before = vlans.slice(0, i);
    const overlap = before.findIndex((other) => first <= other.last && other.first <= last);
    if (overlap >= 0) report(['vlans', i], `has a VLAN that vlans[${overlap}] has already`);
    if (pvid && first !== last) report(['vlans', i], '"pvid" belongs to one VLAN, not to a range');
    const other = before.findIndex((one) => one.pvid);
    if (pvid && other >= 0) report(['vlans', i], `"pvid" is that of vlans[${other}] already`);
  });
}
