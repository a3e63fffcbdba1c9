/** `l2vpnd rotate NAME --tx-key-file F --rx-key-file F`: a key change without loss; see keys/rotation.ts. */
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from '../api/client.ts';
import type { RekeyStatus, RotateBody, RotationStatus } from '../api/rotate.ts';
import { EXIT_STATUS, L2vpnError } from '../errors.ts';
import { type DaemonChoice, socketPath } from './daemon-choice.ts';
import { type OutputOptions, printFailure, printJson, printText, saysJson } from './output.ts';
import { fileText, writeFile } from './rotate-file.ts';

export interface RotateOptions extends DaemonChoice, OutputOptions {
  txKeyFile?: string;
  rxKeyFile?: string;
  txKeyId?: string;
  rxKeyId?: string;
  an?: number;
  sci?: string;
  salt?: string;
  now?: boolean;
  /** Seconds. */
  grace?: number;
  back?: number;
  abort?: boolean;
  /** Seconds, or true: as long as it takes. */
  wait?: number | true;
  write?: boolean;
}

/** Both ends have not ended, or this one has gone back. */
const NOT_YET = EXIT_STATUS.L2VPN_BUSY;
const LOOK_MS = 200;

/** The daemon reads the key files itself: their paths go to it, not their contents. Throws L2vpnError. */
export async function rotate(name: string, options: RotateOptions): Promise<number> {
  const { wait, write, config } = options;
  if (write && config === undefined) throw usage('--write needs --config: the file to write');
  const socket = await socketPath(options);
  if (options.abort) {
    const aborted = await ask(socket, 'abort', { name });
    say(name, aborted, `${aborted.state}; the old SAs go on`);
    return 0;
  }
  const begun = await ask(socket, 'rotate', { name }, bodyOf(options));
  if ('rekey' in begun) {
    const who =
      begun.rekey === 'ordered' ? 'this end makes a new SAK' : 'the key server is asked for a new SAK';
    say(name, begun, who);
    return 0;
  }
  say(name, begun, `new SAs on AN ${begun.an}; ${begun.state}`);
  if (wait === undefined && !write) {
    const what = 'It lasts without it, but in the end the configuration should say:';
    if (!saysJson()) printText(`${what}\n${fileText(begun.file)}`);
    return 0;
  }
  if (!(await isDone(socket, name, begun, typeof wait === 'number' ? wait : null))) return NOT_YET;
  if (write) {
    writeFile(config!, name, begun.file);
    if (saysJson()) printJson({ tunnel: name, written: config });
    else printText(`${config} says so now\n`);
  }
  return 0;
}

/** Looks until the rotation has ended; false: not within `seconds`, not without the peer, or not any more. */
async function isDone(
  socket: string,
  name: string,
  begun: RotationStatus,
  seconds: number | null,
): Promise<boolean> {
  const until = seconds === null ? Number.POSITIVE_INFINITY : performance.now() + seconds * 1000;
  for (let state = begun.state; performance.now() < until; await sleep(LOOK_MS)) {
    const { rotation } = await ask(socket, 'tunnel', { name });
    if (rotation === null || rotation.an !== begun.an) return failed(name, 'the rotation was replaced');
    if (rotation.wentBack)
      return failed(name, 'the peer has not followed: transmitting with the old key again');
    if (rotation.state !== state) say(name, rotation, rotation.state);
    state = rotation.state;
    if (state === 'aborted') return failed(name, 'the rotation was aborted');
    if (state === 'done') return true;
  }
  return failed(name, `not done within ${seconds} s; it goes on`);
}

function failed(name: string, why: string): false {
  printFailure(`tunnel ${name}: ${why}`);
  return false;
}

/** A step: for people in words, else as the control protocol tells it. */
function say(tunnel: string, step: RotationStatus | RekeyStatus, words: string): void {
  if (saysJson()) printJson({ tunnel, ...step });
  else printText(`tunnel ${tunnel}: ${words}\n`);
}

function bodyOf(options: RotateOptions): RotateBody {
  const { txKeyFile, rxKeyFile, txKeyId, rxKeyId, an, sci, salt, now, grace, back } = options;
  return {
    ...(txKeyFile === undefined ? {} : { txKeyFile: resolve(txKeyFile) }),
    ...(rxKeyFile === undefined ? {} : { rxKeyFile: resolve(rxKeyFile) }),
    ...(txKeyId === undefined ? {} : { txKeyId }),
    ...(rxKeyId === undefined ? {} : { rxKeyId }),
    ...(an === undefined ? {} : { an }),
    ...(sci === undefined ? {} : { sci }),
    ...(salt === undefined ? {} : { salt }),
    ...(now === undefined ? {} : { now }),
    ...(grace === undefined ? {} : { graceMs: grace * 1000 }),
    ...(back === undefined ? {} : { backMs: back * 1000 }),
  };
}

function usage(what: string): L2vpnError {
  return new L2vpnError('L2VPN_USAGE', `rotate: ${what}`);
}
