/** Handles: one of another kind, a closed one or none at all throws, and nobody looks at what is behind it. */
import { describe, expect, it } from 'vitest';
import type { Addon, AeadJobArrays, FrameArrays } from '../../../src/native/addon.ts';
import { loadAddon } from '../../../src/native/load.ts';

const addon = loadAddon();
const status = new Int32Array(1);
const endpoint = new Uint8Array(addon.constants.ENDPOINT_LEN);
const frames: FrameArrays = {
  arena: new Uint8Array(64),
  at: new Uint32Array(1),
  len: new Uint32Array(1),
  verdict: new Uint8Array(1),
};
const job: AeadJobArrays = {
  ...frames,
  aadLen: new Uint32Array(1),
  textLen: new Uint32Array(1),
  iv: new Uint8Array(12),
  slot: new Uint8Array(1),
  ok: new Uint8Array(1),
};

/** One of each kind. */
const handles = {
  tap: addon.openTapPort(-1, 0, 0),
  socket: addon.openSocketPort(-1),
  udp: addon.openUdpPort(-1),
  ring: addon.openKeyring(1),
  frames: addon.bindFrames(frames),
  job: addon.bindJob(job),
};
type Kind = keyof typeof handles;

/** Every function that takes a handle, and of which kinds. */
const CALLS: readonly [name: keyof Addon, kinds: readonly Kind[], call: (handle: never) => unknown][] = [
  ['tapRead', ['tap'], (handle) => addon.tapRead(handle, frames, 0, 0)],
  ['tapRead', ['frames'], (handle) => addon.tapRead(handles.tap, handle, 0, 0)],
  ['tapWrite', ['tap'], (handle) => addon.tapWrite(handle, frames, 0, 0, status, 1)],
  ['tapWrite', ['frames'], (handle) => addon.tapWrite(handles.tap, handle, 0, 0, status, 1)],
  ['socketReceive', ['socket'], (handle) => addon.socketReceive(handle, frames, 0, 0, status)],
  ['socketSend', ['socket'], (handle) => addon.socketSend(handle, frames, 0, 0, status)],
  ['udpSend', ['udp'], (handle) => addon.udpSend(handle, frames, 0, 0, status, endpoint)],
  ['udpSend', ['frames'], (handle) => addon.udpSend(handles.udp, handle, 0, 0, status, endpoint)],
  ['udpReceive', ['udp'], (handle) => addon.udpReceive(handle, frames, 1, 64, status)],
  ['udpLearn', ['udp'], (handle) => addon.udpLearn(handle, 0, endpoint)],
  ['setKey', ['ring'], (handle) => addon.setKey(handle, 0, 'aes-128-gcm', new Uint8Array(16))],
  ['clearKey', ['ring'], (handle) => addon.clearKey(handle, 0)],
  ['aeadSeal', ['ring'], (handle) => addon.aeadSeal(handle, job, 0, 16)],
  ['aeadSeal', ['job'], (handle) => addon.aeadSeal(handles.ring, handle, 0, 16)],
  ['aeadOpen', ['ring'], (handle) => addon.aeadOpen(handle, job, 0, 16)],
];

const kinds = Object.keys(handles) as Kind[];
const wrong = CALLS.flatMap(([name, takes, call]) =>
  kinds.filter((kind) => !takes.includes(kind)).map((kind) => ({ name, kind, call })),
);

describe('a handle', () => {
  it.each(wrong)('$name does not take one of kind $kind', ({ kind, call }) => {
    expect(() => call(handles[kind] as never)).toThrow(TypeError);
    expect(() => call(handles[kind] as never)).toThrow('expected an open handle');
  });

  it.each(CALLS)('%s takes one of kind %s', (_name, [kind], call) => {
    try {
      call(handles[kind!] as never);
    } catch (error) {
      expect(error).not.toBeInstanceOf(TypeError);
    }
  });

  it('is none, where it is no external', () => {
    for (const value of [undefined, null, 5, 'port', Symbol('port'), () => 0]) {
      for (const [, , call] of CALLS) expect(() => call(value as never)).toThrow(TypeError);
    }
    for (const value of [handles.ring, handles.frames, handles.job, {}, 7]) {
      expect(() => addon.closePort(value as never)).toThrow('"port" expected an open handle');
    }
    for (const value of [handles.tap, handles.job, {}]) {
      expect(() => addon.closeKeyring(value as never)).toThrow('"ring" expected an open handle');
    }
  });

  it('stays closed, however many are opened after it', () => {
    const closed = Array.from({ length: 300 }, () => addon.openSocketPort(-1));
    const kept = Array.from({ length: 300 }, () => addon.openSocketPort(-1));
    for (const port of closed) addon.closePort(port);
    const later = Array.from({ length: 600 }, () => addon.openUdpPort(-1));
    for (const port of closed) expect(() => addon.closePort(port)).toThrow(TypeError);
    for (const port of kept) expect(addon.socketSend(port, frames, 0, 0, status)).toBe(0);
    for (const port of [...kept, ...later]) addon.closePort(port);
    for (const port of [...kept, ...later]) expect(() => addon.closePort(port)).toThrow(TypeError);
  });
});
