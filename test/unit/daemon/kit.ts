/** A tunnel as the control plane sees it, without TAP, socket and worker: its lanes' counters are the test's to write. */

import type { TunnelConfig } from '../../../src/config/types.ts';
import { type LaneCounters, laneCounters, laneCountersBytes } from '../../../src/frame/lane-counters.ts';
import type { MacsecConfig } from '../../../src/macsec/config.ts';
import { MAX_RX_SC } from '../../../src/macsec/configure.ts';
import { secyCountersLen } from '../../../src/macsec/counters.ts';
import type { PnChannel, PnState, RxPn, TxPn } from '../../../src/state/state.ts';
import { mtuArithmetic } from '../../../src/tunnel/mtu.ts';
import { SecyNumbers } from '../../../src/tunnel/packet-numbers.ts';
import type { Tunnel } from '../../../src/tunnel/tunnel.ts';
import type { LaneSpec } from '../../../src/worker/messages.ts';

/** Packet numbers in memory, and what was asked of them, in order. */
export class MemoryState implements PnState {
  readonly dir: string = '/nowhere';
  readonly log: string[] = [];
  /** What a restart would find: by key identifier. */
  readonly stored: Map<string, bigint> = new Map<string, bigint>();
  /** Called before a number is durable. */
  onReserve: (ceiling: bigint) => void = () => {};
  readonly #open: Set<string> = new Set<string>();

  openTx({ keyId }: PnChannel, floorPn: bigint): TxPn {
    const at = `tx ${keyId}`;
    if (this.#open.has(at)) throw new Error(`${at} is open already`);
    this.#open.add(at);
    this.log.push(`open ${at}`);
    const write = (what: string, pn: bigint): void => {
      this.stored.set(at, pn);
      this.log.push(`${what} ${at} ${pn}`);
    };
    return {
      next: this.stored.get(at) ?? floorPn,
      fresh: !this.stored.has(at),
      path: at,
      reserve: (ceiling) => {
        this.onReserve(ceiling);
        write('reserve', ceiling);
      },
      close: (next) => {
        this.#open.delete(at);
        write('close', next);
      },
    };
  }

  openRx({ keyId }: PnChannel, floorPn: bigint): RxPn {
    const at = `rx ${keyId}`;
    const { stored } = this;
    return {
      get lowest(): bigint {
        const known = stored.get(at) ?? 0n;
        return known > floorPn ? known : floorPn;
      },
      fresh: !stored.has(at),
      path: at,
      save: (lowest) => {
        if (lowest > (stored.get(at) ?? floorPn)) stored.set(at, lowest);
      },
      close: () => {},
    };
  }
}

/** A tunnel with one lane a direction given, and the counters of each. */
export function tunnelOf(
  macsec: MacsecConfig | null,
  directions: readonly LaneSpec['direction'][] = ['transmit', 'receive'],
): { tunnel: Tunnel; counters: LaneCounters[] } {
  const config: TunnelConfig = {
    name: 'site2',
    tap: { ifname: 'macsec1', mac: '00:00:00:11:11:11', mtu: 'auto', bridge: null, queues: 1 },
    gre: {
      local: '1.1.1.1',
      remote: '2.2.2.2',
      family: 4,
      encap: 'none',
      port: 4754,
      key: null,
      checksum: false,
      ttl: 64,
      tos: 0,
      df: true,
    },
    macsec,
  };
  const shared = directions.map(
    () => new SharedArrayBuffer(laneCountersBytes(macsec === null ? 0 : secyCountersLen(MAX_RX_SC))),
  );
  const numbers = macsec === null ? null : new SecyNumbers(new MemoryState(), '0000001111110001');
  if (macsec !== null) numbers?.configure(macsec);
  const arithmetic = mtuArithmetic(1500, config.gre, macsec);
  // Of a lane's spec the control plane reads these; the rest is for the worker.
  const lanes = directions.map(
    (direction, i) => ({ tunnel: 'site2', direction, endpoint: null, counters: shared[i]! }) as LaneSpec,
  );
  const tunnel: Tunnel = {
    config,
    sci: macsec === null ? '' : '0000001111110001',
    mac: '00:00:00:11:11:11',
    settling: false,
    ifindex: 7,
    mtu: arithmetic.mtu,
    pathMtu: 1500,
    overhead: arithmetic.overhead,
    arithmetic,
    numbers,
    lanes,
    fds: [],
  };
  return { tunnel, counters: shared.map(laneCounters) };
}
