/** How a rotation goes on, and that it has ended: its start is told where it is ordered. */
import type { Logger } from 'pino';
import type { RotationStatus } from '../api/rotate.ts';

type RotationStep = Pick<RotationStatus, 'an' | 'state'>;

/** A tunnel's rotation as it stands; null: there is none. */
export interface RotationView {
  readonly name: string;
  readonly rotation: RotationStep | null;
}

export class RotationWatch {
  readonly #log: Logger;
  /** By tunnel: the last one seen. */
  readonly #seen = new Map<string, RotationStep>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Once a second. */
  tick(tunnels: Iterable<RotationView>): void {
    for (const { name, rotation } of tunnels) this.#look(name, rotation);
  }

  #look(tunnel: string, rotation: RotationStep | null): void {
    const seen = this.#seen.get(tunnel);
    if (rotation === null) {
      this.#seen.delete(tunnel);
      return;
    }
    if (seen?.an === rotation.an && seen.state === rotation.state) return;
    this.#seen.set(tunnel, rotation);
    const fields = { tunnel, an: rotation.an, state: rotation.state };
    if (rotation.state === 'grace time') this.#log.info(fields, 'rotation: frames are sent with the new key');
    if (rotation.state === 'done') this.#log.info(fields, 'rotation done: the old keys are gone');
  }
}
