/** The worker's loop over real descriptors: eventfds that say when a port in memory has frames. */
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import type { Lane } from '../../../src/datapath/lane.ts';
import type { Batch } from '../../../src/frame/batch.ts';
import { Drop } from '../../../src/frame/drop.ts';
import { closeFds } from '../../../src/host/close.ts';
import { clearEvent, openEvent, signalEvent } from '../../../src/host/event.ts';
import type { FramePort } from '../../../src/ports/frame-port.ts';
import { memoryPortPair } from '../../../src/ports/memory-port.ts';
import { LaneLoop, type LoopEvents, type Looped, runLoop } from '../../../src/worker/loop.ts';
import { frameOf, macsecConfig } from '../macsec/kit.ts';
import { drain, End, SCI_A } from '../site/kit.ts';

const opened: number[] = [];
function event(): number {
  const fd = openEvent();
  opened.push(fd);
  return fd;
}
afterEach(() => closeFds(opened.splice(0)));

/** A memory port with a descriptor that is readable when the test says so, as a TAP is when frames wait. */
class SignalledPort implements FramePort {
  readonly fd: number = event();
  readonly #inner: FramePort;

  constructor(inner: FramePort) {
    this.#inner = inner;
  }

  receive(batch: Batch, max: number): number {
    const count = this.#inner.receive(batch, max);
    if (count < max) clearEvent(this.fd);
    return count;
  }

  send(batch: Batch, from: number): number {
    return this.#inner.send(batch, from);
  }

  close(): void {
    this.#inner.close();
  }
}

/** A lane with its number. */
interface Numbered extends Looped {
  readonly number: number;
}

/** Runs `lanes` until an event says stop. */
function runLanes(lanes: readonly Lane[], wake: number, events: LoopEvents<Numbered>): void {
  const loop = new LaneLoop<Numbered>(wake);
  for (const [number, lane] of lanes.entries()) loop.add({ lane, number });
  runLoop(loop, wake, events);
  loop.close();
}

/** Stops the loop when woken for the `stopAt`-th time. */
function recorder(stopAt = 1, onRan: (lane: number) => void = () => {}) {
  const log = { woken: 0, ran: [] as number[], failed: [] as [number, string][] };
  const events: LoopEvents<Numbered> = {
    woken: () => ++log.woken >= stopAt,
    ran: ({ number }) => {
      log.ran.push(number);
      onRan(number);
    },
    turned: () => {},
    failed: ({ number }, cause) => log.failed.push([number, (cause as Error).message]),
  };
  return { log, events };
}

/** A transmit lane whose TAP holds `count` frames. */
function transmitLane(count: number, pns?: number) {
  const [, tapIn] = memoryPortPair({ capacity: 100_000 });
  const [wire, far] = memoryPortPair({ capacity: 100_000 });
  const tap = new SignalledPort(tapIn);
  for (let i = 0; i < count; i++) tapIn.push(frameOf(60));
  if (count > 0) signalEvent(tap.fd);
  const end = new End({ macsec: macsecConfig(), sci: SCI_A, wire, tap, ...(pns && { pns }) });
  return { lane: end.transmit, end, far, tap, tapIn };
}

describe('the loop of a worker', () => {
  it('stops when it is woken and told to', () => {
    const wake = event();
    signalEvent(wake);
    const { log, events } = recorder();
    runLanes([transmitLane(0).lane], wake, events);
    expect(log).toEqual({ woken: 1, ran: [], failed: [] });
  });

  it('says that a turn is over once all lanes that were ready have run', () => {
    const wake = event();
    signalEvent(wake);
    const told: (number | 'turn')[] = [];
    const { events } = recorder(2);
    runLanes([transmitLane(1).lane, transmitLane(1).lane], wake, {
      ...events,
      ran: ({ number }) => void told.push(number),
      turned: () => {
        told.push('turn');
        signalEvent(wake);
      },
    });
    expect(told).toEqual([0, 1, 'turn']);
  });

  it('drains what waits at the near end before it stops', () => {
    const { lane, far } = transmitLane(1000);
    const wake = event();
    signalEvent(wake);
    runLanes([lane], wake, recorder().events);
    expect(drain(far)).toHaveLength(1000);
  });

  it('runs the lanes that are ready, in turns, and no other', () => {
    const wake = event();
    const lanes = [transmitLane(128 * 10), transmitLane(0), transmitLane(128 * 10)];
    let seen = 0;
    const { log, events } = recorder(1, () => {
      if (lanes[0]!.far.waiting + lanes[2]!.far.waiting === 2 * 1280 && seen++ === 0) signalEvent(wake);
    });
    runLanes(
      lanes.map(({ lane }) => lane),
      wake,
      events,
    );
    // A lane may hold frames that no descriptor tells of when the loop begins: once each is asked.
    expect(log.ran.filter((lane) => lane === 1).length).toBeLessThanOrEqual(1);
    // Neither waits until the other is done.
    expect(log.ran.filter((lane) => lane !== 1).slice(0, 4)).toEqual([0, 2, 0, 2]);
    expect(lanes.map(({ far }) => far.waiting)).toEqual([1280, 0, 1280]);
  });

  it('a lane that waits for packet numbers goes on when a grant wakes it', () => {
    const { lane, far, end } = transmitLane(10, 4);
    const wake = event();
    let woken = 0;
    const events: LoopEvents<Numbered> = {
      woken: () => ++woken === 2,
      ran: () => {
        if (far.waiting === 4 && lane.waitFd === -1 && woken === 0) {
          end.grants[0]!.grant(100n, 100n);
          signalEvent(wake);
        } else if (far.waiting === 10) signalEvent(wake);
      },
      turned: () => {},
      failed: () => {},
    };
    runLanes([lane], wake, events);
    expect(far.waiting).toBe(10);
    expect(end.tx.drops[Drop.PnExhausted]).toBe(0);
  });

  it('lets go of the lane that fails, with the reason, and runs the others', () => {
    const { lane: sound, far } = transmitLane(1000);
    const port = new SignalledPort({
      fd: -1,
      receive: () => {
        throw new Error('readv TAP: EBADFD');
      },
      send: (batch) => batch.count,
      close: () => {},
    });
    signalEvent(port.fd);
    const [wire] = memoryPortPair();
    const gone = new End({ macsec: macsecConfig(), sci: SCI_A, wire, tap: port }).transmit;
    const wake = event();
    const { log, events } = recorder(1, () => {
      if (far.waiting === 1000) signalEvent(wake);
    });
    runLanes([gone, sound], wake, events);
    expect(log.failed).toEqual([[0, 'readv TAP: EBADFD']]);
    expect(log.ran).not.toContain(0);
    expect(far.waiting).toBe(1000);
  });

  it('sleeps until another thread signals its eventfd', async () => {
    const wake = event();
    const { lane } = transmitLane(0);
    // An eventfd belongs to the process: a thread that knows its number may write to it.
    const source = `
      const { workerData } = require('node:worker_threads');
      setTimeout(() => require('node:fs').writeSync(workerData, new BigUint64Array([1n])), 100);`;
    const worker = new Worker(source, { eval: true, workerData: wake });
    await new Promise((resolve) => worker.once('online', resolve));
    const before = process.cpuUsage();
    const started = performance.now();
    const { log, events } = recorder();
    runLanes([lane], wake, events);
    expect(log.woken).toBe(1);
    const { user, system } = process.cpuUsage(before);
    const asleepMs = performance.now() - started;
    expect((user + system) / 1000).toBeLessThan(asleepMs * 0.9 + 50);
    await worker.terminate();
  });
});
