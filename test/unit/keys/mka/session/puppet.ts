/** A member that has the CAK and says whatever a test wants it to: authenticated, and not to be trusted for that. */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { decodeMkpdu, peekMkpdu } from '../../../../../src/keys/mka/decode.ts';
import { encodeMkpdu } from '../../../../../src/keys/mka/encode.ts';
import { deriveMkaKeys, type MkaKeys, wrapSak } from '../../../../../src/keys/mka/keys.ts';
import type {
  BasicSet,
  DistributedSak,
  ListedPeer,
  Mkpdu,
  SakUse,
  UsedKey,
} from '../../../../../src/keys/mka/mkpdu.ts';
import { CKN, cakOf } from './station.ts';
import type { DataFrame, Listener, World } from './world.ts';

export const NO_KEY: UsedKey = { ki: null, an: 0, tx: false, rx: false, lowestPn: 1 };

export function sakUseOf(latest: UsedKey, old: UsedKey = NO_KEY, delayProtect = false): SakUse {
  return { latest, old, plainTx: false, plainRx: false, delayProtect };
}

export interface Saying {
  readonly basic?: Partial<BasicSet>;
  readonly live?: readonly ListedPeer[];
  readonly potential?: readonly ListedPeer[];
  readonly sakUse?: SakUse | null;
  readonly sak?: DistributedSak | null;
}

export class Puppet implements Listener {
  readonly name: string = 'puppet';
  mi: string = 'f0'.repeat(12);
  sci = '0200000000ff0001';
  mn = 0;
  priority = 1;
  /** The last MKPDU of the other end. */
  heard: Mkpdu | null = null;
  /** MKPDUs of the other end. */
  count = 0;
  readonly data: DataFrame[] = [];
  readonly keys: MkaKeys = deriveMkaKeys(cakOf(1), CKN);
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
    world.join(this);
  }

  onMkpdu(frame: Uint8Array): void {
    const found = peekMkpdu(frame, Buffer.from(this.sci.slice(0, 12), 'hex'));
    if (typeof found === 'string') return;
    const mkpdu = decodeMkpdu(frame, found, this.keys.ick);
    if (typeof mkpdu === 'string') return;
    this.heard = mkpdu;
    this.count++;
  }

  onData(frame: DataFrame): void {
    this.data.push(frame);
  }

  /** The other end, as a list has it. */
  get other(): ListedPeer {
    return { mi: this.heard!.basic.mi, mn: this.heard!.basic.mn };
  }

  say({ basic, live = [], potential = [], sakUse = null, sak = null }: Saying): Buffer {
    this.mn++;
    const frame = encodeMkpdu(
      {
        basic: {
          ...{ version: 1, priority: this.priority, keyServer: true, macsecDesired: true, capability: 2 },
          ...{ sci: this.sci, mi: this.mi, mn: this.mn, ckn: CKN },
          ...basic,
        },
        livePeers: live.length === 0 ? null : { peers: live, keyServerSsci: 0 },
        potentialPeers: potential.length === 0 ? null : { peers: potential, keyServerSsci: 0 },
        ...{ sakUse, distributedSak: sak, xpn: null, linkControl: null, icvIndicator: true },
      },
      this.keys.ick,
      Buffer.from((basic?.sci ?? this.sci).slice(0, 12), 'hex'),
    );
    this.#world.sendMkpdu(this, frame);
    return frame;
  }

  /** Lists the other end as live, and says what else there is. */
  sayAlive(more: Saying = {}): Buffer {
    return this.say({ live: [this.other], ...more });
  }

  sak(kn: number, key: KeyObject, more: Partial<DistributedSak> = {}): DistributedSak {
    const wrapped = wrapSak(this.keys.kek, key);
    return { an: kn % 4, confidentialityOffset: 1, kn, cipher: 'gcm-aes-128', wrapped, ...more };
  }
}

/** A SAK of its own for each number. */
export function sakNumber(n: number, len = 16): KeyObject {
  const octets = Buffer.alloc(len, 0x5a);
  octets.writeUInt32BE(n);
  return createSecretKey(octets);
}
