/** epoll(7) and poll(2) of one descriptor. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadAddon } from '../../../src/native/load.ts';

const addon = loadAddon();
const [IN, OUT, HUP] = [1, 4, 16];
const { READY_MAX } = addon.constants;

let fds: number[];
let epoll: number;
beforeEach(() => {
  const pair = new Int32Array(2);
  addon.openPair(pair);
  fds = [...pair, addon.openEvent()];
  epoll = addon.openEpoll();
});
afterEach(() => {
  for (const fd of [...fds, epoll]) addon.closeFd(fd);
});

/** What is ready, by descriptor. */
function readyAt(timeoutMs: number, room = 2 * READY_MAX): Map<number, number> {
  const ready = new Int32Array(room);
  const count = addon.epollReady(epoll, ready, timeoutMs);
  return new Map(Array.from({ length: count }, (_, i) => [ready[2 * i]!, ready[2 * i + 1]!]));
}

describe('epoll', () => {
  it('tells of a descriptor for as long as it is ready', () => {
    const event = fds[2]!;
    addon.epollSet(epoll, event, IN);
    expect(readyAt(0)).toEqual(new Map());
    addon.signalEvent(event);
    expect(readyAt(-1)).toEqual(new Map([[event, IN]]));
    expect(readyAt(-1)).toEqual(new Map([[event, IN]]));
    addon.clearEvent(event);
    expect(readyAt(0)).toEqual(new Map());
  });

  it('tells of what it was asked for, and of hang-ups unasked', () => {
    const [near, far] = fds as [number, number];
    addon.epollSet(epoll, near, OUT);
    expect(readyAt(0)).toEqual(new Map([[near, OUT]]));
    addon.epollSet(epoll, near, IN);
    expect(readyAt(0)).toEqual(new Map());
    addon.closeFd(far);
    fds = fds.filter((fd) => fd !== far);
    expect((readyAt(0).get(near) ?? 0) & HUP).toBe(HUP);
    addon.epollSet(epoll, near, 0);
    expect(readyAt(0)).toEqual(new Map());
  });

  it('takes out what is not in it, or closed', () => {
    const gone = addon.openEvent();
    addon.epollSet(epoll, gone, 0);
    addon.epollSet(epoll, gone, IN);
    addon.closeFd(gone);
    addon.epollSet(epoll, gone, 0);
    expect(() => addon.epollSet(epoll, gone, IN)).toThrow('epoll_ctl');
  });

  it('tells of more descriptors than there is room for in turns', () => {
    const events = Array.from({ length: READY_MAX + 44 }, () => addon.openEvent());
    for (const event of events) {
      addon.epollSet(epoll, event, IN);
      addon.signalEvent(event);
    }
    expect(readyAt(0, 4 * events.length).size).toBe(READY_MAX);
    const told = new Set<number>();
    while (told.size < events.length) {
      for (const fd of readyAt(0, 20).keys()) {
        addon.clearEvent(fd);
        told.add(fd);
      }
    }
    expect([...told].sort((a, b) => a - b)).toEqual(events);
    for (const event of events) addon.closeFd(event);
  });

  it('refuses what it cannot write to, or wait for', () => {
    expect(() => addon.epollReady(epoll, new Int32Array(1), 0)).toThrow(RangeError);
    expect(() => addon.epollReady(epoll, new Int16Array(2) as never, 0)).toThrow(TypeError);
    expect(() => addon.epollReady(-1, new Int32Array(2), 0)).toThrow('epoll_wait');
  });
});

describe('waitFor', () => {
  it('is true once the descriptor is ready, false when the time is up', () => {
    const event = fds[2]!;
    expect(addon.waitFor(event, IN, 0)).toBe(false);
    expect(addon.waitFor(event, OUT, -1)).toBe(true);
    addon.signalEvent(event);
    expect(addon.waitFor(event, IN, -1)).toBe(true);
  });

  it('is true for a hang-up, since reading will say so', () => {
    const [near, far] = fds as [number, number];
    addon.closeFd(far);
    fds = fds.filter((fd) => fd !== far);
    expect(addon.waitFor(near, IN, -1)).toBe(true);
  });
});
