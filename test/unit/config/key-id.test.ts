import { createHmac, createSecretKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { defaultKeyId } from '../../../src/config/key-id.ts';
import { configWarnings } from '../../../src/config/warnings.ts';
import { KEY_A, KEY_B, load, sample } from './sample.ts';

describe('the default keyId', () => {
  it('is HMAC-SHA-256 of a label by the key, cut to four octets', () => {
    const octets = Buffer.from(KEY_A, 'hex');
    const mac = createHmac('sha256', octets).update('l2vpnd default keyId').digest('hex');
    expect(defaultKeyId(createSecretKey(octets))).toBe(mac.slice(0, 8));
  });

  it('is that of each key, the same at both ends, and no part of the key; an explicit one stays', () => {
    const value = sample();
    delete value.tunnels[0].macsec.txSa[0].keyId;
    const { txSa, rxSc } = load(value).tunnels[0]!.macsec!;
    expect(txSa[0]!.keyId).toMatch(/^[0-9a-f]{8}$/);
    expect(KEY_A).not.toContain(txSa[0]!.keyId);
    expect(rxSc[0]!.sa[0]!.keyId).toBe('02');

    value.tunnels[0].macsec.rxSc[0].sa[0] = { key: KEY_A };
    value.tunnels[0].macsec.txSa[0] = { key: KEY_B };
    const peer = load(value).tunnels[0]!.macsec!;
    expect(peer.rxSc[0]!.sa[0]!.keyId).toBe(txSa[0]!.keyId);
    expect(peer.txSa[0]!.keyId).not.toBe(txSa[0]!.keyId);
    expect(configWarnings(load(value), 'a.json')).toEqual([]);
  });
});
