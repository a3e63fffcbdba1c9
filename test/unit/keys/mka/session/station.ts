/** An end of a session: a real KaY over a `ModelSecy`, which can be started anew like a process. */
import { createSecretKey } from 'node:crypto';
import { expect } from 'vitest';
import type { MkaEvent } from '../../../../../src/keys/mka/events.ts';
import { Kay } from '../../../../../src/keys/mka/kay.ts';
import type { Clock } from '../../../../../src/keys/mka/seams.ts';
import type { MkaSettings } from '../../../../../src/keys/mka/settings.ts';
import type { MkaSnapshot } from '../../../../../src/keys/mka/snapshot.ts';
import { ModelSecy } from './model-secy.ts';
import type { DataFrame, Listener, World } from './world.ts';

export const CKN: string = '0a'.repeat(32);
export const cakOf = (n: number): MkaSettings['cak'] => createSecretKey(Buffer.alloc(16, n));

export function settingsOf(n: number, more: Partial<MkaSettings> = {}): MkaSettings {
  return {
    ...{ ckn: CKN, cak: cakOf(1), sci: `02000000000${n}0001`, priority: 128, helloMs: 500, lifeMs: 6000 },
    ...{ rekeySeconds: null, peerLoss: 'drop', icvIndicator: true, fallback: null },
    ...{ cipher: 'gcm-aes-128', encrypt: true },
    ...more,
  };
}

export class Station implements Listener {
  readonly name: string;
  settings: MkaSettings;
  kay!: Kay;
  secy!: ModelSecy;
  readonly events: MkaEvent[] = [];
  isUp = false;
  /** See `KayContext.calmStretch`. */
  calmStretch = 1;
  /** Sees what is sent. */
  onSent: (frame: Uint8Array) => void = () => {};
  readonly #world: World;

  constructor(world: World, name: string, settings: MkaSettings) {
    this.#world = world;
    this.name = name;
    this.settings = settings;
  }

  start(): void {
    const world = this.#world;
    let isCurrent = true;
    this.secy = new ModelSecy(world, this.settings.sci);
    let wakes = 0;
    const clock: Clock = {
      nowMs: () => world.nowMs,
      wakeAt: (atMs, wake) => {
        const mine = ++wakes;
        world.at(atMs, () => isCurrent && mine === wakes && wake());
      },
      cancel: () => {
        wakes++;
        isCurrent = false;
      },
    };
    this.kay = new Kay(this.settings, {
      clock,
      random: (len) => world.random.octets(len),
      orders: this.secy,
      send: (frame) => {
        this.onSent(frame);
        world.sendMkpdu(this, frame);
      },
      calmStretch: () => this.calmStretch,
      listener: (event) => this.events.push(event),
    });
    this.isUp = true;
    world.join(this);
    this.kay.start();
  }

  /** As kill -9: nothing is said, nothing is kept. */
  kill(): void {
    this.kay.stop();
    this.isUp = false;
    this.#world.leave(this);
  }

  restart(): void {
    this.kill();
    this.start();
  }

  onMkpdu(frame: Uint8Array): void {
    this.kay.receive(frame);
  }

  onData(frame: DataFrame): void {
    this.secy.receive(frame);
  }

  /** Sends a frame every `ms`, while it is up. */
  talk(ms: number): void {
    this.#world.every(ms, () => this.isUp && this.secy.send(this));
  }

  get shown(): MkaSnapshot {
    return this.kay.snapshot();
  }

  /** The SAK that it transmits with: its identifier. */
  get ki(): string | null {
    const { latest, encodingAn } = this.shown;
    return latest?.transmits && encodingAn === latest.an ? latest.ki : null;
  }

  told(name: MkaEvent['name']): string[] {
    return this.events.filter((event) => event.name === name).map(({ text }) => text);
  }
}

/** Whether all of them transmit with one SAK, and receive with it. */
export function agree(...stations: readonly Station[]): boolean {
  const ki = stations[0]!.ki;
  return ki !== null && stations.every((one) => one.isUp && one.ki === ki && one.shown.latest!.receives);
}

/** s1, s2 … with SCIs in this order. */
export function stations(world: World, count: number, more: Partial<MkaSettings> = {}): Station[] {
  return Array.from({ length: count }, (_, i) => new Station(world, `s${i + 1}`, settingsOf(i + 1, more)));
}

/** What was lost until now is not judged. */
export function forgetLosses(...all: readonly Station[]): void {
  for (const one of all) one.secy.lost.length = 0;
}

export function expectNoLoss(world: World, ...all: readonly Station[]): void {
  for (const one of all) expect(one.secy.lost, one.name).toEqual([]);
  expect(world.violations).toEqual([]);
}
