/** What goes from one daemon to the next, as octets. */
import { createSecretKey, KeyObject } from 'node:crypto';
import { serialize } from 'node:v8';
import { describe, expect, it } from 'vitest';
import {
  decodeState,
  encodeState,
  HAND_OVER_VERSION,
  type HandedState,
} from '../../../src/daemon/handed-state.ts';

const KEY = Buffer.from('5a'.repeat(16), 'hex');

function stateOf(anything: object): HandedState {
  return { version: HAND_OVER_VERSION, tunnels: [], doors: new Map(), ...anything } as HandedState;
}

describe('the state of a daemon', () => {
  it('comes out as it went in: keys, numbers of 64 bits, maps, arrays, times that never were', () => {
    const inside = {
      sak: createSecretKey(KEY),
      next: 2n ** 64n - 1n,
      rx: new Map([
        ['0000001111110001', { seen: Uint32Array.of(1, 0xffff_ffff), salt: Buffer.from('abcd', 'hex') }],
      ]),
      sentMs: Float64Array.of(1.5, Number.NEGATIVE_INFINITY),
      never: Number.NEGATIVE_INFINITY,
      nothing: null,
    };
    const { version, tunnels } = decodeState(encodeState(stateOf({ tunnels: [inside] })));
    expect(version).toBe(HAND_OVER_VERSION);
    const [came] = tunnels as unknown as [typeof inside];
    expect(came.sak).toBeInstanceOf(KeyObject);
    expect(came.sak.equals(inside.sak)).toBe(true);
    expect({ ...came, sak: null }).toEqual({ ...inside, sak: null });
  });

  it('leaves no key in the octets that it came in', () => {
    const octets = encodeState(stateOf({ tunnels: [{ sak: createSecretKey(KEY) }] }));
    expect(octets.includes(KEY)).toBe(true);
    decodeState(octets);
    expect(octets.every((octet) => octet === 0)).toBe(true);
  });

  it('of another version is refused, and the refusal names the remedy', () => {
    const octets = serialize({ ...stateOf({}), version: HAND_OVER_VERSION + 1 });
    expect(() => decodeState(octets)).toThrow(/version 2, and this one by 1: a restart is needed/);
  });
});
