/**
 * The SAs that a rotation has brought, kept in the state directory until the file says the same: a restart goes on with
 * them, in the middle of a rotation too, and never with the keys that they replaced.
 */
import { readKeyFile } from '../config/keys.ts';
import { L2vpnError } from '../errors.ts';
import { defaultSa, type SaConfig } from '../macsec/config.ts';
import { channelId } from '../state/pn-channel.ts';
import type { PendingRotation, RotatedSa, RotationRecord } from '../state/rotation-record.ts';
import type { StateStore } from '../state/store.ts';
import { channelOf } from '../tunnel/packet-numbers.ts';
import type { SaSet } from '../tunnel/sa-set.ts';

/** What static keys need of the state directory. */
export type KeyStore = Pick<
  StateStore,
  'saveRotation' | 'loadRotation' | 'clearRotation' | 'retire' | 'isRetired'
>;

/** What a start goes on with. */
export interface KeptSas {
  readonly sas: SaSet;
  readonly pending: PendingRotation | null;
}

interface Channel {
  readonly sci: string;
  readonly sa: SaConfig;
}

/** Each SA of `sas` with the channel that it is on; `sci`: the own one. */
function channelsOf(sci: string, { txSa, rxSc }: SaSet): Channel[] {
  return [
    ...txSa.map((sa) => ({ sci, sa })),
    ...rxSc.flatMap((sc) => sc.sa.map((sa) => ({ sci: sc.sci, sa }))),
  ];
}

/** Tells which keys `sas` are on which channels, and nothing of the keys; in no order. */
export function channelIds(sci: string, sas: SaSet): string[] {
  return channelsOf(sci, sas).map((channel) => idOf(channel));
}

function idOf({ sa, sci }: Channel): string {
  return channelId(channelOf(sa, sci));
}

export class KeptSasFile {
  readonly #store: KeyStore;
  readonly #tunnel: string;
  readonly #sci: string;

  /** `sci`: the own one. */
  constructor(store: KeyStore, tunnel: string, sci: string) {
    this.#store = store;
    this.#tunnel = tunnel;
    this.#sci = sci;
  }

  /**
   * What runs in place of `given`, the SAs of the configuration `filed` (as `channelIds`) or those that ran of it; null:
   * nothing is kept; 'other': something for another configuration is. Throws L2VPN_STATE for a record that cannot be believed, and what reading a
   * key file throws.
   */
  async load(given: SaSet, filed: readonly string[], octets: number): Promise<KeptSas | 'other' | null> {
    const known = new Map(channelsOf(this.#sci, given).map((channel) => [idOf(channel), channel.sa]));
    const keyOf = (sa: RotatedSa): SaConfig['sak'] =>
      known.get(sa.channel)?.sak ?? readKeyFile(requireFile(sa, this.#tunnel), octets);
    const record = await this.#store.loadRotation(this.#tunnel, keyOf);
    if (record === null) return null;
    const kept = recordIds(record);
    if (record.sci !== this.#sci || !(areSame(record.replaces, filed) || areSame(kept, filed))) {
      return 'other';
    }
    const found = (sa: RotatedSa): SaConfig => ({ ...defaultSa, ...known.get(sa.channel), sak: keyOf(sa) });
    return { sas: sasOfRecord(record, given, found), pending: record.pending };
  }

  /** `sas` run in place of the configuration `filed`, or are about to. Rejects with L2VPN_STATE. */
  async save(sas: SaSet, pending: PendingRotation | null, filed: readonly string[]): Promise<void> {
    const rotated = (sci: string) => (sa: SaConfig) => rotatedSa(sci, sa);
    const record: RotationRecord = {
      sci: this.#sci,
      encodingSa: sas.encodingSa,
      txSa: sas.txSa.map(rotated(this.#sci)),
      rxSc: sas.rxSc.map(({ sci, sa }) => ({ sci, sa: sa.map(rotated(sci)) })),
      replaces: [...filed],
      pending,
    };
    const keys = new Map(channelsOf(this.#sci, sas).map((channel) => [idOf(channel), channel.sa.sak]));
    await this.#store.saveRotation(this.#tunnel, record, ({ channel }) => keys.get(channel)!);
  }

  /** The file says what runs. Rejects with L2VPN_STATE. */
  clear(): Promise<void> {
    return this.#store.clearRotation(this.#tunnel);
  }

  /** The keys of `sas` must not be used again. Rejects with L2VPN_STATE where that could not be recorded of each. */
  async retire(sas: SaSet): Promise<void> {
    for (const { sa, sci } of channelsOf(this.#sci, sas)) {
      const channel = channelOf(sa, sci);
      if (!(await this.#store.isRetired(channel))) await this.#store.retire(channel);
    }
  }
}

function rotatedSa(sci: string, sa: SaConfig): RotatedSa {
  const { an, keyId, keyFile, ssci, salt } = sa;
  return { an, keyId, keyFile, ssci, salt: salt?.toString('hex') ?? null, channel: idOf({ sa, sci }) };
}

function recordIds({ txSa, rxSc }: RotationRecord): string[] {
  return [...txSa, ...rxSc.flatMap(({ sa }) => sa)].map(({ channel }) => channel);
}

function areSame(a: readonly string[], b: readonly string[]): boolean {
  const other = new Set(b);
  return a.length === b.length && a.every((id) => other.has(id));
}

/** The channels are as `file` has them. */
function sasOfRecord(record: RotationRecord, file: SaSet, known: (sa: RotatedSa) => SaConfig): SaSet {
  const sa = (rotated: RotatedSa): SaConfig => {
    const { an, keyId, keyFile, ssci, salt } = rotated;
    return {
      ...known(rotated),
      an,
      keyId,
      keyFile,
      ssci,
      salt: salt === null ? null : Buffer.from(salt, 'hex'),
    };
  };
  return {
    encodingSa: record.encodingSa,
    txSa: record.txSa.map(sa),
    rxSc: record.rxSc.map(({ sci, sa: list }) => {
      const active = file.rxSc.find((sc) => sc.sci === sci)?.active ?? true;
      return { sci, active, sa: list.map(sa) };
    }),
  };
}

function requireFile({ keyFile, keyId }: RotatedSa, tunnel: string): string {
  if (keyFile !== null) return keyFile;
  throw new L2vpnError(
    'L2VPN_STATE',
    `key ${keyId} of tunnel "${tunnel}", which a rotation has left in use, was in the configuration and is not any more: ` +
      'put it back, or write the keys in use at both ends into the configuration and delete the record of the rotation',
  );
}
