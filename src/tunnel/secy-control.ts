/**
 * The main thread's half of a tunnel's SecY: its configuration as it runs, the packet numbers of its SAs, the places of
 * its RxSCs. Every change goes the same way: new numbers first, then the lanes, then the numbers that nobody uses any
 * more go.
 */
import type { KeyObject } from 'node:crypto';
import { isXpn } from '../crypto/cipher-suite.ts';
import { L2vpnError } from '../errors.ts';
import { type FdSink, FdSource } from '../host/descriptors.ts';
import type { MacsecConfig } from '../macsec/config.ts';
import { countersAt, RxSaCounter, readNextPn, TxSaCounter } from '../macsec/counters.ts';
import type { SecySpec } from '../macsec/secy.ts';
import type { LeftReplay } from '../worker/messages.ts';
import { allOf, type InTurn, oneAfterAnother } from './in-turn.ts';
import type { RxProgress } from './learned-endpoint.ts';
import { type HandedNumbers, type NumberStore, SecyNumbers } from './packet-numbers.ts';
import { RxPlaces } from './rx-places.ts';
import type { TxNumbers } from './sa-numbers.ts';
import { type MacsecSettings, NO_SAS } from './sa-set.ts';
import type { SecyView } from './view.ts';

/** The tunnel's lanes, as far as they concern its SecY. */
export interface SecyLanes {
  /** Gives them a new configuration; resolves when all of them work by it. */
  configure(spec: SecySpec): Promise<void>;
  /** Makes them look for granted packet numbers. */
  wake(): void;
  /** The SecY's counters, added up (macsec/counters.ts). */
  counters(): Float64Array;
}

/** 802.1X-2020 9.8, PendingPNExhaustion: from three quarters of its packet numbers on, an SA should be replaced. */
const PN_LOW_PERCENT = 75n;

export class SecyControl implements SecyView {
  readonly sci: string;
  readonly #numbers: SecyNumbers;
  readonly #places = new RxPlaces();
  readonly #lanes: SecyLanes;
  readonly #inTurn: InTurn = oneAfterAnother();
  #config: MacsecConfig;
  /** The lanes are taking over new SAs: what they have published is not about these yet. */
  #settling = false;
  #closed = false;
  #pnLow: (an: number) => void = () => {};
  #storeFailed: (error: unknown) => void = () => {};
  /** While there are no lanes: the SAs by serial that those before had; null: lanes run. */
  #counted: readonly number[] | null = null;
  /** The SA that `#pnLow` was called for. */
  #pnLowSerial = 0;

  /**
   * Has the settings of `config`, and no SA until somebody installs one. `sci`: the own one, 16 hex digits; `handed`: what a
   * process before has left of their numbers, with `fds`.
   */
  constructor(
    config: MacsecConfig,
    sci: string,
    store: NumberStore,
    lanes: SecyLanes,
    handed: HandedNumbers | null = null,
    fds: FdSource = new FdSource([]),
  ) {
    this.sci = sci;
    this.#config = { ...config, ...NO_SAS };
    this.#numbers = new SecyNumbers(store, sci, isXpn(config.cipher), handed, fds);
    this.#lanes = lanes;
  }

  get config(): MacsecConfig {
    return this.#config;
  }

  /** The transmit SAs. */
  get tx(): readonly TxNumbers[] {
    return this.#numbers.tx;
  }

  get encoding(): TxNumbers | null {
    return this.#numbers.findTx(this.#config.encodingSa) ?? null;
  }

  txSa(an: number): TxNumbers {
    return this.#numbers.txOf(an);
  }

  rxPlace(sci: string): number {
    return this.#places.of(sci);
  }

  /** All receive channels have places below it. */
  get rxPlaces(): number {
    return this.#places.end;
  }

  /** The receive SAs, and how far each has come. */
  rxProgress(): RxProgress[] {
    const counters = this.#lanes.counters();
    return this.#config.rxSc.flatMap(({ sci, sa }) =>
      sa.map(({ an, sak }) => ({ sak, nextPn: this.#receivedTo(counters, sci, an) })),
    );
  }

  /**
   * `end` ends every lane, and others will take their place: what they have published of their SAs is what those go on from.
   * A change that is under way comes first, and others wait.
   */
  endLanes(end: () => Promise<readonly LeftReplay[]>): Promise<void> {
    return this.#inTurn(async () => {
      this.#noteCounted(await end());
    });
  }

  /** Between `endLanes` and `lanesBack`, after `idle`: what another process goes on from. */
  handOn(fds: FdSink, locked: boolean): HandedNumbers {
    return this.#numbers.handOn(fds, locked);
  }

  /** Resolves when nothing is being stored. */
  idle(): Promise<void> {
    return this.#numbers.idle();
  }

  /** Lanes that were built from `spec` run. */
  lanesBack(): void {
    this.#counted = null;
  }

  /** Frames with key `sak` below `pn` do not move the peer; before the lanes are there. */
  learnFrom(sak: KeyObject, pn: bigint): void {
    for (const { sci, sa } of this.#config.rxSc) {
      for (const { an, sak: key } of sa) if (key.equals(sak)) this.#numbers.rxOf(sci, an).learnFrom = pn;
    }
  }

  /** Frames of this receive SA below `pn` are late from now on. Nothing where there is no such SA. Throws as `change`. */
  raiseLowestPn(sci: string, an: number, pn: bigint): Promise<void> {
    return this.change((config) => {
      const isThere = config.rxSc.some((sc) => sc.sci === sci && sc.sa.some((sa) => sa.an === an));
      if (isThere) this.#numbers.rxOf(sci, an).raiseLowest(pn);
      return config;
    });
  }

  /** Frames accepted so far on RxSA `an` of `sci`; 0 where there is no such channel. */
  accepted(sci: string, an: number): number {
    if (!this.#places.has(sci)) return 0;
    return this.#lanes.counters()[countersAt.rxSa(this.#places.of(sci), an) + RxSaCounter.inPktsOk]!;
  }

  /** What a lane needs to build its SecY as it is now. */
  spec(): SecySpec {
    const config = this.#config;
    return {
      config,
      sci: this.sci,
      txShare: config.txSa.map(({ an }) => this.#numbers.txOf(an).share),
      rxShare: config.rxSc.map(({ sci, sa }) => sa.map(({ an }) => this.#numbers.rxOf(sci, an).share)),
      rxIndex: config.rxSc.map(({ sci }) => this.#places.of(sci)),
      ...(this.#counted === null ? {} : { counted: this.#counted }),
    };
  }

  /** The operator's part of the configuration; SAs stay. */
  configure(settings: MacsecSettings): Promise<void> {
    return this.change((config) => ({ ...config, ...settings }));
  }

  /**
   * Makes the lanes work by what `next` makes of the configuration; changes do not overlap. Throws L2vpnError, with
   * everything as it was, where an SA's numbers cannot be opened, or the tunnel is closed.
   */
  change(next: (config: MacsecConfig) => MacsecConfig): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#closed) throw new L2vpnError('L2VPN_INTERNAL', 'the SecY is closed');
      const config = next(this.#config);
      // Before the SAs that go take their counters along.
      await this.saveReceived().catch(this.#storeFailed);
      await this.#numbers.hold(config);
      this.#places.assign(config.rxSc.map(({ sci }) => sci));
      this.#config = config;
      await this.#settle();
      await this.#numbers.release().catch(this.#storeFailed);
      this.#watchPn();
    });
  }

  /** Makes a further block of the encoding SA's numbers durable, and then the lanes go on. Rejects with L2VPN_STATE. */
  async grant(): Promise<void> {
    try {
      if (await this.encoding?.extend()) this.#lanes.wake();
    } finally {
      this.#watchPn();
    }
  }

  /** `listener` is called once per SA, when it is the encoding one and three quarters of its numbers are taken. */
  onPnLow(listener: (an: number) => void): void {
    this.#pnLow = listener;
  }

  /** `listener` hears what could not be stored and holds nothing up. */
  onStoreFailed(listener: (error: unknown) => void): void {
    this.#storeFailed = listener;
  }

  /** Stores how far the receiver has come; resolves when it is on disk. Rejects with L2VPN_STATE. */
  async saveReceived(): Promise<void> {
    if (this.#settling) return;
    const counters = this.#lanes.counters();
    const saved: Promise<void>[] = [];
    for (const { sci, sa } of this.#config.rxSc) {
      for (const { an } of sa) {
        saved.push(this.#numbers.rxOf(sci, an).save(this.#receivedTo(counters, sci, an)));
      }
    }
    await allOf(saved);
  }

  /**
   * After the lanes have ended, and the change that is under way. `clean`: every lane drained, so that what it published
   * is exact; otherwise all it had taken counts as used. Rejects with L2VPN_STATE; it is closed all the same.
   */
  close(clean: boolean): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#closed) return;
      this.#closed = true;
      const counters = this.#lanes.counters();
      const published = ({ an, serial }: TxNumbers): bigint =>
        this.#hasCounted(serial) ? readNextPn(counters, countersAt.txSa(an) + TxSaCounter.nextPn) : 0n;
      const saved = this.saveReceived();
      await allOf([saved, this.#numbers.close((tx) => (clean ? published(tx) : tx.taken))]);
    });
  }

  #noteCounted(left: readonly LeftReplay[]): void {
    const replays = new Map(left.map(({ serial, replay }) => [serial, replay]));
    const counters = this.#lanes.counters();
    const serials = this.tx.map(({ serial }) => serial);
    for (const { sci, sa } of this.#config.rxSc) {
      for (const { an } of sa) {
        const numbers = this.#numbers.rxOf(sci, an);
        numbers.goOnFrom(this.#receivedTo(counters, sci, an), replays.get(numbers.serial));
        serials.push(numbers.serial);
      }
    }
    // Where they had gone before, an SA that has come since has counted nothing.
    this.#counted = this.#counted?.filter((serial) => serials.includes(serial)) ?? serials;
  }

  /** The next PN that the lanes expect; 0: they have not had the SA. */
  #receivedTo(counters: Float64Array, sci: string, an: number): bigint {
    if (!this.#hasCounted(this.#numbers.rxOf(sci, an).serial)) return 0n;
    return readNextPn(counters, countersAt.rxSa(this.#places.of(sci), an) + RxSaCounter.nextPn);
  }

  /** What stands in the counters of an SA is about this one, not about one that had its place. */
  #hasCounted(serial: number): boolean {
    return this.#counted?.includes(serial) ?? true;
  }

  async #settle(): Promise<void> {
    this.#settling = true;
    try {
      await this.#lanes.configure(this.spec());
    } finally {
      this.#settling = false;
    }
  }

  #watchPn(): void {
    const { encoding } = this;
    if (encoding === null || encoding.serial === this.#pnLowSerial) return;
    if (encoding.taken * 100n < encoding.end * PN_LOW_PERCENT) return;
    this.#pnLowSerial = encoding.serial;
    this.#pnLow(encoding.an);
  }
}
