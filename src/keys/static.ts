/** Static keys: the SAs that the file names, and the rotations that `l2vpnd rotate` orders, at most one at a time. */
import type { Logger } from 'pino';
import type { RotateBody, RotationStatus } from '../api/rotate.ts';
import type { MkaConfig } from '../config/types.ts';
import type { UncontrolledPort } from '../datapath/uncontrolled-port.ts';
import { L2vpnError } from '../errors.ts';
import type { InTurn } from '../tunnel/in-turn.ts';
import type { SaControl } from '../tunnel/sa-control.ts';
import { NO_SAS, type SaSet } from '../tunnel/sa-set.ts';
import type { KeySource } from './key-source.ts';
import { asksToMoveNow, rotationRequest } from './rotate-request.ts';
import { Rotation } from './rotation.ts';

/** What the sources of all tunnels share. */
export interface StaticKeysContext {
  readonly log: Logger;
  /** Reloads and rotations, one after the other. */
  readonly inTurn: InTurn;
  /** Something has failed that the daemon cannot go on without. */
  failed(error: unknown): void;
}

export class StaticKeys implements KeySource {
  readonly etherTypes: readonly number[] = [];
  readonly #tunnel: string;
  /** What to start with; not kept longer, for the keys in it. */
  #file: SaSet;
  readonly #context: StaticKeysContext;
  #sas: SaControl | null = null;
  #rotation: Rotation | null = null;

  /** `file`: the SAs that the configuration names for `tunnel`. */
  constructor(tunnel: string, file: SaSet, context: StaticKeysContext) {
    this.#tunnel = tunnel;
    this.#file = file;
    this.#context = context;
  }

  /** Takes no frames. */
  async start(sas: SaControl, _port: UncontrolledPort | null = null): Promise<void> {
    this.#sas = sas;
    await sas.replace(this.#file);
    this.#file = NO_SAS;
  }

  stop(): void {
    this.#rotation?.stop();
  }

  /** Puts `file` in the place of the SAs that run, in the caller's turn. Throws L2vpnError, with all SAs as they were. */
  async reload(file: SaSet, _mka: MkaConfig | null = null): Promise<void> {
    await this.#control.replace(file);
  }

  /** The last rotation; null: none since the start, or since `forgetRotation`. */
  get rotation(): RotationStatus | null {
    return this.#rotation === null ? null : statusOf(this.#rotation);
  }

  /** Ends the rotation under way; SAs stay as they are. */
  forgetRotation(): void {
    this.#rotation?.stop();
    this.#rotation = null;
  }

  /** Starts a key change, or has one that waits for the peer go on; in the caller's turn. Throws L2vpnError. */
  async rotate(body: RotateBody): Promise<RotationStatus> {
    const running = this.#rotation;
    if (running !== null && running.state !== 'done') return this.#moveNow(running, body);
    const sas = this.#control;
    const rotation = new Rotation(rotationRequest(this.#tunnel, sas, body), {
      sas,
      inTurn: this.#context.inTurn,
      failed: this.#context.failed,
    });
    await rotation.start();
    this.#rotation = rotation;
    this.#context.log.info({ tunnel: this.#tunnel, ...statusOf(rotation) }, 'rotation started');
    return statusOf(rotation);
  }

  async #moveNow(running: Rotation, body: RotateBody): Promise<RotationStatus> {
    if (running.state !== 'waiting for the peer' || !asksToMoveNow(body, running.request)) {
      throw new L2vpnError('L2VPN_BUSY', `tunnel "${this.#tunnel}" is in a rotation: ${running.state}`);
    }
    await running.moveNow();
    return statusOf(running);
  }

  get #control(): SaControl {
    if (this.#sas === null) throw new L2vpnError('L2VPN_INTERNAL', 'the key source has not been started');
    return this.#sas;
  }
}

function statusOf({ an, state }: Rotation): RotationStatus {
  return { an, state };
}
