/** A SecY that receives what it sends, for the warm-up and for benchmarks: its numbers are in memory only, so its key must be thrown away. */
import type { KeyObject } from 'node:crypto';
import { defaultMacsec, defaultSa, type MacsecConfig, type SaConfig } from './config.ts';
import { PnGrant } from './packet-number.ts';
import type { SecySpec } from './secy.ts';

/** With `sak` for both directions, `sci` for both channels, and packet numbers granted from 1 to below `end`. */
export function loopSpec(sak: KeyObject, sci: string, end: bigint): SecySpec {
  const sa: SaConfig = { ...defaultSa, sak };
  const config: MacsecConfig = { ...defaultMacsec, txSa: [sa], rxSc: [{ sci, active: true, sa: [sa] }] };
  const grant = new PnGrant(sa.pn);
  grant.grant(end, end);
  const tx = { pn: grant.shared, nextPn: 0n, serial: 1 };
  return { config, sci, txShare: [tx], rxShare: [[{ pn: null, nextPn: sa.pn, serial: 2 }]], rxIndex: [0] };
}
