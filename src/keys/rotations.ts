/** The key changes of all tunnels, at most one at a time each: asked for over the control socket, told by `show`. */
import type { Logger } from 'pino';
import type { Tunnels } from '../daemon/tunnels.ts';
import { L2vpnError } from '../errors.ts';
import { countersAt, RxSaCounter } from '../macsec/counters.ts';
import { totalsOf } from '../tunnel/totals.ts';
import type { Tunnel } from '../tunnel/tunnel.ts';
import { asksToMoveNow, parseRotation } from './rotate-request.ts';
import { Rotation, type RotationPort } from './rotation.ts';

/** Runs one step after the other, reloads and rotations alike. */
export type InTurn = <T>(step: () => Promise<T>) => Promise<T>;

export interface RotationStatus {
  readonly an: number;
  readonly state: Rotation['state'];
}

export class Rotations {
  readonly #log: Logger;
  readonly #tunnels: Tunnels;
  readonly #inTurn: InTurn;
  readonly #failed: (error: unknown) => void;
  readonly #byName = new Map<string, Rotation>();

  constructor(log: Logger, tunnels: Tunnels, inTurn: InTurn, failed: (error: unknown) => void) {
    this.#log = log;
    this.#tunnels = tunnels;
    this.#inTurn = inTurn;
    this.#failed = failed;
  }

  /** Starts a key change of tunnel `name`, or has one that waits go on; `body` is the request as it came. Throws L2vpnError. */
  rotate(name: string, body: unknown): Promise<RotationStatus> {
    return this.#inTurn(async () => {
      const tunnel = this.#tunnels.get(name);
      if (tunnel.config.macsec === null)
        throw new L2vpnError('L2VPN_USAGE', `tunnel "${name}" has no MACsec`);
      const running = this.#byName.get(name);
      if (running !== undefined && running.state !== 'done') {
        if (running.state !== 'waiting for the peer' || !asksToMoveNow(body, running.request))
          throw new L2vpnError('L2VPN_USAGE', `tunnel "${name}" is in a rotation: ${running.state}`);
        await running.moveNow();
        return statusOf(running);
      }
      const request = parseRotation(name, tunnel, body);
      const rotation = new Rotation(request, this.#portOf(tunnel), this.#failed);
      await rotation.start();
      this.#byName.set(name, rotation);
      this.#log.info({ tunnel: name, ...statusOf(rotation) }, 'rotation started');
      return statusOf(rotation);
    });
  }

  /** The last rotation of tunnel `name`; null: none since it began to run. */
  of(name: string): RotationStatus | null {
    const rotation = this.#byName.get(name);
    return rotation === undefined ? null : statusOf(rotation);
  }

  /** Forgets the rotation of tunnel `name`; SAs stay as they are. */
  end(name: string): void {
    this.#byName.get(name)?.stop();
    this.#byName.delete(name);
  }

  stop(): void {
    for (const rotation of this.#byName.values()) rotation.stop();
  }

  #portOf(tunnel: Tunnel): RotationPort {
    return {
      config: () => tunnel.config.macsec!,
      apply: (config) => this.#tunnels.configure(tunnel, config),
      accepted: (sci, an) =>
        totalsOf(tunnel).secy[countersAt.rxSa(tunnel.numbers!.indexOf(sci), an) + RxSaCounter.inPktsOk]!,
      inTurn: this.#inTurn,
    };
  }
}

function statusOf({ an, state }: Rotation): RotationStatus {
  return { an, state };
}
