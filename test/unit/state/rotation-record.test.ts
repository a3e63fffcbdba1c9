import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { L2vpnError } from '../../../src/errors.ts';
import { channelId } from '../../../src/state/pn-channel.ts';
import type { ReadKey, RotatedSa, RotationRecord } from '../../../src/state/rotation-record.ts';
import type { StateStore } from '../../../src/state/store.ts';
import { dropDir, makeDir, refusal, startStore } from './kit.ts';

const [OWN, PEER] = ['0000001111110001', '0000002222220001'];
const TX_FILE = '/etc/l2vpnd/keys/tx-2.key';
const RX_FILE = '/etc/l2vpnd/keys/rx-2.key';
let keys: Map<string, KeyObject>;
const readKey: ReadKey = ({ keyFile }) => keys.get(keyFile!)!;

let dir: string;
let store: StateStore;
beforeEach(async () => {
  dir = makeDir();
  keys = new Map([TX_FILE, RX_FILE].map((file) => [file, createSecretKey(randomBytes(32))]));
  ({ store } = await startStore(dir));
});
afterEach(() => dropDir(dir));

function saOf(keyFile: string, sci: string, fields: Partial<RotatedSa> = {}): RotatedSa {
  const sa = { an: 1, keyId: '02', keyFile, ssci: null, salt: null, ...fields };
  return { ...sa, channel: channelId({ ...sa, sak: keys.get(keyFile)!, sci }) };
}

function recordOf(fields: Partial<RotatedSa> = {}): RotationRecord {
  const rxSc = [{ sci: PEER, sa: [saOf(RX_FILE, PEER, fields)] }];
  return {
    sci: OWN,
    encodingSa: 1,
    txSa: [saOf(TX_FILE, OWN, fields)],
    rxSc,
    replaces: ['0'.repeat(32)],
    pending: null,
  };
}

const path = (): string => join(dir, 'tunnel-site2.rotation.json');

describe("a rotation's outcome", () => {
  it.each([
    ['of a cipher with 32-bit packet numbers', {}],
    ['of an XPN cipher', { ssci: 0xffffffff, salt: '00112233445566778899aabb' }],
  ])('%s is there after a restart', async (_what, fields) => {
    const record = recordOf(fields);
    await store.saveRotation('site2', record, readKey);
    const again = (await startStore(dir)).store;
    expect(await again.loadRotation('site2', readKey)).toEqual(record);
    expect(await again.loadRotation('site3', readKey)).toBeNull();
  });

  it('holds no key', async () => {
    await store.saveRotation('site2', recordOf(), readKey);
    const text = readFileSync(path(), 'utf8');
    for (const key of keys.values()) expect(text).not.toContain(key.export().toString('hex'));
  });

  it('is forgotten when it is cleared, also where there is none', async () => {
    await store.clearRotation('site2');
    await store.saveRotation('site2', recordOf(), readKey);
    await store.clearRotation('site2');
    expect(await (await startStore(dir)).store.loadRotation('site2', readKey)).toBeNull();
  });

  it.each<[string, (text: string) => string]>([
    ['cut off', (text) => text.slice(0, 50)],
    ['edited', (text) => text.replace('"02"', '"03"')],
    ['with a field more', (text) => text.replace('{', '{"more":1,')],
    ['with a relative key file', (text) => text.replace('/etc/', 'etc/')],
    ['with an AN that there is not', (text) => text.replaceAll('"an":1', '"an":4')],
    ['whose encoding SA is not in it', (text) => text.replace('"encodingSa":1', '"encodingSa":2')],
    ['without a seal', (text) => text.replace(/,"mac":"[^"]*"/, '')],
    ['of another tunnel', (text) => text.replace('"name":"site2"', '"name":"site3"')],
  ])('%s: refused, with what to do', async (_what, damage) => {
    await store.saveRotation('site2', recordOf(), readKey);
    writeFileSync(path(), damage(readFileSync(path(), 'utf8')));
    const error = await refusal(store.loadRotation('site2', readKey));
    expect(error).toMatchObject({ code: 'L2VPN_STATE', exitStatus: 71 });
    expect(error.message).toMatch(/last rotation of tunnel "site2" in \S+ is corrupt: write the keys in use/);
  });

  it('whose key file was exchanged: refused by name', async () => {
    await store.saveRotation('site2', recordOf(), readKey);
    keys.set(RX_FILE, createSecretKey(randomBytes(32)));
    const error = await refusal(store.loadRotation('site2', readKey));
    expect(error.code).toBe('L2VPN_STATE');
    expect(error.message).toMatch(/key file \S+rx-2\.key holds another key than the key 02/);
  });

  it('whose key file is gone: what reading it said', async () => {
    await store.saveRotation('site2', recordOf(), readKey);
    const gone = new L2vpnError('L2VPN_KEYFILE', 'key file x does not exist');
    const fail: ReadKey = () => {
      throw gone;
    };
    await expect(store.loadRotation('site2', fail)).rejects.toBe(gone);
  });

  it('never leaves the directory, whatever the tunnel is called', async () => {
    for (const name of ['../x', 'a/b', '', '.', 'x'.repeat(33)]) {
      expect((await refusal(store.saveRotation(name, recordOf(), readKey))).code).toBe('L2VPN_INTERNAL');
    }
  });
});
