/**
 * The reference topology, in network namespaces: two LANs with the same IP network, two routers, a WAN between.
 *
 *       host1                   nsra                     wan                      nsrb                   host2
 *   ┌────────────┐      ┌──────────────────┐      ┌───────────────┐      ┌──────────────────┐      ┌────────────┐
 *   │      veth1 ├──────┤ veth11       vra ├──────┤ wan1     wan2 ├──────┤ vrb       veth22 ├──────┤ veth2      │
 *   │192.168.1.1 │      │   │      1.1.1.1 │      │ .254     .254 │      │ 2.2.2.2      │   │      │192.168.1.2 │
 *   └────────────┘      │  br0    (macsec1)│      │  forwarding   │      │(macsec1)    br0  │      └────────────┘
 *    …:00:00:01         └──────────────────┘      └───────────────┘      └──────────────────┘       …:00:00:02
 *
 * What joins the LANs is the daemon's: each router's TAP, put into br0. On an IPv6 underlay the routers have
 * fd00:1::1 and fd00:2::2, the WAN fd00:1::fe and fd00:2::fe. Names and addresses are those of
 * https://costiser.ro/2019/10/08/macsec-over-wan/.
 *
 * The namespaces are quiet: IPv6 is off wherever it is not asked for (no router solicitations, no MLD), without
 * duplicate address detection where it is on, so the first frame in a tunnel is one that somebody meant to send.
 */
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Background, endLedger, must, type RunOptions, type RunResult, run, startDetached } from './run.ts';

const ROLES = ['host1', 'nsra', 'wan', 'nsrb', 'host2'] as const;
export type Role = (typeof ROLES)[number];

export interface TopologyOptions {
  /** Namespaces are `<prefix>-host1` and so on; two topologies live side by side with different prefixes. */
  prefix: string;
  /** Of the underlay. Default 4. */
  family?: 4 | 6;
  /** Of the hosts' and routers' LAN links. Default: what a MACsec tunnel over this underlay carries (1430, 1410). */
  hostMtu?: number;
  /** Of every WAN link. Default 1500. */
  underlayMtu?: number;
  /** The hosts get fd00:a::1 and fd00:a::2 as well. Default false. */
  hostIpv6?: boolean;
}

/** One network namespace: programs run in it by `ip netns exec`, so their pid is the program's own. */
export class Namespace {
  readonly name: string;
  readonly #ledger: string;

  constructor(name: string, ledger: string) {
    this.name = name;
    this.#ledger = ledger;
  }

  /** Runs a program to its end; see `run`. */
  run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return run(this.#inside(argv), { ...options, ledger: this.#ledger });
  }

  /** Runs a program that must succeed; returns what it printed. */
  must(argv: readonly string[], options: RunOptions = {}): Promise<string> {
    return must(this.#inside(argv), { ...options, ledger: this.#ledger });
  }

  /** Starts a program that goes on; the topology ends it at the latest in `destroy`. */
  start(argv: readonly string[], options: Omit<RunOptions, 'timeoutMs'> = {}): Background {
    return new Background(this.#inside(argv), { ...options, ledger: this.#ledger });
  }

  /** Starts a program that outlives this process, its output appended to the file `log`. */
  startDetached(argv: readonly string[], log: string): void {
    startDetached(this.#inside(argv), { log, ledger: this.#ledger });
  }

  /** Runs `ip` commands, one per line, in one process. */
  ip(commands: string): Promise<string> {
    return must(['ip', '-n', this.name, '-batch', '-'], { input: commands });
  }

  #inside(argv: readonly string[]): string[] {
    return ['ip', 'netns', 'exec', this.name, ...argv];
  }
}

/** Addresses of one end of the underlay, and of the host behind it. */
export interface SiteAddresses {
  /** The router's, where GRE begins. */
  underlay: string;
  /** The host's on the LAN that the tunnel joins. */
  host: string;
  hostMac: string;
  /** MAC of the tunnel's own device: the first half of its SCI. */
  tapMac: string;
}

export interface Topology extends Record<Role, Namespace> {
  readonly prefix: string;
  readonly family: 4 | 6;
  readonly site1: SiteAddresses;
  readonly site2: SiteAddresses;
  /** Sets the MTU of the hosts' and the routers' LAN links. */
  setHostMtu(mtu: number): Promise<void>;
  /** Ends what was started in the namespaces, and removes them. May be called twice. */
  destroy(): Promise<void>;
}

/** Builds the topology; removes first what an earlier run with this prefix left. Needs root. */
export async function createTopology(options: TopologyOptions): Promise<Topology> {
  const family = options.family ?? 4;
  const hostMtu = options.hostMtu ?? (family === 4 ? 1430 : 1410);
  const underlayMtu = options.underlayMtu ?? 1500;
  const { prefix } = options;
  const ledger = join(tmpdir(), 'l2vpnd-lab', `${prefix}.pids`);
  const spaces = Object.fromEntries(
    ROLES.map((role) => [role, new Namespace(`${prefix}-${role}`, ledger)]),
  ) as Record<Role, Namespace>;
  const names = ROLES.map((role) => spaces[role].name);

  await removeTopology(prefix);
  try {
    await must(['ip', '-batch', '-'], { input: names.map((name) => `netns add ${name}\n`).join('') });
    await Promise.all(names.map((name) => must(['ip', 'netns', 'exec', name, 'sh', '-c', QUIET])));
    await must(['ip', '-batch', '-'], {
      input: [
        wire(spaces.host1, 'veth1', '00:00:00:00:00:01', spaces.nsra, 'veth11', '00:00:00:00:01:11', hostMtu),
        wire(spaces.host2, 'veth2', '00:00:00:00:00:02', spaces.nsrb, 'veth22', '00:00:00:00:02:22', hostMtu),
        wire(spaces.nsra, 'vra', '00:aa:aa:aa:aa:aa', spaces.wan, 'wan1', '00:aa:aa:1f:1f:1f', underlayMtu),
        wire(spaces.nsrb, 'vrb', '00:bb:bb:bb:bb:bb', spaces.wan, 'wan2', '00:bb:bb:2f:2f:2f', underlayMtu),
      ].join(''),
    });
    if (family === 6) await allowIpv6(spaces, { nsra: ['vra'], wan: ['wan1', 'wan2'], nsrb: ['vrb'] });
    if (options.hostIpv6) await allowIpv6(spaces, { host1: ['veth1'], host2: ['veth2'] });
    await Promise.all(ROLES.map((role) => spaces[role].ip(linksOf(role, family, options.hostIpv6 ?? false))));
  } catch (error) {
    await removeTopology(prefix);
    throw error;
  }

  return {
    ...spaces,
    prefix,
    family,
    site1: {
      underlay: family === 4 ? '1.1.1.1' : 'fd00:1::1',
      host: '192.168.1.1',
      hostMac: '00:00:00:00:00:01',
      tapMac: '00:00:00:11:11:11',
    },
    site2: {
      underlay: family === 4 ? '2.2.2.2' : 'fd00:2::2',
      host: '192.168.1.2',
      hostMac: '00:00:00:00:00:02',
      tapMac: '00:00:00:22:22:22',
    },
    setHostMtu: async (mtu) => {
      const set = (space: Namespace, link: string): Promise<string> =>
        space.ip(`link set ${link} mtu ${mtu}\n`);
      await Promise.all([
        set(spaces.host1, 'veth1'),
        set(spaces.nsra, 'veth11'),
        set(spaces.host2, 'veth2'),
        set(spaces.nsrb, 'veth22'),
      ]);
    },
    destroy: () => removeTopology(prefix),
  };
}

/** Removes the topology of this prefix, whoever built it, and ends the programs recorded for it. */
export async function removeTopology(prefix: string): Promise<void> {
  const ledger = join(tmpdir(), 'l2vpnd-lab', `${prefix}.pids`);
  endLedger(ledger);
  const known = new Set((await must(['ip', 'netns', 'list'])).split('\n').map((line) => line.split(' ')[0]));
  const ours = ROLES.map((role) => `${prefix}-${role}`).filter((name) => known.has(name));
  if (ours.length > 0) {
    await must(['ip', '-batch', '-'], { input: ours.map((name) => `netns del ${name}\n`).join('') });
  }
  await rm(ledger, { force: true });
}

/**
 * IPv6 off, no duplicate address detection, no reverse path filter; forwarding everywhere but of use in `wan`
 * only: hosts have one link, and routers no route to each other's LAN.
 */
const QUIET = `
  cd /proc/sys/net
  for knob in all default; do
    echo 0 >ipv4/conf/$knob/rp_filter
    echo 1 >ipv6/conf/$knob/disable_ipv6
    echo 0 >ipv6/conf/$knob/accept_dad
    echo 0 >ipv6/conf/$knob/accept_ra
    echo 0 >ipv6/conf/$knob/router_solicitations
  done
  case "$(ip netns identify)" in *-wan) echo 1 >ipv4/ip_forward; echo 1 >ipv6/conf/all/forwarding; esac
`;

/** Numbers for both ends of a link; see `wire`. */
let nextIndex = 100;

/**
 * A veth pair. Its ends get different interface indexes: where they are equal (as they tend to be in two new
 * namespaces) Linux takes the link for one without a peer and reports its carrier up to a second late.
 */
function wire(
  left: Namespace,
  leftName: string,
  leftMac: string,
  right: Namespace,
  rightName: string,
  rightMac: string,
  mtu: number,
): string {
  const end = (name: string, mac: string, space: Namespace): string =>
    `name ${name} index ${nextIndex++} mtu ${mtu} address ${mac} netns ${space.name}`;
  return `link add ${end(leftName, leftMac, left)} type veth peer ${end(rightName, rightMac, right)}\n`;
}

async function allowIpv6(
  spaces: Record<Role, Namespace>,
  links: Partial<Record<Role, readonly string[]>>,
): Promise<void> {
  await Promise.all(
    Object.entries(links).map(([role, names]) =>
      spaces[role as Role].must([
        'sh',
        '-c',
        `cd /proc/sys/net/ipv6/conf; ${names
          .map((name) => `echo 0 >${name}/disable_ipv6; echo 0 >${name}/accept_dad`)
          .join('; ')}`,
      ]),
    ),
  );
}

function linksOf(role: Role, family: 4 | 6, hostIpv6: boolean): string {
  const n = role === 'host1' || role === 'nsra' ? 1 : 2;
  const four = family === 4;
  switch (role) {
    case 'host1':
    case 'host2':
      return `
        link set lo up
        link set veth${n} up
        address add 192.168.1.${n}/24 dev veth${n}
        ${hostIpv6 ? `address add fd00:a::${n}/64 dev veth${n} nodad` : ''}
      `;
    case 'nsra':
    case 'nsrb': {
      const link = n === 1 ? 'vra' : 'vrb';
      return `
        link set lo up
        link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0
        link set veth${n}${n} master br0 up
        link set br0 up
        link set ${link} up
        address add ${four ? `${n}.${n}.${n}.${n}/24` : `fd00:${n}::${n}/64`} dev ${link} ${four ? '' : 'nodad'}
        route add default via ${four ? `${n}.${n}.${n}.254` : `fd00:${n}::fe`}
      `;
    }
    case 'wan':
      return [1, 2]
        .map(
          (side) => `
        link set wan${side} up
        address add ${four ? `${side}.${side}.${side}.254/24` : `fd00:${side}::fe/64`} dev wan${side} ${four ? '' : 'nodad'}
      `,
        )
        .join('');
  }
}
