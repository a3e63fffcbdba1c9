/** The receiving half of the engine for single packets: a batch of one and SecYs that take no packet number. */
import { type AeadJob, createAeadJob } from '../crypto/aead.ts';
import { nodeProvider } from '../crypto/node-provider.ts';
import { type Batch, createBatch, resetBatch } from '../frame/batch.ts';
import type { MacsecConfig } from '../macsec/config.ts';
import { createSecy, keySlots } from '../macsec/configure.ts';
import { RxScCounter, secyCountersLen } from '../macsec/counters.ts';
import type { SecY } from '../macsec/secy.ts';
import { createRxScratch, type RxScratch, validate } from '../macsec/validate.ts';

/** No station's SCI: its address is nobody's and its port none. */
const NO_SCI = '0000000000000000';

/** A SecY that only receives: no transmit SA, so no packet number is taken. `sci`: the own one; null: not known. */
export function createReceiver(macsec: MacsecConfig, sci: string | null = null): SecY {
  const config: MacsecConfig = { ...macsec, txSa: [] };
  const rxShare = config.rxSc.map((sc) => sc.sa.map((sa) => ({ pn: null, nextPn: sa.pn })));
  const spec = { config, sci: sci ?? NO_SCI, txShare: [], rxShare };
  return createSecy(
    spec,
    nodeProvider.openKeyring(keySlots(config)),
    new Float64Array(secyCountersLen(config.rxSc.length)),
  );
}

/** Room for one packet, reused from packet to packet. */
export class Bench {
  readonly batch: Batch;
  readonly #job: AeadJob;
  readonly #scratch: RxScratch = createRxScratch(1);

  constructor(maxLen: number) {
    this.batch = createBatch(maxLen, 1);
    this.#job = createAeadJob(this.batch.arena, this.batch.at);
  }

  put(octets: Buffer): void {
    const { batch } = this;
    resetBatch(batch);
    batch.count = 1;
    batch.verdict[0] = 0;
    batch.len[0] = octets.copy(batch.arena, batch.at[0]!);
  }

  /** Lets `secy` judge the frame; true where its ICV was right. */
  validate(secy: SecY): boolean {
    const before = verifiedCount(secy);
    validate(secy, this.batch, this.#job, this.#scratch);
    return verifiedCount(secy) > before;
  }

  /** A copy of the frame as the last stage left it. */
  take(): Buffer {
    const { arena, at, len } = this.batch;
    return Buffer.from(arena.subarray(at[0]!, at[0]! + len[0]!));
  }
}

/** How many frames had a right ICV: a delayed one is late, but authentic. */
function verifiedCount({ counters, rxSc }: SecY): number {
  const count = (at: number): number =>
    counters[at + RxScCounter.inPktsOk]! + counters[at + RxScCounter.inPktsDelayed]!;
  return rxSc.reduce((sum, sc) => sum + count(sc.countersAt), 0);
}
