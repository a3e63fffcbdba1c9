/** Where the peer is (`gre.remote: "dynamic"`): told by authentic frames, and by nothing else. */

import { describe, expect, it } from 'vitest';
import { LaneMtu } from '../../../src/datapath/lane-mtu.ts';
import { ReceiveLane } from '../../../src/datapath/receive.ts';
import { createGretap } from '../../../src/encap/gretap.ts';
import { laneCounters, laneCountersBytes } from '../../../src/frame/lane-counters.ts';
import type { MacsecConfig } from '../../../src/macsec/config.ts';
import { secyCountersLen } from '../../../src/macsec/counters.ts';
import { memoryPortPair } from '../../../src/ports/memory-port.ts';
import { frameOf, macsecConfig, PROVIDERS, rxScOf, SCI, Site, saOf } from '../macsec/kit.ts';

const GRE = Buffer.from('00006558', 'hex');
const OTHER_SCI = '0000003333330001';

function sent(changes: Partial<MacsecConfig> = {}, sci = SCI): Buffer {
  return new Site(macsecConfig(changes), { sci }).protect([frameOf(60)]).alive[0]!;
}

function forged(frame: Buffer): Buffer {
  const copy = Buffer.from(frame);
  copy[copy.length - 1]! ^= 1;
  return copy;
}

describe.each(PROVIDERS)(
  'learning the endpoint of a peer (RFC 8086, behind NAT), AEAD provider $name',
  (provider) => {
    /** The frames of one batch that the lane learned from, for each batch. */
    function learnedFrom(validate: MacsecConfig['validate'], ...batches: Buffer[][]): number[] {
      const macsec = macsecConfig({ validate, rxSc: [rxScOf([saOf()])] });
      const [, wire] = memoryPortPair();
      const [tap] = memoryPortPair();
      const learned: number[] = [];
      const { secy } = new Site(macsec, { provider });
      const lane = new ReceiveLane({
        wire,
        tap,
        secy,
        mtu: new LaneMtu(secy, 1462),
        encap: createGretap({ family: 6, gre: { key: null, checksum: false }, header: null }),
        maxPacketLen: 2000,
        learn: (frame) => learned.push(frame),
        counters: laneCounters(new SharedArrayBuffer(laneCountersBytes(secyCountersLen(1)))),
      });
      for (const batch of batches) {
        for (const frame of batch) wire.push(Buffer.concat([GRE, frame]));
        lane.run();
      }
      return learned;
    }

    it('takes the last authentic frame of a batch', () => {
      const site = new Site(macsecConfig());
      const frames = site.protect([frameOf(60), frameOf(60), frameOf(60)]).alive;
      expect(learnedFrom('strict', [frames[0]!, frames[1]!, forged(frames[2]!)])).toEqual([1]);
    });

    it.each(['strict', 'check', 'disabled'] as const)(
      'validate %s: learns from no frame that anybody could send',
      (mode) => {
        const integrity = { encrypt: false };
        const others: Record<string, Buffer> = {
          'in clear': frameOf(60),
          'wrong ICV': forged(sent()),
          'wrong ICV, integrity only': forged(sent(integrity)),
          'unknown SCI': sent(integrity, OTHER_SCI),
          'no such SA': sent({ ...integrity, encodingSa: 2, txSa: [saOf({ an: 2 })] }),
        };
        for (const [name, frame] of Object.entries(others)) {
          expect({ name, learned: learnedFrom(mode, [frame]) }).toEqual({ name, learned: [] });
          // Nor in a slot where an authentic frame was before.
          expect({ name, learned: learnedFrom(mode, [sent()], [frame]) }).toEqual({ name, learned: [0] });
        }
      },
    );

    it('does not learn from a replayed frame', () => {
      const frame = sent();
      expect(learnedFrom('strict', [frame], [frame], [frame, frame])).toEqual([0]);
    });
  },
);
