/** Packet numbers that run out: who watches the log knows in time, and once. */
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import type { MacsecConfig } from '../../../src/macsec/config.ts';
import { countersAt, TxSaCounter, writeNextPn } from '../../../src/macsec/counters.ts';
import { type PnUsage, PnWatch } from '../../../src/report/pn-watch.ts';
import type { SecyControl } from '../../../src/tunnel/secy-control.ts';
import type { TunnelView } from '../../../src/tunnel/view.ts';
import { macsecConfig, saOf } from '../macsec/kit.ts';
import { tunnelOf } from '../tunnel/kit.ts';

interface Line {
  level: number;
  msg: string;
  tunnel: string;
  an: number;
  pn: number;
  left: number;
  usedPercent: number;
  secondsLeft?: number;
}

const END = 2 ** 32;
let lines: Line[] = [];
let watch: PnWatch;
let nowMs = 0;

beforeEach(() => {
  lines = [];
  nowMs = 1_000_000;
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      lines.push(JSON.parse(chunk.toString()) as Line);
      done();
    },
  });
  watch = new PnWatch(pino(stream));
});

/** A tunnel whose transmit lane stands where the test says. */
class Sending {
  readonly secy: SecyControl | null;
  readonly #tunnel: TunnelView;
  readonly #counters: Float64Array;

  static async with(macsec: MacsecConfig | null, agreesKeys = false): Promise<Sending> {
    const { tunnel, secy, counters } = await tunnelOf(macsec);
    return new Sending({ ...tunnel, agreesKeys }, secy, counters[0]!.secy);
  }

  constructor(tunnel: TunnelView, secy: SecyControl | null, counters: Float64Array) {
    this.#tunnel = tunnel;
    this.secy = secy;
    this.#counters = counters;
  }

  get usage(): PnUsage | null {
    return watch.usageOf(this.#tunnel);
  }

  /** A second later the next PN of `an` is `pn`. */
  at(pn: number | bigint, an = 0): void {
    const next = BigInt(pn);
    const at = countersAt.txSa(an) + TxSaCounter.nextPn;
    writeNextPn(this.#counters, at, Number(next >> 32n), Number(next & 0xffff_ffffn));
    nowMs += 1000;
    watch.tick([this.#tunnel], nowMs);
  }
}

describe('packet numbers', () => {
  it('are told with how long they last at the rate of late', async () => {
    const sending = await Sending.with(macsecConfig());
    expect(sending.usage).toBeNull();
    for (let i = 0; i <= 200; i++) sending.at(1 + i * 1000);
    expect(sending.usage!.usedRatio).toBeCloseTo(200_001 / END, 5);
    expect(sending.usage!.exhaustionSeconds).toBeCloseTo((END - 200_001) / 1000, 0);
    for (let i = 0; i < 2000; i++) sending.at(200_001);
    expect(sending.usage!.exhaustionSeconds).toBeNull();
  });

  it('have no end while none is used, and are not told where none are', async () => {
    const sending = await Sending.with(macsecConfig());
    for (let i = 0; i < 3; i++) sending.at(1);
    expect(sending.usage!.exhaustionSeconds).toBeNull();
    const clear = await Sending.with(null);
    clear.at(1);
    expect(clear.usage).toBeNull();
  });
});

describe('packet numbers that run out', () => {
  it('are told at 75, 90, 95, 99 and 100 percent, once each, with the time left at the present rate', async () => {
    const sending = await Sending.with(macsecConfig());
    const step = 2 ** 24;
    for (let pn = 1; pn < END; pn += step) sending.at(pn);
    for (let i = 0; i < 3; i++) sending.at(END);
    expect(lines.map(({ usedPercent }) => usedPercent)).toEqual([75, 90, 95, 99, 100]);
    for (const { level, left, secondsLeft, tunnel, an, msg } of lines.slice(0, 4)) {
      expect({ level, tunnel, an, msg }).toEqual({
        level: 40,
        tunnel: 'site2',
        an: 0,
        msg: 'packet numbers run out: install a new key (l2vpnd rotate)',
      });
      expect(secondsLeft).toBe(Math.round(left / step));
    }
    expect(lines[4]).toMatchObject({
      level: 50,
      left: 0,
      msg: expect.stringMatching(/used up.*l2vpnd rotate/),
    });
  });

  it('of a key that was agreed on are told from 95 percent on, as the next one comes by itself at 75', async () => {
    const sending = await Sending.with(macsecConfig(), true);
    for (let pn = 1; pn < END; pn += 2 ** 24) sending.at(pn);
    sending.at(END);
    expect(lines.map(({ usedPercent }) => usedPercent)).toEqual([95, 99, 100]);
    for (const { msg } of lines) {
      expect(msg).toMatch(/agreed on.*l2vpnd show/);
      expect(msg).not.toContain('rotate');
    }
  });

  it('say nothing below 75 percent', async () => {
    const sending = await Sending.with(macsecConfig());
    for (const pn of [1, 2 ** 31, 0.7499 * END]) sending.at(Math.floor(pn));
    expect(lines).toEqual([]);
  });

  it('that an SA starts with are told with its first second of sending', async () => {
    const pn = Math.floor(0.92 * END);
    const sending = await Sending.with(macsecConfig({ txSa: [saOf({ pn: BigInt(pn) })] }));
    sending.at(0);
    expect(lines).toEqual([]);
    sending.at(pn + 1000);
    expect(lines).toMatchObject([{ usedPercent: 92, secondsLeft: Math.round((END - pn - 1000) / 1000) }]);
    sending.at(pn + 2000);
    expect(lines).toHaveLength(1);
  });

  it('have no time left to tell while nothing is sent', async () => {
    const pn = Math.floor(0.8 * END);
    const sending = await Sending.with(macsecConfig({ txSa: [saOf({ pn: BigInt(pn) })] }));
    sending.at(0);
    sending.at(0);
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toHaveProperty('secondsLeft');
  });

  it('that are used up at the start are an error', async () => {
    const sending = await Sending.with(macsecConfig({ txSa: [saOf({ pn: BigInt(END - 1) })] }));
    sending.at(END);
    sending.at(END);
    expect(lines).toMatchObject([{ level: 50, left: 0, usedPercent: 100 }]);
  });

  it('one line tells of several marks passed at once', async () => {
    const sending = await Sending.with(macsecConfig());
    sending.at(1);
    sending.at(Math.floor(0.965 * END));
    expect(lines.map(({ usedPercent }) => usedPercent)).toEqual([96]);
    sending.at(Math.floor(0.97 * END));
    expect(lines).toHaveLength(1);
  });

  it('a new key begins anew', async () => {
    const sending = await Sending.with(macsecConfig());
    sending.at(1);
    sending.at(Math.floor(0.76 * END));
    const rotated = macsecConfig({ encodingSa: 1, txSa: [saOf({ an: 1, keyId: '09' }, '33'.repeat(16))] });
    await sending.secy?.change(() => rotated);
    sending.at(1, 1);
    sending.at(Math.floor(0.76 * END), 1);
    expect(lines.map(({ an, usedPercent }) => [an, usedPercent])).toEqual([
      [0, 75],
      [1, 75],
    ]);
  });

  it('of 64 bits (XPN) are not used up at 2^32', async () => {
    const salt = Buffer.alloc(12, 7);
    const sending = await Sending.with(
      macsecConfig({ cipher: 'gcm-aes-xpn-128', txSa: [saOf({ ssci: 1, salt })], rxSc: [] }),
    );
    for (const pn of [1, END - 1, END, 2 ** 40]) sending.at(pn);
    expect(lines).toEqual([]);
    sending.at((2n ** 64n * 76n) / 100n);
    expect(lines).toMatchObject([
      { level: 40, usedPercent: 75, pn: '14019525496019259228', left: '4427218577690292388' },
    ]);
    // The nearest number of JavaScript is 2^64: nothing is used up yet.
    sending.at(2n ** 64n - 1n);
    expect(lines.at(-1)).toMatchObject({ level: 40, usedPercent: 99, left: 1 });
    sending.at(2n ** 64n);
    expect(lines.at(-1)).toMatchObject({ level: 50, usedPercent: 100, left: 0 });
  });

  it('of a new SA are not mistaken for those of the one before, whose counters a lane has not cleared yet', async () => {
    const sending = await Sending.with(macsecConfig());
    sending.at(1);
    sending.at(END);
    expect(lines).toHaveLength(1);
    const replaced = macsecConfig({ txSa: [saOf({ keyId: '09' }, '33'.repeat(16))] });
    await sending.secy?.change(() => replaced);
    sending.at(END);
    sending.at(1);
    expect(lines).toHaveLength(1);
  });

  it('there are none without MACsec', async () => {
    (await Sending.with(null)).at(END);
    expect(lines).toEqual([]);
  });
});
