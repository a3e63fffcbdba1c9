/** A sound configuration with key agreement, to break in tests. */
import { type Json, sampleTunnel } from './sample.ts';

export const CKN: string = 'c0de'.repeat(8);
export const CAK: string = '5a17'.repeat(8);
export const CAK_256: string = '6b28'.repeat(16);

export function mkaSample(changes: Json = {}): Json {
  return { tunnels: [mkaTunnel(changes)] };
}

export function mkaTunnel(changes: Json = {}): Json {
  return { ...sampleTunnel(), macsec: { mka: { ckn: CKN, cak: CAK, ...changes } } };
}
