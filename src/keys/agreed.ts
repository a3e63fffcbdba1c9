/**
 * Key agreement (IEEE 802.1X, MKA) as a source of keys: a KaY over the tunnel's SecY and its Uncontrolled Port. What it
 * agrees on is fresh at each start and never on disk.
 */
import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { RekeyStatus } from '../api/rotate.ts';
import type { MkaConfig } from '../config/types.ts';
import type { UncontrolledPort } from '../datapath/uncontrolled-port.ts';
import { L2vpnError, messageOf } from '../errors.ts';
import { linkKeyOfCak } from '../link/keys.ts';
import type { LinkKeys } from '../link/link-control.ts';
import type { MacsecConfig } from '../macsec/config.ts';
import type { SaControl } from '../tunnel/sa-control.ts';
import { EAPOL_LEN } from '../wire/eapol.ts';
import { ETHERNET_LEN, ETHERTYPE_EAPOL } from '../wire/ethernet.ts';
import { follow } from './follow.ts';
import { HELLO_BUDGET } from './hello-budget.ts';
import type { AgreedLiveness, FiledKeys, HandedKeys, KeySource, PeerState } from './key-source.ts';
import type { MkaEvent } from './mka/events.ts';
import { Kay } from './mka/kay.ts';
import { OFF_CKN } from './mka/sets/basic.ts';
import type { MkaSettings } from './mka/settings.ts';
import type { MkaSnapshot } from './mka/snapshot.ts';
import { ordersOver } from './secy-orders.ts';
import { clockZeroMs, MonotonicClock, shiftFrom } from './wake-clock.ts';

export interface AgreedKeysContext {
  readonly log: Logger;
}

/** What of a SecY's configuration both ends have to agree on. */
type AgreedMacsec = Pick<MacsecConfig, 'cipher' | 'encrypt'>;

/** Where an untagged MKPDU has its CKN. */
const CKN_AT = ETHERNET_LEN + EAPOL_LEN + OFF_CKN;

export class AgreedKeys implements KeySource {
  readonly etherTypes: readonly number[] = [ETHERTYPE_EAPOL];
  readonly running = null;
  readonly rotation = null;
  readonly #tunnel: string;
  readonly #log: Logger;
  #mka: MkaConfig;
  #macsec: AgreedMacsec;
  #sas: SaControl | null = null;
  #kay: Kay | null = null;
  #port: UncontrolledPort | null = null;
  #isStopped = false;
  #peerChanged: () => void = () => {};
  /** Not kept longer than until the start, for the keys in it. */
  #given: HandedKeys | null;
  /** Made for the CAK in charge. */
  #linkKeys: { readonly ckn: string; readonly keys: LinkKeys } | null = null;

  /** `given`: what another process has agreed on, for the same tunnel. */
  constructor(
    tunnel: string,
    mka: MkaConfig,
    macsec: AgreedMacsec,
    context: AgreedKeysContext,
    given: HandedKeys | null = null,
  ) {
    this.#given = given;
    this.#tunnel = tunnel;
    this.#mka = mka;
    this.#macsec = macsec;
    this.#log = context.log;
  }

  /** Installs nothing yet, unless it goes on with an agreement: a new one begins with `linkUp`. */
  async start(sas: SaControl, port: UncontrolledPort | null): Promise<void> {
    if (port === null) throw new L2vpnError('L2VPN_INTERNAL', 'key agreement needs an Uncontrolled Port');
    this.#sas = sas;
    const given = this.#takeGiven(sas);
    const encrypted = given?.agreement.keys.all.map(({ sak }): [number, boolean] => [sak.an, sak.encrypt]);
    const kay = new Kay(this.#settings(this.#mka, this.#macsec), {
      clock: new MonotonicClock(),
      random: (octets) => randomBytes(octets),
      orders: ordersOver(sas, new Map(encrypted)),
      send: (frame) => port.send(frame),
      listener: (event) => this.#tell(event),
      calmStretch: () => HELLO_BUDGET.stretch,
      stepped: () => this.#peerChanged(),
    });
    port.received = (frame, from) => kay.receive(frame, (provesLife) => follow(port, from, provesLife));
    HELLO_BUDGET.join();
    this.#kay = kay;
    this.#port = port;
    this.#wantMkpdus(this.#mka);
    if (given !== null && kay.goOn(given.agreement, shiftFrom(given.zeroMs))) await restore(sas, given);
  }

  get handed(): HandedKeys | null {
    const [sas, kay] = [this.#sas, this.#kay];
    if (sas === null || kay === null) return null;
    // Whatever else is lost of what goes over: no packet number is used twice.
    const txSa = sas.sas.txSa.map((sa) => ({ ...sa, pn: sas.nextPn(sa.an) }));
    const { sci, cipher } = sas;
    return { sci, cipher, sas: { ...sas.sas, txSa }, zeroMs: clockZeroMs(), agreement: kay.handed };
  }

  /** Null: there is nothing that this SecY could go on with. */
  #takeGiven({ sci, cipher }: SaControl): HandedKeys | null {
    const given = this.#given;
    this.#given = null;
    return given !== null && given.sci === sci && given.cipher === cipher ? given : null;
  }

  linkUp(): void {
    if (this.#isStopped && this.#kay !== null) HELLO_BUDGET.join();
    this.#isStopped = false;
    this.#kay?.start();
  }

  stop(): void {
    if (!this.#isStopped && this.#kay !== null) HELLO_BUDGET.leave();
    this.#isStopped = true;
    this.#kay?.stop();
  }

  async reload(_before: FiledKeys, after: FiledKeys): Promise<() => Promise<void>> {
    const [mka, macsec] = [this.#mka, this.#macsec];
    this.#configure(after.mka ?? mka, after.macsec);
    return async () => this.#configure(mka, macsec);
  }

  /** Nothing is kept. */
  async keep(): Promise<void> {}

  /** Asks the key server, here or there, for a new SAK. Throws L2VPN_UNAVAILABLE where no peer is live. */
  async rotate(): Promise<RekeyStatus> {
    const rekey = this.#kay?.rekey() ?? 'no live peer';
    if (rekey !== 'no live peer') return { rekey };
    throw new L2vpnError(
      'L2VPN_UNAVAILABLE',
      `tunnel "${this.#tunnel}" has no live peer to agree on a new key with`,
    );
  }

  async abort(): Promise<never> {
    throw new L2vpnError(
      'L2VPN_USAGE',
      `the keys of tunnel "${this.#tunnel}" are agreed on (macsec.mka): there is no rotation to abort`,
    );
  }

  get peer(): PeerState {
    const { hasLivePeer = false, isSecured = false, takesControlFrames = false } = this.#kay ?? {};
    return { hasLivePeer, isSecured, takesControlFrames };
  }

  onPeer(listener: () => void): void {
    this.#peerChanged = listener;
  }

  /** Sends with the CAK in charge, takes either. */
  linkKeys(): LinkKeys {
    const ckn = this.#kay?.ckn ?? this.#mka.ckn;
    if (this.#linkKeys?.ckn !== ckn) {
      const { fallback } = this.#mka;
      const rx = [this.#mka, ...(fallback === null ? [] : [fallback])].map((one) =>
        linkKeyOfCak(one.cak, one.ckn),
      );
      this.#linkKeys = { ckn, keys: { tx: (ckn === fallback?.ckn ? rx[1] : rx[0])!, rx } };
    }
    return this.#linkKeys.keys;
  }

  get agreement(): MkaSnapshot | null {
    return this.#kay?.snapshot() ?? null;
  }

  get liveness(): AgreedLiveness {
    return { heardAgoMs: this.#kay?.heardAgoMs ?? null };
  }

  #configure(mka: MkaConfig, macsec: AgreedMacsec): void {
    this.#kay?.configure(this.#settings(mka, macsec));
    this.#wantMkpdus(mka);
    this.#linkKeys = null;
    this.#mka = mka;
    this.#macsec = macsec;
  }

  /** MKPDUs of our CKNs are not to be lost among others. */
  #wantMkpdus({ ckn, fallback }: MkaConfig): void {
    const ckns = fallback === null ? [ckn] : [ckn, fallback.ckn];
    this.#port?.want(ckns.map((one) => ({ at: CKN_AT, octets: Buffer.from(one, 'hex') })));
  }

  #settings(mka: MkaConfig, { cipher, encrypt }: AgreedMacsec): MkaSettings {
    return { ...mka, sci: this.#sas!.sci, cipher, encrypt };
  }

  #tell({ level, text, name: _name, error, ...fields }: MkaEvent): void {
    const why = error === undefined ? '' : `: ${messageOf(error)}`;
    this.#log[level]({ tunnel: this.#tunnel, ...fields }, `mka: ${text}${why}`);
  }
}

/** The SAs of another process; their packet numbers are those that the SecY was handed. */
async function restore(sas: SaControl, { sas: handed, agreement }: HandedKeys): Promise<void> {
  await sas.replace(handed);
  const { all, encoding } = agreement.keys;
  const encodes = all[encoding];
  if (encodes !== undefined) await sas.transmitWith(encodes.sak.an, encodes.sak.encrypt);
}
