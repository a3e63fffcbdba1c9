/** Keys that come, go and change while frames travel: a running SecY against a naive model of the life of its SAs. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { configureSecy, createSecy, MAX_KEY_SLOTS } from '../../../src/macsec/configure.ts';
import { PnGrant } from '../../../src/macsec/packet-number.ts';
import type { SaShare, SecySpec } from '../../../src/macsec/secy.ts';
import { pnAt } from '../../../src/wire/sectag.ts';
import {
  BATCH_PROVIDER,
  frameOf,
  macsecConfig,
  PROVIDERS,
  rxScOf,
  SCI,
  Site,
  saOf,
  secySpec,
} from './kit.ts';

const SCIS = [SCI, '0000003333330001', '0000004444440001'] as const;
const GENERATIONS = 3;
const keyOf = (sc: number, an: number, generation: number): string =>
  `${sc + 1}${an}${generation}7`.repeat(8);

/** One receive SA of the model. */
interface Installed {
  readonly generation: number;
  readonly active: boolean;
}

/** By channel, then AN; undefined: not there. */
type Layout = (Partial<Record<number, Installed>> | undefined)[];

/** Who sends with one key: its packet numbers go on, whatever the receiver does. */
class Sender {
  readonly site: Site;
  last: Buffer | null = null;
  /** What the receiver has accepted, plus 1: what the main thread would store. */
  next = 1;

  constructor(sc: number, an: number, generation: number) {
    const sa = saOf({ an }, keyOf(sc, an, generation));
    this.site = new Site(macsecConfig({ txSa: [sa], encodingSa: an, rxSc: [] }), { sci: SCIS[sc]! });
  }

  frame(): Buffer {
    this.last = this.site.protect([frameOf(60)]).alive[0]!;
    return this.last;
  }
}

const installed = fc.record({ generation: fc.nat(GENERATIONS - 1), active: fc.boolean() });
const channel = fc.dictionary(fc.constantFrom('0', '1', '2', '3'), installed) as fc.Arbitrary<
  Partial<Record<number, Installed>>
>;
const layouts: fc.Arbitrary<Layout> = fc.tuple(
  ...SCIS.map(() => fc.option(channel, { nil: undefined, freq: 4 })),
);
const address = { sc: fc.nat(2), an: fc.nat(3), generation: fc.nat(GENERATIONS - 1) };
const steps = fc.array(
  fc.oneof(
    { weight: 1, arbitrary: fc.record({ layout: layouts, moved: fc.boolean() }) },
    { weight: 6, arbitrary: fc.record({ ...address, again: fc.boolean() }) },
  ),
  { maxLength: 80 },
);

describe.each(PROVIDERS)('the life of receive SAs (802.1AE 10.7), AEAD provider $name', (provider) => {
  it('is that of the model, whatever is installed, switched off, replaced, removed and sent', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const senders = new Map<string, Sender>();
        const senderOf = (sc: number, an: number, generation: number): Sender => {
          const key = `${sc}/${an}/${generation}`;
          if (!senders.has(key)) senders.set(key, new Sender(sc, an, generation));
          return senders.get(key)!;
        };
        /** `moved`: places are given out anew, as for a SecY that is configured by position. */
        const specOf = (layout: Layout, moved: boolean): SecySpec => {
          const present = layout.flatMap((sas, sc) => (sas === undefined ? [] : [{ sc, sas }]));
          const entries = ({ sas }: (typeof present)[number]) =>
            Object.entries(sas).map(([an, sa]) => ({ an: Number(an), ...sa! }));
          const config = macsecConfig({
            replayWindow: 8,
            txSa: [],
            rxSc: present.map((one) =>
              rxScOf(
                entries(one).map(({ an, generation, active }) =>
                  saOf({ an, active }, keyOf(one.sc, an, generation)),
                ),
                SCIS[one.sc],
              ),
            ),
          });
          const rxShare = present.map((one) =>
            entries(one).map(
              ({ an, generation }): SaShare => ({
                pn: null,
                nextPn: BigInt(senderOf(one.sc, an, generation).next),
                serial: 100 * one.sc + 10 * an + generation,
              }),
            ),
          );
          const rxIndex = moved ? {} : { rxIndex: present.map(({ sc }) => sc) };
          return { config, sci: '0000002222220001', txShare: [], rxShare, ...rxIndex };
        };
        let layout: Layout = [undefined, undefined, undefined];
        const site = new Site(macsecConfig({ rxSc: SCIS.map((sci) => rxScOf([], sci)), txSa: [] }));
        const secy = createSecy(specOf(layout, false), provider.openKeyring(MAX_KEY_SLOTS), site.counters);
        Object.assign(site, { secy });
        for (const step of list) {
          if ('layout' in step) {
            layout = step.layout;
            configureSecy(secy, specOf(layout, step.moved));
            continue;
          }
          const { sc, an, generation, again } = step;
          const sender = senderOf(sc, an, generation);
          const frame = again && sender.last !== null ? sender.last : sender.frame();
          const sa = layout[sc]?.[an];
          const pn = pnAt(frame, 0);
          const expected = ((): string => {
            if (layout[sc] === undefined) return 'InPktsNoSCI';
            if (sa === undefined || !sa.active) return 'InPktsNotUsingSA';
            const current = senderOf(sc, an, sa.generation);
            if (sa.generation !== generation) {
              // Below the window of the key that is there now, nobody looks at the ICV.
              return pn < current.next - 8 ? 'InPktsLate' : 'maybe';
            }
            return pn < sender.next ? 'InPktsLate' : 'delivered';
          })();
          const [got] = site.validate([frame]).hex;
          if (expected === 'delivered') {
            expect(got).toBe(frameOf(60).toString('hex'));
            sender.next = pn + 1;
          } else if (expected === 'maybe') expect(['InPktsNotValid', 'InPktsLate']).toContain(got);
          else expect(got).toBe(expected);
        }
      }),
      { numRuns: 150 },
    );
  });
});

describe('a key change (rotation)', () => {
  it('receive first, then transmit: nothing is lost, and the old key goes', () => {
    const old = saOf({ an: 0 });
    const fresh = saOf({ an: 1 }, '44'.repeat(16));
    const tx = new Site(macsecConfig({ txSa: [old], rxSc: [] }));
    const rx = new Site(macsecConfig({ rxSc: [rxScOf([old])], txSa: [] }));
    const grants = [new PnGrant(1n), new PnGrant(1n)];
    for (const grant of grants) grant.grant(1000n, 1000n);
    const txShare = grants.map(({ shared }, serial) => ({ pn: shared, nextPn: 0n, serial }));
    const rxShare = [0, 1].map((serial) => ({ pn: null, nextPn: 1n, serial }));
    const receive = (sas: (typeof old)[]): void => {
      const config = macsecConfig({ rxSc: [rxScOf(sas)], txSa: [] });
      configureSecy(rx.secy, { config, sci: SCI, txShare: [], rxShare: [sas.map(({ an }) => rxShare[an]!)] });
    };
    const transmit = (sas: (typeof old)[], encodingSa: number): void => {
      const config = macsecConfig({ txSa: sas, encodingSa, rxSc: [] });
      configureSecy(tx.secy, { config, sci: SCI, txShare: sas.map(({ an }) => txShare[an]!), rxShare: [] });
    };
    const send = (): Buffer[] => tx.protect([frameOf(60), frameOf(61)]).alive;
    const both = [frameOf(60), frameOf(61)];
    receive([old]);
    transmit([old], 0);
    expect(rx.validate(send()).alive).toEqual(both);
    receive([old, fresh]);
    const late = send();
    transmit([old, fresh], 1);
    expect(rx.validate(send()).alive).toEqual(both);
    expect(rx.validate(late).alive).toEqual(both);
    receive([fresh]);
    transmit([fresh], 1);
    expect(rx.validate(send()).alive).toEqual(both);
    expect(rx.validate(late).hex).toEqual(['InPktsNotUsingSA', 'InPktsNotUsingSA']);
  });

  it('leaves packet numbers and replay windows of what stays untouched', () => {
    const config = macsecConfig({ replayWindow: 0 });
    const { spec } = secySpec(config);
    const kept: SecySpec = {
      ...spec,
      txShare: spec.txShare.map((share) => ({ ...share, serial: 1 })),
      rxShare: spec.rxShare.map((shares) => shares.map((share) => ({ ...share, serial: 1 }))),
    };
    const site = new Site(config);
    const secy = createSecy(kept, BATCH_PROVIDER.openKeyring(MAX_KEY_SLOTS), site.counters);
    Object.assign(site, { secy });
    const sent = site.protect([frameOf(60), frameOf(60)]).alive;
    expect(site.validate(sent).alive).toHaveLength(2);
    configureSecy(secy, { ...kept, config: { ...config, encrypt: false, validate: 'check' } });
    expect(site.validate(sent).hex).toEqual(['InPktsLate', 'InPktsLate']);
    const [next] = site.protect([frameOf(60)]).alive;
    expect([pnAt(next!, 0), next![14]]).toEqual([3, 0x20]);
    expect(site.counted[`RxSc.${SCI}.InPktsOK`]).toBe(2);
  });
});
