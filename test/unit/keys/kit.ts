/** What tests of key sources are made of: a store in memory, as the state directory is to them. */
import type { KeyStore } from '../../../src/keys/kept-sas.ts';
import { channelId, type PnChannel } from '../../../src/state/pn-channel.ts';
import type { ReadKey, RotationRecord } from '../../../src/state/rotation-record.ts';

export class MemoryKeyStore implements KeyStore {
  /** By tunnel, as JSON. */
  readonly records: Map<string, string> = new Map<string, string>();
  /** `channelId`s. */
  readonly retired: Set<string> = new Set<string>();

  async saveRotation(tunnel: string, record: RotationRecord, readKey: ReadKey): Promise<void> {
    // As the real one does, which seals with it.
    readKey(record.txSa.find(({ an }) => an === record.encodingSa)!).export();
    this.records.set(tunnel, JSON.stringify(record));
  }

  async loadRotation(tunnel: string, readKey: ReadKey): Promise<RotationRecord | null> {
    const text = this.records.get(tunnel);
    if (text === undefined) return null;
    const record = JSON.parse(text) as RotationRecord;
    for (const sa of record.txSa) readKey(sa).export();
    return record;
  }

  async clearRotation(tunnel: string): Promise<void> {
    this.records.delete(tunnel);
  }

  async retire(channel: PnChannel): Promise<void> {
    this.retired.add(channelId(channel));
  }

  async isRetired(channel: PnChannel): Promise<boolean> {
    return this.retired.has(channelId(channel));
  }
}
