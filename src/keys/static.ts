/**
 * Static keys: the SAs that the file names, and the rotations that `l2vpnd rotate` orders, at most one at a time. What a
 * rotation has brought is kept on disk and runs in place of the file's SAs until the file says the same.
 */
import type { Logger } from 'pino';
import type { RotateBody, RotationStatus } from '../api/rotate.ts';
import { sakLen } from '../crypto/cipher-suite.ts';
import type { UncontrolledPort } from '../datapath/uncontrolled-port.ts';
import { L2vpnError, messageOf } from '../errors.ts';
import type { LinkKeys } from '../link/link-control.ts';
import type { InTurn } from '../tunnel/in-turn.ts';
import type { SaControl } from '../tunnel/sa-control.ts';
import { NO_SAS, type SaSet } from '../tunnel/sa-set.ts';
import { rotatedFile } from './filed-sas.ts';
import { channelIds, KeptSasFile, type KeyStore } from './kept-sas.ts';
import type { FiledKeys, KeySource, RunningSas } from './key-source.ts';
import { areSameSas, haveSameKeys, mergeSas, replacedBy } from './merge-sas.ts';
import { asksToMoveNow, rotationRequest, withFiles } from './rotate-request.ts';
import { Rotation, type RotationContext } from './rotation.ts';
import { SakLinkKeys } from './sak-link-keys.ts';

/** What the sources of all tunnels share. */
export interface StaticKeysContext {
  readonly log: Logger;
  /** Reloads and rotations, one after the other. */
  readonly inTurn: InTurn;
  readonly store: KeyStore;
}

/** `filed` null: `sas` are what the file names. */
export type StaticSas = Omit<RunningSas, 'filed'> & { readonly filed: readonly string[] | null };

export class StaticKeys implements KeySource {
  readonly etherTypes: readonly number[] = [];
  readonly agreement = null;
  readonly liveness = null;
  readonly #tunnel: string;
  readonly #context: StaticKeysContext;
  /** What to start with; not kept longer, for the keys in it. */
  #given: StaticSas;
  /** `channelIds` of the SAs in the file. */
  #filed: readonly string[] = [];
  #sas: SaControl | null = null;
  #kept: KeptSasFile | null = null;
  #rotation: Rotation | null = null;
  readonly #linkKeys = new SakLinkKeys();
  #lastFault = '';

  constructor(tunnel: string, given: StaticSas, context: StaticKeysContext) {
    this.#tunnel = tunnel;
    this.#given = given;
    this.#context = context;
  }

  /** Takes no frames. Throws L2vpnError: a retired key, kept SAs that cannot be believed, packet numbers. */
  async start(sas: SaControl, _port: UncontrolledPort | null = null): Promise<void> {
    const { sas: given, filed } = this.#given;
    this.#given = { sas: NO_SAS, filed: [] };
    this.#sas = sas;
    this.#filed = filed ?? channelIds(sas.sci, given);
    const file = new KeptSasFile(this.#context.store, this.#tunnel, sas.sci);
    this.#kept = file;
    const kept = await file.load(given, this.#filed, sakLen(sas.cipher));
    if (kept === null || kept === 'other') {
      await sas.replace(given);
      if (kept === 'other') await this.#tryKeep(given);
      return;
    }
    await sas.replace(kept.sas);
    if (kept.pending !== null) {
      this.#rotation = Rotation.resume(kept.pending, this.#rotationContext);
      this.#context.log.info({ tunnel: this.#tunnel, ...this.#told }, 'a rotation goes on');
      return;
    }
    this.#context.log.info({ tunnel: this.#tunnel, encodingSa: kept.sas.encodingSa }, KEPT);
    await this.#trying(() => file.retire(replacedBy(given, kept.sas)));
    if (filed === null && areSameSas(given, kept.sas)) await this.#trying(() => file.clear());
  }

  linkUp(): void {
    this.#rotation?.goOn();
  }

  /** All that it is about is on disk. */
  readonly handed = null;

  /** What a tunnel has received is the matter of who counts it. */
  readonly peer = null;
  onPeer(): void {}

  linkKeys(): LinkKeys {
    return this.#linkKeys.of(this.#control);
  }

  stop(): void {
    this.#rotation?.stop();
  }

  get running(): RunningSas | null {
    return this.#sas === null ? null : { sas: this.#sas.sas, filed: this.#filed };
  }

  async reload({ macsec: before }: FiledKeys, { macsec: after }: FiledKeys): Promise<() => Promise<void>> {
    const control = this.#control;
    const [was, filed] = [control.sas, this.#filed];
    // What a rotation is about to bring needs no hurry: it goes on.
    if (!this.#leadsTo(after)) await control.replace(mergeSas(before, after, was));
    this.#filed = channelIds(control.sci, after);
    return async () => {
      this.#filed = filed;
      await control.replace(was);
    };
  }

  /** A rotation ends where the file has other keys than `before`, and what runs is kept. */
  async keep({ macsec: before }: FiledKeys, { macsec: after }: FiledKeys): Promise<void> {
    if (!haveSameKeys(before, after) && !this.#leadsTo(after)) this.#forgetRotation();
    await this.#tryKeep(after);
  }

  /** The last rotation; null: none since the start, or since the file has had other keys. */
  get rotation(): RotationStatus | null {
    return this.#rotation === null ? null : this.#told;
  }

  /** Starts a key change, or has one that waits for the peer go on; in the caller's turn. Throws L2vpnError. */
  async rotate(body: RotateBody): Promise<RotationStatus> {
    const running = this.#rotation;
    if (running !== null && !running.ended) return this.#moveNow(running, body);
    const sas = this.#control;
    const rotation = new Rotation(
      rotationRequest(this.#tunnel, sas, withFiles(this.#tunnel, body)),
      this.#rotationContext,
    );
    await rotation.start();
    this.#rotation = rotation;
    const { an, state } = rotation;
    this.#context.log.info({ tunnel: this.#tunnel, an, state }, 'rotation started');
    return this.#told;
  }

  /** Takes a rotation back that has not ended, in the caller's turn. Throws L2VPN_USAGE where there is none, L2VPN_BUSY. */
  async abort(): Promise<RotationStatus> {
    const running = this.#rotation;
    if (running === null || running.ended) {
      throw new L2vpnError('L2VPN_USAGE', `tunnel "${this.#tunnel}" is in no rotation`);
    }
    await running.abort();
    this.#context.log.warn({ tunnel: this.#tunnel, an: running.an }, 'rotation aborted: the old keys go on');
    return this.#told;
  }

  async #moveNow(running: Rotation, body: RotateBody): Promise<RotationStatus> {
    if (
      running.state !== 'waiting for the peer' ||
      !asksToMoveNow(withFiles(this.#tunnel, body), running.request)
    ) {
      throw new L2vpnError(
        'L2VPN_BUSY',
        `tunnel "${this.#tunnel}" is in a rotation: ${running.state}; rotate --abort takes it back`,
      );
    }
    await running.moveNow();
    return this.#told;
  }

  /** The rotation under way ends with the keys of `file`. */
  #leadsTo(file: SaSet): boolean {
    const rotation = this.#rotation;
    return rotation !== null && !rotation.ended && haveSameKeys(file, rotation.target);
  }

  /** Ends the rotation under way; SAs stay as they are. */
  #forgetRotation(): void {
    this.#rotation?.stop();
    this.#rotation = null;
  }

  /** Where the file says what runs, nothing need be kept; else what runs is, in its place. */
  #tryKeep(file: SaSet): Promise<void> {
    const { sas } = this.#control;
    const pending = this.#rotation?.pending ?? null;
    const isFile = pending === null && areSameSas(file, sas);
    return this.#trying(async () => {
      if (isFile) await this.#kept?.clear();
      else await this.#kept?.save(sas, pending, this.#filed);
    });
  }

  /** A disk that fails ends nothing. */
  async #trying(step: () => Promise<void>): Promise<void> {
    await step().then(
      () => {
        this.#lastFault = '';
      },
      (error: unknown) => this.#tell(error),
    );
  }

  #tell(error: unknown): void {
    const text = messageOf(error);
    if (text !== this.#lastFault) this.#context.log.error({ tunnel: this.#tunnel }, text);
    this.#lastFault = text;
  }

  get #rotationContext(): RotationContext {
    return {
      sas: this.#control,
      inTurn: this.#context.inTurn,
      keep: async (sas, pending) => this.#kept?.save(sas, pending, this.#filed),
      retire: async (sas) => this.#kept?.retire(sas),
      failed: (error) => this.#tell(error),
      wentBack: () => this.#context.log.warn({ tunnel: this.#tunnel }, WENT_BACK),
    };
  }

  get #told(): RotationStatus {
    const { an, state, wentBack, request } = this.#rotation!;
    return { an, state, wentBack, file: rotatedFile(request) };
  }

  get #control(): SaControl {
    if (this.#sas === null) throw new L2vpnError('L2VPN_INTERNAL', 'the key source has not been started');
    return this.#sas;
  }
}

const KEPT = 'the SAs of the last rotation go on, in place of those in the configuration';
const WENT_BACK =
  'the peer has not followed the rotation: transmitting with the old key again, and receiving with both; has it been ' +
  'rotated, with the same keys and the same AN?';
