/** A peer whose packet numbers begin again: who watches the log knows, once, and when it is over. */
import { pino } from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import type { SeenSnapshot } from '../../../src/api/tunnel.ts';
import { createAeadJob } from '../../../src/crypto/aead.ts';
import type { MacsecConfig } from '../../../src/macsec/config.ts';
import { createSecy, MAX_KEY_SLOTS } from '../../../src/macsec/configure.ts';
import type { SecY } from '../../../src/macsec/secy.ts';
import { createRxScratch, validate } from '../../../src/macsec/validate.ts';
import { RepeatWatch } from '../../../src/report/repeat-watch.ts';
import { seenOf } from '../../../src/report/seen.ts';
import type { TunnelView } from '../../../src/tunnel/view.ts';
import { BATCH_PROVIDER, batchOf, frameOf, macsecConfig, rxScOf, SCI, Site, saOf } from '../macsec/kit.ts';
import { OWN_SCI, tunnelOf } from '../tunnel/kit.ts';

const PEER = '0000002222220001';
const CONFIG = macsecConfig({ replayWindow: 64, rxSc: [rxScOf([saOf(), saOf({ an: 1 })], PEER)] });

interface Line {
  level: number;
  msg: string;
  sci: string;
  an: number;
}

let lines: Line[] = [];
let watch: RepeatWatch;
let nowMs = 0;

beforeEach(() => {
  lines = [];
  nowMs = 1_000_000;
  watch = new RepeatWatch(
    pino({ base: null }, { write: (line: string) => lines.push(JSON.parse(line) as Line) }),
  );
});

/** A tunnel whose receive lane validates what the test sends, and whose watch looks once a second. */
class Receiving {
  readonly #tunnel: TunnelView;
  readonly #secy: SecY;

  static async with(config: MacsecConfig = CONFIG): Promise<Receiving> {
    const { tunnel, secy, counters } = await tunnelOf(config);
    const keyring = BATCH_PROVIDER.openKeyring(MAX_KEY_SLOTS);
    return new Receiving(tunnel, createSecy(secy!.spec(), keyring, counters[1]!.secy));
  }

  constructor(tunnel: TunnelView, secy: SecY) {
    this.#tunnel = tunnel;
    this.#secy = secy;
  }

  /** A second in which these frames come; what the log says of it: levels. */
  second(...frames: readonly Buffer[]): number[] {
    const before = lines.length;
    for (const frame of frames) {
      const batch = batchOf([frame]);
      validate(this.#secy, batch, createAeadJob(batch.arena, batch.at), createRxScratch(1));
    }
    nowMs += 1000;
    watch.tick([this.#tunnel], nowMs);
    return lines.slice(before).map(({ level }) => level);
  }

  get seen(): SeenSnapshot {
    return seenOf(this.#tunnel.secy!, this.#tunnel.totals().secy, false);
  }
}

/** What the peer sends with PNs [from, to). */
function sent(from: number, to: number, changes: Partial<MacsecConfig> = {}, key?: string): Buffer[] {
  const config = macsecConfig({ txSa: [saOf({ pn: BigInt(from) }, key)], ...changes });
  return new Site(config, { sci: PEER }).protect(Array(to - from).fill(frameOf(62))).alive;
}

describe('a peer whose packet numbers begin again at 1', () => {
  it('is told once, by the log and, as long as it lasts, by show; and that it is over', async () => {
    const tunnel = await Receiving.with();
    expect(tunnel.second(...sent(1, 2001))).toEqual([]);
    expect(tunnel.seen.began_again).toEqual([]);
    expect(tunnel.second(...sent(1, 10))).toEqual([50]);
    expect(lines[0]).toMatchObject({ tunnel: 'site2', sci: PEER, an: 0, frames: 9, pn: 9 });
    expect(lines[0]!.msg).toMatch(
      /^the peer began again at packet number 1: it lost its state or uses another key under this AN, or another sender has its key.*: take new keys/,
    );
    expect(tunnel.second()).toEqual([]);
    expect(tunnel.second(...sent(10, 500))).toEqual([]);
    expect(tunnel.seen.began_again).toMatchObject([{ sci: PEER, an: 0, frames: 499, last_pn: 499 }]);
    expect(tunnel.seen.began_again[0]!.text).toBe(lines[0]!.msg);
    expect(tunnel.second(...sent(2001, 2002))).toEqual([40]);
    expect(lines[1]!.msg).toMatch(/accepted again.*take new keys/);
    expect(tunnel.seen.began_again).toEqual([]);
    expect(tunnel.second()).toEqual([]);
  });

  it('is told where its key is another, since nobody looks at the ICV of a late frame', async () => {
    const tunnel = await Receiving.with();
    tunnel.second(...sent(1, 101));
    expect(tunnel.second(...sent(1, 6, {}, '33'.repeat(16)))).toEqual([50]);
  });

  it('is told where many of its frames have been lost, and where it has sent many since', async () => {
    const tunnel = await Receiving.with();
    tunnel.second(...sent(1, 2), ...sent(8001, 8002));
    tunnel.second(...sent(1, 4001));
    expect(lines).toHaveLength(1);
    expect(tunnel.seen.began_again).toMatchObject([{ frames: 4000 }]);
  });

  it('is told anew at most every ten seconds, however often it begins', async () => {
    const tunnel = await Receiving.with();
    let next = 2000;
    for (let second = 0; second < 20; second += 2) {
      tunnel.second(...sent(next, ++next));
      tunnel.second(...sent(1, 4));
    }
    expect(lines.filter(({ level }) => level === 50)).toHaveLength(2);
  });

  it('is over when its SA has gone', async () => {
    const { tunnel, secy, counters } = await tunnelOf(CONFIG);
    const receiving = new Receiving(
      tunnel,
      createSecy(secy!.spec(), BATCH_PROVIDER.openKeyring(MAX_KEY_SLOTS), counters[1]!.secy),
    );
    receiving.second(...sent(1, 101));
    expect(receiving.second(...sent(1, 6))).toEqual([50]);
    await secy!.change((config) => ({ ...config, rxSc: [rxScOf([saOf({ an: 1 })], PEER)] }));
    expect(receiving.second()).toEqual([30]);
    await secy!.change((config) => ({ ...config, rxSc: [] }));
    expect(receiving.second()).toEqual([]);
  });
});

describe('what is ordinary is not told', () => {
  it.each<[string, readonly Buffer[]]>([
    ['one or two duplicates', [...sent(1, 100), ...sent(98, 100)]],
    ['duplicates among what is accepted', [...sent(1, 4), ...sent(1, 4), ...sent(4, 5), ...sent(1, 3)]],
    ['frames from before the window', [...sent(1, 2), ...sent(9000, 9001), ...sent(7000, 7100)]],
    ['frames in order', sent(1, 3000)],
    ['a wrong key with packet numbers that go on', [...sent(1, 50), ...sent(50, 90, {}, '33'.repeat(16))]],
  ])('%s', async (_, frames) => {
    const tunnel = await Receiving.with();
    expect(tunnel.second(...frames)).toEqual([]);
    expect(tunnel.seen.began_again).toEqual([]);
  });

  it('a tunnel without MACsec', async () => {
    watch.tick([(await tunnelOf(null)).tunnel], nowMs);
    expect(lines).toEqual([]);
  });
});

describe('a peer that sends with an AN that we lack', () => {
  const onAn = (an: number, pn: number): Buffer[] =>
    sent(pn, pn + 1, { encodingSa: an, txSa: [saOf({ an, pn: BigInt(pn) })] });

  it('is told by show until a frame of its channel is accepted', async () => {
    const tunnel = await Receiving.with();
    tunnel.second(...sent(1, 4));
    expect(tunnel.seen.unused_sa).toBeNull();
    tunnel.second(...onAn(3, 1));
    expect(tunnel.seen.unused_sa).toEqual({
      sci: PEER,
      an: 3,
      text: `the peer sends with AN 3, which has no active receive SA in rxSc ${PEER} (active: AN 0, 1): compare the keys at both ends`,
    });
    tunnel.second(...sent(4, 5));
    expect(tunnel.seen.unused_sa).toBeNull();
  });

  it.each([
    [
      'the channel is off',
      rxScOf([saOf()], PEER, false),
      `the peer sends with AN 0, and rxSc ${PEER} is not active`,
    ],
    [
      'no SA is on',
      rxScOf([saOf({ active: false })], PEER),
      `the peer sends with AN 0, which has no active receive SA in rxSc ${PEER} (active: none): compare the keys at both ends`,
    ],
  ])('is told why: %s', async (_, sc, text) => {
    const tunnel = await Receiving.with({ ...CONFIG, rxSc: [sc] });
    tunnel.second(...onAn(0, 1));
    expect(tunnel.seen.unused_sa?.text).toBe(text);
  });
});

describe('a peer whose SCI we lack', () => {
  it('is told by show with its SCI', async () => {
    const tunnel = await Receiving.with();
    tunnel.second(...new Site(macsecConfig(), { sci: '0200000000020001' }).protect([frameOf(62)]).alive);
    expect(tunnel.seen.unknown_sci).toMatchObject({ sci: '0200000000020001' });
    expect(tunnel.seen.unknown_sci!.text).toContain(`rxSc has ${PEER}`);
  });

  it('is not us', async () => {
    expect(OWN_SCI).toBe(SCI);
    const tunnel = await Receiving.with();
    tunnel.second(...new Site(macsecConfig(), { sci: OWN_SCI }).protect([frameOf(62)]).alive);
    expect(tunnel.seen.unknown_sci).toBeNull();
  });
});
