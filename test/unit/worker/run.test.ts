/** A worker's conversation with the main thread, over a real message port and real descriptors. */
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { closeFds } from '../../../src/host/close.ts';
import { openEvent, signalEvent } from '../../../src/host/event.ts';
import type { LaneSpec, ToWorker } from '../../../src/worker/messages.ts';
import { runWorker } from '../../../src/worker/run.ts';
import { workerCount } from '../../../src/worker/workers.ts';
import { macsecConfig, secySpec } from '../macsec/kit.ts';

const opened: number[] = [];
function event(): number {
  const fd = openEvent();
  opened.push(fd);
  return fd;
}
afterEach(() => closeFds(opened.splice(0)));

/** Runs a worker in this thread, with `messages` waiting for it; what it said. */
function converse(
  lanes: readonly LaneSpec[],
  messages: readonly ToWorker[],
  turns = new SharedArrayBuffer(4),
): unknown[] {
  const { port1, port2 } = new MessageChannel();
  const eventFd = event();
  for (const message of messages) port1.postMessage(message);
  if (messages.length > 0) signalEvent(eventFd);
  runWorker({ provider: 'node', eventFd, turns, lanes, kinds: lanes.map(({ encap }) => encap.kind) }, port2);
  const said: unknown[] = [];
  for (let next = receiveMessageOnPort(port1); next !== undefined; next = receiveMessageOnPort(port1))
    said.push(next.message);
  port1.close();
  return said;
}

describe('a worker', () => {
  it('says that it runs, and that it has stopped', () => {
    expect(converse([], [{ type: 'stop' }])).toEqual([{ type: 'running' }, { type: 'stopped' }]);
  });

  it('counts when it comes round because it was woken', () => {
    const turns = new SharedArrayBuffer(4);
    converse([], [{ type: 'stop' }], turns);
    expect(new Int32Array(turns)[0]).toBe(1);
  });

  it('carries out what it is asked in order, and says so', () => {
    const { spec } = secySpec(macsecConfig({ encrypt: false }));
    const said = converse(
      [],
      [
        { type: 'add', id: 1, lanes: [] },
        { type: 'secy', id: 2, tunnel: 'site2', spec },
        { type: 'remove', leaves: false, id: 3, tunnel: 'site2' },
        { type: 'stop' },
      ],
    );
    expect(said).toEqual([
      { type: 'running' },
      { type: 'done', id: 1 },
      { type: 'done', id: 2 },
      { type: 'done', id: 3, left: [] },
      { type: 'stopped' },
    ]);
  });
});

describe('the number of workers', () => {
  it.each([
    [1, 2, 1],
    [8, 2, 2],
    [2, 2, 2],
  ])('%i wanted for %i lanes: %i', (wanted, lanes, count) => {
    expect(workerCount(wanted, lanes)).toBe(count);
  });

  it('leaves a core to the rest, but is never 0', () => {
    expect(workerCount('auto', 100)).toBeGreaterThanOrEqual(1);
    expect(workerCount('auto', 1)).toBe(1);
  });
});
