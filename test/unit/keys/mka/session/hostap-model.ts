/**
 * A peer that behaves like wpa_supplicant 2.10 over the kernel's macsec, as far as a peer can tell: written from its
 * observed behaviour, for two parties.
 *
 *   - it sends at its 2 s tick and at no other time, and counts time in whole seconds
 *   - a peer is live for it if the last MN or the last but one is listed; a live peer is refreshed by SAK Use or a SAK
 *     alone, and is dropped after ten MKPDUs without
 *   - the same SCI under a new MI is ignored until the old one has expired, which comes 3 s early then
 *   - SAK Use of somebody who is not live, with no SAK beside it, makes it take another MI
 *   - as key server it makes a SAK at a tick, and forgets that one is due where the last was less than 6 s ago
 *   - it moves the key in use to the old half of its SAK Use
 *   - its priority 255 does not keep it from being key server
 *   - an AN that is occupied is an error: the SA is not made
 */
import { createSecretKey } from 'node:crypto';
import { decodeMkpdu, peekMkpdu } from '../../../../../src/keys/mka/decode.ts';
import { encodeMkpdu } from '../../../../../src/keys/mka/encode.ts';
import { deriveMkaKeys, type MkaKeys, unwrapSak, wrapSak } from '../../../../../src/keys/mka/keys.ts';
import type {
  DistributedSak,
  KeyIdentifier,
  ListedPeer,
  Mkpdu,
  UsedKey,
} from '../../../../../src/keys/mka/mkpdu.ts';
import { formatKi, isSameKey, type Sak } from '../../../../../src/keys/mka/sak.ts';
import type { SakSa } from '../../../../../src/keys/mka/seams.ts';
import { ModelSecy } from './model-secy.ts';
import { NO_KEY, sakUseOf } from './puppet.ts';
import { CKN, cakOf } from './station.ts';
import type { DataFrame, Listener, World } from './world.ts';

const TICK_MS = 2000;
const LIFE_S = 6;
const RETIRE_S = 3;

interface HostapPeer {
  readonly mi: string;
  readonly sci: string;
  mn: number;
  expiresS: number;
  priority: number;
  isServer: boolean;
  hasUsedSak: boolean;
  withoutUse: number;
}

interface HostapKey {
  readonly ki: KeyIdentifier;
  readonly an: number;
  readonly sa: SakSa;
  transmits: boolean;
}

export class HostapModel implements Listener {
  readonly name: string;
  readonly sci: string;
  readonly priority: number;
  readonly secy: ModelSecy;
  isUp = false;
  /** How often it took another MI. */
  resets = 0;
  readonly errors: string[] = [];
  readonly #world: World;
  readonly #keys: MkaKeys = deriveMkaKeys(cakOf(1), CKN);
  #mi = '';
  #mn = 0;
  #kn = 0;
  #live: HostapPeer | null = null;
  #potential: HostapPeer | null = null;
  #server: HostapPeer | 'self' | null = null;
  #latest: HostapKey | null = null;
  #old: HostapKey | null = null;
  #isSakDue = false;
  #lastSakS = Number.NEGATIVE_INFINITY;
  #distributes: DistributedSak | null = null;
  #retireS = Number.POSITIVE_INFINITY;
  #life = 0;

  constructor(world: World, name: string, sci: string, priority = 255) {
    this.#world = world;
    this.name = name;
    this.sci = sci;
    this.priority = priority;
    this.secy = new ModelSecy(world, sci);
    this.secy.delayMs = 0;
  }

  start(): void {
    this.isUp = true;
    this.#newMi();
    this.#world.join(this);
    const life = ++this.#life;
    const tick = (): void => {
      if (!this.isUp || life !== this.#life) return;
      this.#tick();
      this.#world.after(TICK_MS, tick);
    };
    this.#world.after(this.#world.random.below(TICK_MS), tick);
  }

  /** The interface goes with the process. */
  kill(): void {
    this.isUp = false;
    this.#world.leave(this);
    this.#live = this.#potential = this.#server = this.#latest = this.#old = this.#distributes = null;
    this.#isSakDue = false;
    this.#lastSakS = Number.NEGATIVE_INFINITY;
    this.secy.tx.clear();
    this.secy.rx.clear();
    this.secy.encoding = null;
  }

  talk(ms: number): void {
    this.#world.every(ms, () => this.isUp && this.secy.send(this));
  }

  get ki(): string | null {
    const key = this.#latest ?? this.#old;
    return key?.transmits ? formatKi(key.ki) : null;
  }

  get role(): string {
    return this.#server === 'self' ? 'key server' : this.#server === null ? 'none' : 'member';
  }

  onData(frame: DataFrame): void {
    this.secy.receive(frame);
  }

  onMkpdu(frame: Uint8Array): void {
    const found = peekMkpdu(frame, Buffer.from(this.sci.slice(0, 12), 'hex'));
    if (typeof found === 'string' || found.ckn !== CKN) return;
    const mkpdu = decodeMkpdu(frame, found, this.#keys.ick);
    if (typeof mkpdu === 'string') throw new Error(`refused: ${mkpdu}`);
    this.#receive(mkpdu);
  }

  get #nowS(): number {
    return Math.floor(this.#world.nowMs / 1000);
  }

  #newMi(): void {
    this.#mi = this.#world.random.octets(12).toString('hex');
    this.#mn = 0;
    this.#kn = 0;
  }

  #receive(mkpdu: Mkpdu): void {
    const { basic, sakUse, distributedSak } = mkpdu;
    if (basic.mi === this.#mi) return;
    const mine = [...(mkpdu.livePeers?.peers ?? []), ...(mkpdu.potentialPeers?.peers ?? [])].find(
      ({ mi }) => mi === this.#mi,
    );
    const isRecent = mine !== undefined && mine.mn >= this.#mn - 1 && mine.mn <= this.#mn;
    let peer = [this.#live, this.#potential].find((one) => one?.mi === basic.mi) ?? null;
    if (peer !== null) {
      if (basic.mn <= peer.mn) return;
      peer.mn = basic.mn;
    } else if (this.#live?.sci === basic.sci) {
      this.#live.expiresS = Math.min(this.#live.expiresS, this.#nowS + 3);
      return;
    } else {
      peer = this.#newPeer(mkpdu);
      this.#potential = peer;
    }
    if (peer !== this.#live && isRecent) this.#makeLive(peer);
    if (peer !== this.#live) {
      if (sakUse !== null && distributedSak === null) this.#reset();
      return;
    }
    peer.priority = basic.priority;
    peer.isServer = basic.keyServer;
    this.#elect();
    if (distributedSak !== null && this.#server === peer) this.#takeSak(peer, distributedSak);
    if (sakUse !== null) this.#noteUse(peer, sakUse.latest, sakUse.old);
    else if (distributedSak === null && (peer.hasUsedSak || ++peer.withoutUse > 10)) this.#lose();
    if (sakUse !== null || distributedSak !== null) peer.expiresS = this.#nowS + LIFE_S;
  }

  #newPeer({ basic }: Mkpdu): HostapPeer {
    const { mi, sci, mn, priority, keyServer } = basic;
    const expiresS = this.#nowS + LIFE_S;
    return { mi, sci, mn, expiresS, priority, isServer: keyServer, hasUsedSak: false, withoutUse: 0 };
  }

  #makeLive(peer: HostapPeer): void {
    this.#live = peer;
    this.#potential = null;
    peer.expiresS = this.#nowS + LIFE_S;
    this.#elect();
    this.#isSakDue = true;
    this.#distributes = null;
  }

  #elect(): void {
    const peer = this.#live;
    if (peer === null) {
      this.#server = null;
      return;
    }
    const isSelf =
      !peer.isServer ||
      this.priority < peer.priority ||
      (this.priority === peer.priority && this.sci.slice(0, 12) < peer.sci.slice(0, 12));
    const server = isSelf ? 'self' : peer;
    if (server === this.#server) return;
    this.#server = server;
    if (server === 'self') this.#isSakDue = true;
    else this.#distributes = null;
  }

  #takeSak(server: HostapPeer, { kn, an, wrapped }: DistributedSak): void {
    const ki = { mi: server.mi, kn };
    if (isSameKey(this.#latest?.ki ?? null, ki) || isSameKey(this.#old?.ki ?? null, ki)) return;
    const key = unwrapSak(this.#keys.kek, wrapped)!;
    this.#install({ ki, an, key, cipher: 'gcm-aes-128', encrypt: true, sscis: null });
  }

  #install({ ki, an, key }: Sak): void {
    const { secy } = this;
    const peerSci = this.#live!.sci;
    if (this.#latest !== null) this.#retire();
    if (secy.tx.has(an) || secy.rx.get(peerSci)?.has(an)) {
      this.errors.push(`AN ${an} is occupied`);
      return;
    }
    const sa = { an, sak: key, keyId: formatKi(ki), ssci: null, salt: null, encrypt: true };
    void secy.installRx(peerSci, sa);
    void secy.installTx(sa);
    this.#latest = { ki, an, sa, transmits: false };
    if (this.#old === null || !this.#old.transmits) this.#transmit();
  }

  #transmit(): void {
    if (this.#latest === null || this.#latest.transmits) return;
    const isFirst = this.#old === null;
    this.#latest.transmits = true;
    if (this.#old !== null) this.#old.transmits = false;
    this.#world.after(0, () => {
      if (this.#latest?.transmits) void this.secy.transmitWith(this.#latest.an);
    });
    this.#retireS = this.#nowS + (isFirst ? 0 : RETIRE_S);
  }

  /** The key in use becomes the old one; the one before it goes. */
  #retire(): void {
    const gone = this.#old;
    this.#old = this.#latest;
    this.#latest = null;
    this.#retireS = Number.POSITIVE_INFINITY;
    if (gone === null) return;
    void this.secy.retireTx(gone.an);
    for (const sci of this.secy.rx.keys()) void this.secy.retireRx(sci, gone.an);
  }

  #noteUse(peer: HostapPeer, latest: UsedKey, old: UsedKey): void {
    peer.hasUsedSak = true;
    if (latest.lowestPn === 0 || old.lowestPn === 0) this.errors.push('LPN 0');
    const key = this.#latest;
    if (key !== null) {
      const use = [latest, old].find(({ ki }) => isSameKey(ki, key.ki));
      if (this.#server === 'self' ? use?.rx : use?.tx) this.#transmit();
      if (use?.rx) this.#distributes = null;
    }
    if (latest.lowestPn > 0xc0000000) this.#isSakDue = true;
  }

  #reset(): void {
    this.resets++;
    this.#newMi();
  }

  /** A peer that has gone takes its receive channel with it. */
  #lose(): void {
    const peer = this.#live;
    this.#live = null;
    this.#elect();
    this.#distributes = null;
    if (peer === null) return;
    this.secy.rx.delete(peer.sci);
    this.secy.tx.clear();
    this.secy.encoding = null;
    this.#latest = this.#old = null;
  }

  #tick(): void {
    if (this.#live !== null && this.#live.expiresS <= this.#nowS) this.#lose();
    if (this.#potential !== null && this.#potential.expiresS <= this.#nowS) this.#potential = null;
    if (this.#latest?.transmits && this.#retireS <= this.#nowS) this.#retire();
    if (this.#isSakDue && this.#server === 'self' && this.#live !== null) this.#makeSak();
    this.#send();
  }

  #makeSak(): void {
    this.#isSakDue = false;
    if (this.#nowS - this.#lastSakS < LIFE_S) return;
    this.#lastSakS = this.#nowS;
    const ki = { mi: this.#mi, kn: ++this.#kn };
    const key = createSecretKey(this.#world.random.octets(16));
    const an = ((this.#latest ?? this.#old)?.an ?? -1) + 1;
    this.#install({ ki, an: an % 4, key, cipher: 'gcm-aes-128', encrypt: true, sscis: null });
    const wrapped = wrapSak(this.#keys.kek, key);
    this.#distributes = { an: an % 4, confidentialityOffset: 1, kn: ki.kn, cipher: 'gcm-aes-128', wrapped };
  }

  #send(): void {
    this.#mn++;
    const list = (peer: HostapPeer | null): { peers: ListedPeer[]; keyServerSsci: number } | null =>
      peer === null ? null : { peers: [{ mi: peer.mi, mn: peer.mn }], keyServerSsci: 0 };
    const hasKey = this.#latest !== null || this.#old !== null;
    const frame = encodeMkpdu(
      {
        basic: {
          ...{
            version: 1,
            priority: this.priority,
            keyServer: this.#server === null || this.#server === 'self',
          },
          ...{ macsecDesired: true, capability: 2, sci: this.sci, mi: this.#mi, mn: this.#mn, ckn: CKN },
        },
        livePeers: list(this.#live),
        potentialPeers: list(this.#potential),
        sakUse: hasKey ? sakUseOf(this.#used(this.#latest), this.#used(this.#old)) : null,
        distributedSak: this.#distributes,
        ...{ xpn: null, linkControl: null, icvIndicator: false },
      },
      this.#keys.ick,
      Buffer.from(this.sci.slice(0, 12), 'hex'),
    );
    this.#world.sendMkpdu(this, frame);
  }

  #used(key: HostapKey | null): UsedKey {
    if (key === null) return NO_KEY;
    const lowestPn = Math.max(1, Number(this.secy.nextPn(key.an)) - 1);
    return { ki: key.ki, an: key.an, tx: key.transmits, rx: true, lowestPn };
  }
}
