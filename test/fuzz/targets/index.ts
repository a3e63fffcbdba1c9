/** Everything that is fuzzed. */
import type { FuzzTarget } from '../target.ts';
import { capture } from './capture.ts';
import { claimedName } from './claimed-name.ts';
import { clearFrame } from './clear-frame.ts';
import { config } from './config.ts';
import { explain } from './explain.ts';
import { foreign } from './foreign.ts';
import { headers } from './headers.ts';
import { link } from './link.ts';
import { mka } from './mka.ts';
import { participant } from './participant.ts';
import { receiveLane } from './receive.ts';
import { tooBig } from './too-big.ts';

export const TARGETS: readonly FuzzTarget[] = [
  headers,
  claimedName,
  clearFrame,
  receiveLane,
  tooBig,
  mka,
  participant,
  link,
  explain,
  capture,
  config,
  foreign,
];
