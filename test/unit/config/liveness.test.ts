/** `keepalive` and `tap.carrier`: what a file may say, and each refusal by causing it. */
import { describe, expect, it } from 'vitest';
import { mkaSample } from './mka-sample.ts';
import { type Json, load, refusal, sample } from './sample.ts';

function withTunnel(changes: Json, tap: Json = {}, file: Json = sample()): Json {
  Object.assign(file.tunnels[0], changes);
  Object.assign(file.tunnels[0].tap, tap);
  return file;
}

describe('a keepalive', () => {
  it('is none by default, and has defaults of its own', () => {
    expect(load(sample()).tunnels[0]!.keepalive).toBeNull();
    expect(load(withTunnel({ keepalive: {} })).tunnels[0]!.keepalive).toEqual({
      helloMs: 1000,
      lifeMs: 3500,
    });
  });

  it.each<[string, Json, RegExp]>([
    [
      'a life of two hellos',
      withTunnel({ keepalive: { helloMs: 1000, lifeMs: 2999 } }),
      /tunnels\[0\]\.keepalive\.lifeMs: is 2999; with helloMs 1000 at least 3000: one lost message is not the end/,
    ],
    [
      'no macsec',
      withTunnel({ keepalive: {}, macsec: null }),
      /tunnels\[0\]\.keepalive: needs macsec: a hello is authentic by its keys/,
    ],
    [
      'key agreement',
      withTunnel({ keepalive: {} }, {}, mkaSample()),
      /tunnels\[0\]\.keepalive: belongs to static keys; "mka" has hellos of its own \(helloMs, lifeMs\): remove it/,
    ],
    [
      'nothing to send with',
      withTunnel({ keepalive: {}, macsec: { ...sample().tunnels[0].macsec, protect: false, txSa: [] } }),
      /tunnels\[0\]\.keepalive: needs a txSa with the an of encodingSa: hellos are authentic by its key/,
    ],
  ])('is refused with %s', (_, file, text) => {
    expect(refusal(() => load(file)).message).toMatch(text);
  });
});

describe('a carrier that follows the peer', () => {
  it.each<[string, Json]>([
    ['key agreement', withTunnel({}, { carrier: 'peer' }, mkaSample())],
    ['a keepalive', withTunnel({ keepalive: {} }, { carrier: 'peer', carrierDelayMs: 0 })],
  ])('is told by %s', (_, file) => {
    expect(load(file).tunnels[0]!.tap.carrier).toBe('peer');
  });

  it('is refused with static keys alone: without carrier there is no traffic to know the peer by', () => {
    expect(refusal(() => load(withTunnel({}, { carrier: 'peer' }))).message).toMatch(
      /tunnels\[0\]\.tap\.carrier: is "peer", which with static keys needs a keepalive, at both ends: .* set "keepalive": \{\}, or "carrier": "up"/,
    );
  });

  it('is refused in clear', () => {
    expect(refusal(() => load(withTunnel({ macsec: null }, { carrier: 'peer' }))).message).toMatch(
      /tunnels\[0\]\.tap\.carrier: is "peer", which needs macsec with "mka" or a keepalive: in clear anybody can say to be the peer; set "up"/,
    );
  });
});
