/**
 * Between the state directory and the lanes: a transmit SA's numbers are granted in blocks that are durable first,
 * a receive SA's progress is stored as it goes. Blocks begin small, so that a crash loop does not burn a key, and
 * double while they are used up, so that a busy tunnel writes about once a second.
 */
import { isXpn } from '../crypto/cipher-suite.ts';
import { L2vpnError } from '../errors.ts';
import type { MacsecConfig, SaConfig } from '../macsec/config.ts';
import { PnGrant, pnEnd } from '../macsec/packet-number.ts';
import type { SaShare, SecySpec } from '../macsec/secy.ts';
import { channelId, type PnChannel, type PnState, type RxPn, type TxPn } from '../state/state.ts';

const FIRST_GRANT = 1n << 14n;
const LARGEST_GRANT = 1n << 20n;

/** Numbers the SAs of this process, so that a lane can tell an old one from a new one. */
let lastSerial = 0;

/** One transmit SA. */
export class TxNumbers {
  readonly serial: number = ++lastSerial;
  readonly an: number;
  readonly fresh: boolean;
  /** The first PN of this run, and one past the last that the SA has. */
  readonly start: bigint;
  readonly end: bigint;
  readonly #file: TxPn;
  readonly #grant: PnGrant;
  #grantLen = FIRST_GRANT;

  constructor(file: TxPn, an: number, end: bigint) {
    this.an = an;
    this.fresh = file.fresh;
    this.end = end;
    this.#file = file;
    this.start = least(file.next, end);
    this.#grant = new PnGrant(this.start);
  }

  get share(): SaShare {
    return { pn: this.#grant.shared, nextPn: 0n, serial: this.serial };
  }

  /** PNs below this are taken by lanes, used or not. */
  get taken(): bigint {
    return this.#grant.next;
  }

  /** Makes a further block durable and grants it; false when there is none left. Throws L2VPN_STATE. */
  extend(): boolean {
    const { limit } = this.#grant;
    const ceiling = least(limit + this.#grantLen, this.end);
    if (ceiling <= limit) return false;
    this.#file.reserve(ceiling);
    this.#grant.grant(ceiling, ceiling === this.end ? this.end : ceiling - this.#grantLen / 2n);
    this.#grantLen = least(this.#grantLen * 2n, LARGEST_GRANT);
    return true;
  }

  /** The clean stop: the lanes have ended, and `next` is what they published (0: nothing was sent). */
  close(next: bigint): void {
    this.#file.close(next > this.start ? next : this.start);
  }
}

/** One receive SA. */
export class RxNumbers {
  readonly serial: number = ++lastSerial;
  readonly an: number;
  readonly #file: RxPn;

  constructor(file: RxPn, an: number) {
    this.an = an;
    this.#file = file;
  }

  get share(): SaShare {
    return { pn: null, nextPn: this.#file.lowest, serial: this.serial };
  }

  /** Stores what the lane has published. Throws L2VPN_STATE. */
  save(nextPn: bigint): void {
    this.#file.save(nextPn);
  }

  close(): void {
    this.#file.close();
  }
}

/** The numbers of the SAs of one SecY, while SAs come and go. */
export class SecyNumbers {
  readonly sci: string;
  readonly #state: PnState;
  /** By AN, and by SCI and AN; each with the channel (key and SCI) that it is about. */
  #tx = new Map<number, { channel: string; numbers: TxNumbers }>();
  #rx = new Map<string, { channel: string; numbers: RxNumbers }>();
  /** The places of the RxSCs among counters and slots. */
  #rxIndex = new Map<string, number>();

  /** `sci`: the own one, 16 hex digits. */
  constructor(state: PnState, sci: string) {
    this.#state = state;
    this.sci = sci;
  }

  get tx(): TxNumbers[] {
    return [...this.#tx.values()].map(({ numbers }) => numbers);
  }

  txOf(an: number): TxNumbers | undefined {
    return this.#tx.get(an)?.numbers;
  }

  rxOf(sci: string, an: number): RxNumbers | undefined {
    return this.#rx.get(`${sci}/${an}`)?.numbers;
  }

  /** The place of the RxSC `sci` among counters and slots. */
  indexOf(sci: string): number {
    return this.#rxIndex.get(sci)!;
  }

  /**
   * Opens (and locks) the numbers of the SAs that `config` adds, grants their first blocks, and returns what the lanes
   * need. Numbers of SAs that it no longer has stay until `retire`. Throws L2vpnError; nothing is left open then.
   */
  configure(config: MacsecConfig): SecySpec {
    const tx = new Map<number, { channel: string; numbers: TxNumbers }>();
    const rx = new Map<string, { channel: string; numbers: RxNumbers }>();
    const opened: TxNumbers[] = [];
    try {
      for (const sa of config.txSa) {
        const channel = channelOf(sa, this.sci);
        const known = this.#tx.get(sa.an);
        const id = channelId(channel);
        if (known?.channel === id) {
          tx.set(sa.an, known);
          continue;
        }
        this.#refuseMove(sa, id);
        const numbers = new TxNumbers(this.#state.openTx(channel, sa.pn), sa.an, pnEnd(isXpn(config.cipher)));
        opened.push(numbers);
        numbers.extend();
        tx.set(sa.an, { channel: id, numbers });
      }
      for (const sc of config.rxSc) {
        for (const sa of sc.sa) {
          const channel = channelOf(sa, sc.sci);
          const at = `${sc.sci}/${sa.an}`;
          const known = this.#rx.get(at);
          const id = channelId(channel);
          const numbers =
            known?.channel === id ? known.numbers : new RxNumbers(this.#state.openRx(channel, sa.pn), sa.an);
          rx.set(at, { channel: id, numbers });
        }
      }
    } catch (error) {
      for (const numbers of opened) numbers.close(0n);
      throw error;
    }
    this.#retired.push(
      ...[...this.#tx.values()].filter((one) => !has(tx, one)).map(({ numbers }) => numbers),
    );
    this.#tx = tx;
    this.#rx = rx;
    this.#place(config);
    return {
      config,
      sci: this.sci,
      txShare: config.txSa.map((sa) => tx.get(sa.an)!.numbers.share),
      rxShare: config.rxSc.map((sc) => sc.sa.map((sa) => rx.get(`${sc.sci}/${sa.an}`)!.numbers.share)),
      rxIndex: config.rxSc.map((sc) => this.indexOf(sc.sci)),
    };
  }

  /** One key on two ANs would be two counters of the same numbers. */
  #refuseMove({ an, keyId }: SaConfig, channel: string): void {
    for (const [from, one] of this.#tx) {
      if (one.channel !== channel) continue;
      throw new L2vpnError(
        'L2VPN_CONFIG',
        `key ${keyId} cannot move from AN ${from} to AN ${an} while it is in use; take a new key, or restart l2vpnd`,
      );
    }
  }

  #retired: TxNumbers[] = [];

  /** After every lane has let go of the SAs that the last `configure` dropped. All they had taken counts as used. */
  retire(): void {
    for (const numbers of this.#retired.splice(0)) numbers.close(numbers.taken);
  }

  /** `nextPn` tells what the lanes have used of a transmit SA. Throws L2VPN_STATE. */
  close(nextPn: (tx: TxNumbers) => bigint): void {
    this.retire();
    for (const tx of this.tx) tx.close(nextPn(tx));
    for (const { numbers } of this.#rx.values()) numbers.close();
  }

  /** An RxSC keeps its place while it lives; a new one gets the first free. */
  #place(config: MacsecConfig): void {
    const places = new Map<string, number>();
    for (const { sci } of config.rxSc) {
      const known = this.#rxIndex.get(sci);
      if (known !== undefined) places.set(sci, known);
    }
    const used = new Set(places.values());
    for (const { sci } of config.rxSc) {
      if (places.has(sci)) continue;
      let free = 0;
      while (used.has(free)) free++;
      used.add(free);
      places.set(sci, free);
    }
    this.#rxIndex = places;
  }
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function has<T>(map: ReadonlyMap<unknown, T>, value: T): boolean {
  for (const one of map.values()) if (one === value) return true;
  return false;
}

function channelOf(sa: SaConfig, sci: string): PnChannel {
  return { sak: sa.sak, sci, ssci: sa.ssci, keyId: sa.keyId };
}
