/** Static keys over restarts, crashes and reloads: what a rotation has replaced never comes back, in whatever order ends start again. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { permitExampleKeys } from '../../../src/config/example-keys.ts';
import { readKeyFile } from '../../../src/config/keys.ts';
import { channelIds } from '../../../src/keys/kept-sas.ts';
import type { FiledKeys } from '../../../src/keys/key-source.ts';
import { StaticKeys, type StaticSas } from '../../../src/keys/static.ts';
import { defaultSa, type SaConfig } from '../../../src/macsec/config.ts';
import { countersAt, RxSaCounter } from '../../../src/macsec/counters.ts';
import { oneAfterAnother } from '../../../src/tunnel/in-turn.ts';
import { TunnelSaControl } from '../../../src/tunnel/sa-control.ts';
import type { SaSet } from '../../../src/tunnel/sa-set.ts';
import { SecyControl } from '../../../src/tunnel/secy-control.ts';
import { macsecConfig } from '../macsec/kit.ts';
import { MemoryLanes, MemoryState, OWN_SCI } from '../tunnel/kit.ts';
import { MemoryKeyStore } from './kit.ts';

const PEER = '0000002222220001';
const GRACE_MS = 1000;
permitExampleKeys();
let dir: string;
beforeEach(() => {
  vi.useFakeTimers();
  dir = mkdtempSync(join(tmpdir(), 'l2vpnd-static-'));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(dir, { recursive: true });
});

/** A key file, of one repeated octet. */
function keyFile(octet: string): string {
  const path = join(dir, octet);
  writeFileSync(path, octet.repeat(16), { mode: 0o600 });
  return path;
}

function sa(octet: string, an: number): SaConfig {
  const path = keyFile(octet);
  return { ...defaultSa, an, keyId: octet, keyFile: path, sak: readKeyFile(path, 16) };
}

function file(tx: string, rx: string, an = 0): SaSet {
  return { encodingSa: an, txSa: [sa(tx, an)], rxSc: [{ sci: PEER, active: true, sa: [sa(rx, an)] }] };
}

function filed(sas: SaSet): FiledKeys {
  return { macsec: macsecConfig(sas), mka: null };
}

/** A process: what it has on disk (`store`) outlives it. */
class Site {
  readonly lanes = new MemoryLanes();
  readonly logged: string[] = [];
  readonly keys: StaticKeys;
  readonly sas: TunnelSaControl;
  readonly #secy: SecyControl;

  private constructor(given: StaticSas, store: MemoryKeyStore) {
    this.#secy = new SecyControl(macsecConfig(), OWN_SCI, new MemoryState(), this.lanes);
    this.sas = new TunnelSaControl(this.#secy);
    const log = pino({ level: 'info' }, { write: (line) => void this.logged.push(JSON.parse(line).msg) });
    this.keys = new StaticKeys('site2', given, { log, inTurn: oneAfterAnother(), store });
  }

  static async start(given: SaSet | StaticSas, store: MemoryKeyStore): Promise<Site> {
    const site = new Site('filed' in given ? given : { sas: given, filed: null }, store);
    await site.keys.start(site.sas);
    return site;
  }

  rotate(tx: string, rx: string, now = false): Promise<unknown> {
    const files = { txKeyFile: keyFile(tx), rxKeyFile: keyFile(rx) };
    return this.keys.rotate({ ...files, txKeyId: tx, rxKeyId: rx, now, graceMs: GRACE_MS });
  }

  /** The peer sends with its SA `an`. */
  async hear(an: number): Promise<void> {
    this.lanes.published[countersAt.rxSa(this.#secy.rxPlace(PEER), an) + RxSaCounter.inPktsOk]! += 1;
    await vi.advanceTimersByTimeAsync(60);
  }

  /** A whole rotation, the peer having followed. */
  async rotated(tx: string, rx: string): Promise<void> {
    await this.rotate(tx, rx, true);
    await this.hear(this.sas.sas.encodingSa);
    await vi.advanceTimersByTimeAsync(GRACE_MS + 200);
  }

  /** Key identifiers: `tx@AN…/rx@AN…`, the encoding one marked. */
  get running(): string {
    const { txSa, rxSc, encodingSa } = this.sas.sas;
    const say = ({ keyId, an }: SaConfig): string => `${keyId}@${an}`;
    const tx = txSa.map((one) => (one.an === encodingSa ? `*${say(one)}` : say(one)));
    return `${tx.join(' ')} / ${rxSc.flatMap((sc) => sc.sa.map(say)).join(' ')}`;
  }
}

describe('after a rotation', () => {
  it('a start by the old file has the new keys, after a crash too, and the old ones are retired', async () => {
    const store = new MemoryKeyStore();
    const first = await Site.start(file('11', '22'), store);
    await first.rotated('33', '44');
    expect(first.running).toBe('*33@1 / 44@1');
    expect([...store.retired].sort()).toEqual(channelIds(OWN_SCI, file('11', '22')).sort());
    const second = await Site.start(file('11', '22'), store);
    expect(second.running).toBe('*33@1 / 44@1');
    expect(second.logged).toContain(
      'the SAs of the last rotation go on, in place of those in the configuration',
    );
  });

  it('a crash before the old keys were retired is made good by the next start', async () => {
    const store = new MemoryKeyStore();
    await (await Site.start(file('11', '22'), store)).rotated('33', '44');
    store.retired.clear();
    await Site.start(file('11', '22'), store);
    expect(store.retired.size).toBe(2);
  });

  it('a start by a file that says the same needs nothing kept; one that has them under another AN still does', async () => {
    const store = new MemoryKeyStore();
    await (await Site.start(file('11', '22'), store)).rotated('33', '44');
    const underAn0 = await Site.start(file('33', '44', 0), store);
    expect([underAn0.running, store.records.size]).toEqual(['*33@1 / 44@1', 1]);
    const same = await Site.start(file('33', '44', 1), store);
    expect([same.running, store.records.size]).toEqual(['*33@1 / 44@1', 0]);
  });

  it('a start by a file with other keys has those', async () => {
    const store = new MemoryKeyStore();
    await (await Site.start(file('11', '22'), store)).rotated('33', '44');
    const other = await Site.start(file('55', '66'), store);
    expect([other.running, store.records.size]).toEqual(['*55@0 / 66@0', 0]);
  });

  it('a start whose key file is gone is refused by its name', async () => {
    const store = new MemoryKeyStore();
    await (await Site.start(file('11', '22'), store)).rotated('33', '44');
    rmSync(join(dir, '33'));
    await expect(Site.start(file('11', '22'), store)).rejects.toThrow(/33 does not exist/);
  });

  it('a second rotation after a restart goes on from there', async () => {
    const store = new MemoryKeyStore();
    await (await Site.start(file('11', '22'), store)).rotated('33', '44');
    const second = await Site.start(file('11', '22'), store);
    await second.rotated('55', '66');
    expect(second.running).toBe('*55@2 / 66@2');
    expect((await Site.start(file('11', '22'), store)).running).toBe('*55@2 / 66@2');
  });
});

describe('a restart in the middle of a rotation', () => {
  it.each([
    ['that waits for the peer', false, '*11@0 33@1 / 22@0 44@1'],
    ['that has moved', true, '11@0 *33@1 / 22@0 44@1'],
  ])('%s goes on with it', async (_, now, running) => {
    const store = new MemoryKeyStore();
    const first = await Site.start(file('11', '22'), store);
    await first.rotate('33', '44', now);
    first.keys.stop();
    const second = await Site.start(file('11', '22'), store);
    expect(second.running).toBe(running);
    expect(second.keys.rotation).toMatchObject({ an: 1, state: now ? 'grace time' : 'waiting for the peer' });
    await second.hear(1);
    await vi.advanceTimersByTimeAsync(GRACE_MS + 200);
    expect([second.running, second.keys.rotation?.state]).toEqual(['*33@1 / 44@1', 'done']);
  });

  it('that was aborted has the old keys', async () => {
    const store = new MemoryKeyStore();
    const first = await Site.start(file('11', '22'), store);
    await first.rotate('33', '44', true);
    expect(await first.keys.abort()).toMatchObject({ state: 'aborted' });
    expect((await Site.start(file('11', '22'), store)).running).toBe('*11@0 / 22@0');
    await expect(first.keys.abort()).rejects.toThrow(/is in no rotation/);
  });
});

describe('a reload', () => {
  /** As the daemon does it. */
  async function reload(site: Site, before: SaSet, after: SaSet): Promise<void> {
    await site.keys.reload(filed(before), filed(after));
    await site.keys.keep(filed(before), filed(after));
  }

  it('that changes an identifier after a rotation brings no old key back, now or after a restart', async () => {
    const store = new MemoryKeyStore();
    const site = await Site.start(file('11', '22'), store);
    await site.rotated('33', '44');
    const before = file('11', '22');
    const after = { ...before, txSa: [{ ...before.txSa[0]!, keyId: 'ee' }] };
    await reload(site, before, after);
    expect(site.running).toBe('*33@1 / 44@1');
    expect((await Site.start(after, store)).running).toBe('*33@1 / 44@1');
  });

  it('with the new keys in the file lets a rotation under way go on', async () => {
    const store = new MemoryKeyStore();
    const site = await Site.start(file('11', '22'), store);
    await site.rotate('33', '44');
    await reload(site, file('11', '22'), file('33', '44', 1));
    expect([site.running, site.keys.rotation?.state]).toEqual([
      '*11@0 33@1 / 22@0 44@1',
      'waiting for the peer',
    ]);
    await site.hear(1);
    await vi.advanceTimersByTimeAsync(GRACE_MS + 200);
    expect(site.running).toBe('*33@1 / 44@1');
    expect((await Site.start(file('33', '44', 1), store)).running).toBe('*33@1 / 44@1');
  });

  it('with other keys ends it', async () => {
    const store = new MemoryKeyStore();
    const site = await Site.start(file('11', '22'), store);
    await site.rotate('33', '44');
    await reload(site, file('11', '22'), file('55', '66', 2));
    expect([site.running, site.keys.rotation, store.records.size]).toEqual(['*55@2 / 66@2', null, 0]);
  });

  it('that is undone leaves all as it was', async () => {
    const store = new MemoryKeyStore();
    const site = await Site.start(file('11', '22'), store);
    await site.rotated('33', '44');
    const undo = await site.keys.reload(filed(file('11', '22')), filed(file('55', '66', 2)));
    await undo();
    expect(site.running).toBe('*33@1 / 44@1');
    expect((await Site.start(file('11', '22'), store)).running).toBe('*33@1 / 44@1');
  });
});

it('a tunnel that was down goes on with the SAs that ran, and a restart still knows the file', async () => {
  const store = new MemoryKeyStore();
  const first = await Site.start(file('11', '22'), store);
  await first.rotate('33', '44', true);
  first.keys.stop();
  const again = await Site.start(first.keys.running!, store);
  expect([again.running, again.keys.rotation?.state]).toEqual(['11@0 *33@1 / 22@0 44@1', 'grace time']);
  await again.hear(1);
  await vi.advanceTimersByTimeAsync(GRACE_MS + 200);
  const later = await Site.start(again.keys.running!, store);
  expect([later.running, store.records.size]).toEqual(['*33@1 / 44@1', 1]);
  expect((await Site.start(file('11', '22'), store)).running).toBe('*33@1 / 44@1');
});
