/** Descriptors from one process to another, here from one end of a channel to the other. */
import { closeSync, fstatSync, openSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { FdSink, FdSource } from '../../../src/host/descriptors.ts';
import { FdChannel, Meeting } from '../../../src/host/fd-channel.ts';
import { emptyMemoryFile, openMemoryFile } from '../../../src/host/memory-file.ts';
import { loadAddon } from '../../../src/native/load.ts';

const channels: FdChannel[] = [];
afterEach(() => {
  for (const channel of channels.splice(0)) channel.close();
});

async function pair(): Promise<[FdChannel, FdChannel]> {
  const meeting = new Meeting();
  const one = FdChannel.connect(meeting.name);
  const two = await meeting.accept(5000);
  meeting.close();
  channels.push(one, two);
  return [one, two];
}

describe('a channel', () => {
  it('carries messages with descriptors, as many as there are, and says who is at its end', async () => {
    const [one, two] = await pair();
    expect(two.peer).toEqual({ pid: process.pid, uid: process.getuid!() });
    const opened = Array.from({ length: 600 }, () => openSync('/dev/null', 'r'));
    one.send({ type: 'state', fds: opened.length });
    one.sendFds(opened);
    expect(await two.receive(5000)).toEqual({ message: { type: 'state', fds: 600 }, fds: [] });
    const came: number[] = [];
    while (came.length < opened.length) came.push(...(await two.receive(5000))!.fds);
    for (const fd of opened) closeSync(fd);
    expect(came.map((fd) => fstatSync(fd).isCharacterDevice())).toEqual(opened.map(() => true));
    for (const fd of came) closeSync(fd);
  });

  it('waits for what comes later, says when the other end has gone, and gives up in time', async () => {
    const [one, two] = await pair();
    const waiting = two.receive(5000);
    one.send({ type: 'go' });
    expect((await waiting)!.message).toEqual({ type: 'go' });
    await expect(two.receive(20)).rejects.toThrow('silent for 0.02 s');
    one.close();
    expect(await two.receive(5000)).toBeNull();
    expect(() => two.send({ type: 'ready' })).toThrow(/EPIPE|sendmsg/);
  });

  it('closes the descriptors of a message that is longer than there is room for', async () => {
    const [one, two] = await pair();
    const fd = openSync('/dev/null', 'r');
    const before = openFds();
    one.send({ text: 'x'.repeat(70_000) }, [fd]);
    await expect(two.receive(5000)).rejects.toMatchObject({ code: 'EMSGSIZE' });
    expect(openFds()).toBe(before);
    closeSync(fd);
  });
});

describe('memory for another process', () => {
  it('can be read once, and never be written', () => {
    const fd = openMemoryFile('l2vpnd-test', Buffer.from('keys'));
    expect(() => loadAddon().openMemory('x'.repeat(300), Buffer.alloc(1))).toThrow(TypeError);
    expect(emptyMemoryFile(fd).toString()).toBe('keys');
    expect(emptyMemoryFile(fd)).toHaveLength(0);
    closeSync(fd);
  });
});

describe('descriptors that have come', () => {
  it('are taken once each, by their places, and the rest is closed', () => {
    const fds = [1, 2].map(() => openSync('/dev/null', 'r'));
    const sink = new FdSink();
    expect(fds.map((fd) => sink.add(fd))).toEqual([0, 1]);
    const source = new FdSource([...sink.fds, -1]);
    expect(source.take(1)).toBe(fds[1]);
    for (const place of [1, 2, 3]) expect(() => source.take(place)).toThrow(RangeError);
    source.closeRest();
    expect(() => fstatSync(fds[0]!)).toThrow('EBADF');
    closeSync(fds[1]!);
  });
});

function openFds(): number {
  let open = 0;
  for (let fd = 0; fd < 200; fd++) {
    try {
      fstatSync(fd);
      open++;
    } catch {
      // Closed.
    }
  }
  return open;
}
