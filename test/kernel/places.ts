/**
 * Places of the receive decision table that are asked at once: a row in a validate mode, with a peer on the wire that
 * this process plays, for the kernel and for l2vpnd alike.
 */
import { type SecYSetup, type TableCase, VALIDATE_MODES, type ValidateMode } from './cases/receive-table.ts';
import type { Endpoint } from './craft.ts';

/** Rows that are asked at once. */
export const ROWS_AT_ONCE = 12;
export const PLACES: number = ROWS_AT_ONCE * VALIDATE_MODES.length;

export interface Place {
  setup: SecYSetup;
  mode: ValidateMode;
  frames: readonly Buffer[];
}

/** The places of some rows: row by row, mode by mode. */
export function placesOf(rows: readonly TableCase[]): Place[] {
  return rows.flatMap(({ setup, frames }) => VALIDATE_MODES.map((mode) => ({ setup, mode, frames })));
}

/** Who sends to a place. */
export function peerOf(place: number): Endpoint {
  return { mac: '02:00:00:00:03:01', ip: `192.0.2.${20 + place}` };
}
