/** A tunnel as the control plane sees it, without TAP, socket and worker: its lanes' counters are the test's to write. */
import type { TapConfig } from '../../../src/config/types.ts';
import type { GreConfig } from '../../../src/encap/config.ts';
import { type LaneCounters, laneCounters, laneCountersBytes } from '../../../src/frame/lane-counters.ts';
import type { MacsecConfig } from '../../../src/macsec/config.ts';
import { MAX_RX_SC } from '../../../src/macsec/configure.ts';
import { secyCountersLen } from '../../../src/macsec/counters.ts';
import type { SecySpec } from '../../../src/macsec/secy.ts';
import type { PnChannel } from '../../../src/state/pn-channel.ts';
import type { RxPn } from '../../../src/state/stored-rx.ts';
import type { HandedTx, TxPn } from '../../../src/state/stored-tx.ts';
import { mtuArithmetic } from '../../../src/tunnel/mtu.ts';
import type { NumberStore } from '../../../src/tunnel/packet-numbers.ts';
import { SecyControl, type SecyLanes } from '../../../src/tunnel/secy-control.ts';
import { type CountedLane, totalsOf } from '../../../src/tunnel/totals.ts';
import type { TunnelView } from '../../../src/tunnel/view.ts';

/** The own SCI of every tunnel made here. */
export const OWN_SCI = '0000001111110001';

/** Packet numbers in memory, and what was asked of them, in order. */
export class MemoryState implements NumberStore {
  readonly log: string[] = [];
  /** What a restart would find: by key identifier. */
  readonly stored: Map<string, bigint> = new Map<string, bigint>();
  /** Called before a number is durable; the disk has it when that resolves. */
  onReserve: (ceiling: bigint) => void | Promise<void> = () => {};
  readonly #open: Set<string> = new Set<string>();

  async openTx({ keyId }: PnChannel, floorPn: bigint): Promise<TxPn> {
    const at = `tx ${keyId}`;
    if (this.#open.has(at)) throw new Error(`${at} is open already`);
    this.#open.add(at);
    this.log.push(`open ${at}`);
    const write = (what: string, pn: bigint): void => {
      this.stored.set(at, pn);
      this.log.push(`${what} ${at} ${pn}`);
    };
    const next = this.stored.get(at) ?? floorPn;
    const { stored } = this;
    return {
      ...{ next, locks: null, idle: async () => {} },
      get reserved(): bigint {
        return stored.get(at) ?? next;
      },
      fresh: !this.stored.has(at),
      path: at,
      reserve: async (ceiling) => {
        await this.onReserve(ceiling);
        write('reserve', ceiling);
      },
      close: async (next) => {
        this.#open.delete(at);
        write('close', next);
      },
    };
  }

  goOnWithTx({ keyId }: PnChannel, { next, reserved, locks }: HandedTx): TxPn {
    const at = `tx ${keyId}`;
    this.log.push(`go on ${at} ${next} of ${reserved}`);
    const write = async (pn: bigint): Promise<void> => void this.stored.set(at, pn);
    const idle = async (): Promise<void> => {};
    return { next, reserved, locks, idle, fresh: false, path: at, reserve: write, close: write };
  }

  async openRx({ keyId }: PnChannel, floorPn: bigint): Promise<RxPn> {
    const at = `rx ${keyId}`;
    const { stored } = this;
    return {
      get lowest(): bigint {
        const known = stored.get(at) ?? 0n;
        return known > floorPn ? known : floorPn;
      },
      fresh: !stored.has(at),
      path: at,
      save: async (lowest) => {
        if (lowest > (stored.get(at) ?? floorPn)) stored.set(at, lowest);
      },
      idle: async () => {},
      close: async () => {},
    };
  }
}

/** Lanes that do at once what they are told, and remember it. */
export class MemoryLanes implements SecyLanes {
  /** What they were configured as, in order. */
  readonly specs: SecySpec[] = [];
  /** How often they were woken. */
  woken = 0;
  /** What `counters` gives: the test's to write. */
  readonly published: Float64Array = new Float64Array(secyCountersLen(MAX_RX_SC));
  /** Called before they take a configuration over. */
  onConfigure: (spec: SecySpec) => Promise<void> = async () => {};

  async configure(spec: SecySpec): Promise<void> {
    await this.onConfigure(spec);
    this.specs.push(spec);
  }

  wake(): void {
    this.woken++;
  }

  counters(): Float64Array {
    return this.published;
  }
}

/** A SecY that runs as `config` says, SAs included. */
export async function secyOf(
  config: MacsecConfig,
  lanes: SecyLanes = new MemoryLanes(),
  state: NumberStore = new MemoryState(),
): Promise<SecyControl> {
  const secy = new SecyControl(config, OWN_SCI, state, lanes);
  await secy.change(() => config);
  return secy;
}

const TAP: TapConfig = {
  ifname: 'macsec1',
  mac: '00:00:00:11:11:11',
  mtu: 'auto',
  lanMtu: 'auto',
  mssClamp: 'auto',
  bridge: null,
  queues: 1,
  isolated: false,
  stp: { cost: null, priority: null },
  vlans: null,
  carrier: 'up',
  carrierDelayMs: 1000,
};
/** The ends of the reference topology. */
export const GRE: GreConfig = {
  local: '1.1.1.1',
  remote: '2.2.2.2',
  family: 4,
  encap: 'none',
  port: 4754,
  key: null,
  checksum: false,
  ttl: 64,
  sourcePort: 'port',
  tos: 0,
  df: true,
  mtuProbeSeconds: 600,
};

export interface ViewedTunnel {
  readonly tunnel: TunnelView;
  /** One per lane. */
  readonly counters: LaneCounters[];
}

/** A tunnel with one lane per direction given, and the counters of each. */
export async function tunnelOf(
  macsec: MacsecConfig | null,
  directions: readonly CountedLane['direction'][] = ['transmit', 'receive'],
): Promise<ViewedTunnel & { readonly secy: SecyControl | null }> {
  const secyLen = macsec === null ? 0 : secyCountersLen(MAX_RX_SC);
  const lanes = directions.map((direction) => ({
    direction,
    counters: new SharedArrayBuffer(laneCountersBytes(secyLen)),
  }));
  const totals = () => totalsOf(lanes, macsec === null ? null : MAX_RX_SC);
  const secyLanes = { configure: async () => {}, wake: () => {}, counters: () => totals().secy };
  const secy = macsec === null ? null : await secyOf(macsec, secyLanes);
  const { mtu, overhead } = mtuArithmetic(1500, GRE, macsec);
  const tunnel: TunnelView = {
    upSince: new Date(0),
    name: 'site2',
    queueDrops: { socket: 0, tap: 0 },
    tap: TAP,
    gre: GRE,
    ends: null,
    agreesKeys: false,
    peerTimeoutSeconds: 10,
    ifname: TAP.ifname,
    ifindex: 7,
    bridgePort: null,
    mtu,
    pathMtu: 1500,
    path: {
      octets: 1500,
      limit: 'link',
      since: 0,
      because: 'the MTU of the own link',
      search: 'stopped',
      claims: { proven: 0, plausible: 0, refused: 0 },
    },
    overhead,
    endpoint: null,
    carrier: null,
    secy,
    totals,
  };
  return { tunnel, secy, counters: lanes.map((lane) => laneCounters(lane.counters)) };
}
