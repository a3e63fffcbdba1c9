/** What packet numbers belong to: a key and a channel, not a tunnel, an AN or a file. */
import { createHmac, type KeyObject } from 'node:crypto';

/** One channel's use of one key. */
export interface PnChannel {
  sak: KeyObject;
  /** 16 lower-case hex digits. */
  sci: string;
  /** With XPN ciphers: the nonce is made of the SSCI, so the SSCI and not the SCI is what numbers belong to. */
  ssci: number | null;
  /** For people who read the file. */
  keyId: string;
  /** Where the key came from: a marker beside it says that it was used. Null or absent: from no file. */
  keyFile?: string | null;
}

/** The name of a channel's files: 32 hex digits that tell nothing of the key, and are no other key's. */
export function channelId({ sak, sci, ssci }: PnChannel): string {
  const channel = ssci === null ? sci : `ssci ${ssci}`;
  return createHmac('sha256', sak).update('l2vpnd packet numbers').update(channel).digest('hex').slice(0, 32);
}
