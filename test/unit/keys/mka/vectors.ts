/** Published vectors of MKA (test/vectors/README.md says whose they are). */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';

interface MkaVectors {
  cmac: { name: string; key: string; message: string; mac: string }[];
  key_wrap: { name: string; kek: string; key: string; wrapped: string }[];
  keys: { name: string; cak: string; ckn: string; kek: string; ick: string }[];
  eap_keys: KdfVector[];
  frames: { name: string; keys: string; frame: string; sak?: string }[];
}

export interface KdfVector {
  name: string;
  key: string;
  label: string;
  context: string;
  out_bits: number;
  output: string;
  cak?: string;
  ckn?: string;
  ks_nonce?: string;
  mi_list?: string;
}

const read = (file: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../../vectors/${file}`, import.meta.url), 'utf8'));

export const MKA: MkaVectors = read('mka.json') as MkaVectors;
export const ANNEX_G: KdfVector[] = (read('vectors.json') as { mka_annex_g: KdfVector[] }).mka_annex_g;

export const hex = (text: string): Buffer => Buffer.from(text.replace(/\s+/g, ''), 'hex');
export const keyOf = (text: string): KeyObject => createSecretKey(hex(text));
export const hexOf = (key: KeyObject): string => key.export().toString('hex');

/** A frame of the vectors, its ICK and KEK. */
export function vectorFrame(name: string): { frame: Buffer; ckn: string; ick: KeyObject; kek: KeyObject } {
  const { frame, keys } = MKA.frames.find((one) => one.name === name)!;
  const { ckn, ick, kek } = MKA.keys.find((one) => one.name === keys)!;
  return { frame: hex(frame), ckn, ick: keyOf(ick), kek: keyOf(kek) };
}
