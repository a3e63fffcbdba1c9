import { afterEach, describe, expect, it } from 'vitest';
import { closeFds } from '../../../src/host/close.ts';
import { clearEvent, openEvent, signalEvent } from '../../../src/host/event.ts';
import { Readable } from '../../../src/host/readable.ts';

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

async function turns(): Promise<void> {
  for (let i = 0; i < 5; i++) await turn();
}

describe('a descriptor that the event loop watches', () => {
  const fds: number[] = [];
  afterEach(() => closeFds(fds.splice(0)));

  it('calls once per arming, when it can be read', async () => {
    const fd = openEvent();
    fds.push(fd);
    let calls = 0;
    const readable = new Readable(fd, () => void calls++);
    signalEvent(fd);
    await turns();
    expect(calls).toBe(0);
    readable.arm();
    await turns();
    expect(calls).toBe(1);
    readable.arm();
    await turns();
    expect(calls).toBe(2);
    clearEvent(fd);
    readable.arm();
    await turns();
    expect(calls).toBe(2);
    signalEvent(fd);
    await turns();
    expect(calls).toBe(3);
    readable.arm();
    readable.close();
    await turns();
    expect(calls).toBe(3);
    expect(() => readable.arm()).toThrow(TypeError);
  });

  it('may be closed by what it calls', async () => {
    const fd = openEvent();
    fds.push(fd);
    signalEvent(fd);
    const called = new Promise<void>((resolve) => {
      const readable = new Readable(fd, () => {
        readable.close();
        resolve();
      });
      readable.arm();
    });
    await called;
    await turns();
  });
});
