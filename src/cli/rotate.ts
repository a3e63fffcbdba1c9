/** `l2vpnd rotate NAME --tx-key-file F --rx-key-file F`: a key change without loss; see keys/rotation.ts. */
import { resolve } from 'node:path';
import { ask } from '../api/client.ts';
import type { RotateBody } from '../api/rotate.ts';
import { type DaemonChoice, socketPath } from './daemon-choice.ts';

export interface RotateOptions extends DaemonChoice {
  txKeyFile: string;
  rxKeyFile: string;
  txKeyId?: string;
  rxKeyId?: string;
  an?: number;
  sci?: string;
  salt?: string;
  now?: boolean;
  /** Seconds. */
  grace?: number;
}

/** The daemon reads the key files itself: their paths go to it, not their contents. */
export async function rotate(name: string, options: RotateOptions): Promise<number> {
  const { txKeyFile, rxKeyFile, txKeyId, rxKeyId, an, sci, salt, now, grace } = options;
  const body: RotateBody = {
    txKeyFile: resolve(txKeyFile),
    rxKeyFile: resolve(rxKeyFile),
    ...(txKeyId === undefined ? {} : { txKeyId }),
    ...(rxKeyId === undefined ? {} : { rxKeyId }),
    ...(an === undefined ? {} : { an }),
    ...(sci === undefined ? {} : { sci }),
    ...(salt === undefined ? {} : { salt }),
    ...(now === undefined ? {} : { now }),
    ...(grace === undefined ? {} : { graceMs: grace * 1000 }),
  };
  const answer = await ask(await socketPath(options), 'rotate', { name }, body);
  process.stdout.write(`tunnel ${name}: new SAs on AN ${answer.an}; ${answer.state}\n`);
  return 0;
}
