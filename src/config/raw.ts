/** A configuration as its file holds it, with defaults filled in: keys are still hex or file names. */

import type { GreConfig } from '../encap/config.ts';
import type { MacsecConfig, RxScConfig, SaConfig } from '../macsec/config.ts';
import type { PnJson } from '../macsec/pn-json.ts';
import type { Config, MkaConfig, TunnelConfig } from './types.ts';

export interface RawConfig extends Omit<Config, 'tunnels' | 'stateDir' | 'controlSocket'> {
  $schema?: string | undefined;
  version?: 1 | undefined;
  tunnels: RawTunnel[];
  stateDir: string | null;
  controlSocket: string | null;
}

export interface RawTunnel extends Omit<TunnelConfig, 'gre' | 'macsec' | 'mka'> {
  gre: RawGre;
  macsec: RawMacsec | null;
}

export type RawGre = Omit<GreConfig, 'family'>;

export interface RawMacsec extends Omit<MacsecConfig, 'txSa' | 'rxSc'> {
  mka: RawMka | null;
  txSa: RawSa[];
  rxSc: RawRxSc[];
}

export interface RawMka extends Omit<MkaConfig, 'cak' | 'fallback'>, RawMkaKey {
  fallback: RawMkaKey | null;
}

export interface RawMkaKey {
  ckn: string;
  cak?: string | undefined;
  cakFile?: string | undefined;
}

export interface RawSa extends Omit<SaConfig, 'pn' | 'sak' | 'salt' | 'keyId' | 'keyFile' | 'stored'> {
  pn: PnJson;
  keyId?: string | undefined;
  key?: string | undefined;
  keyFile?: string | undefined;
  salt: string | null;
}

export interface RawRxSc extends Omit<RxScConfig, 'sci' | 'sa'> {
  sci?: string | undefined;
  mac?: string | undefined;
  port?: number | undefined;
  sa: RawSa[];
}
