/** `l2vpnd genkey`: a CAK and its name for key agreement, or with --sak the two SAKs of static keys, in new files. */
import { basename, resolve } from 'node:path';
import { hardenForKeys } from './harden.ts';
import { writeNewFiles } from './new-files.ts';
import { type KeyBits, newCkn, newKeyText } from './new-key.ts';
import { type OutputOptions, printJson, printText } from './output.ts';

export interface GenkeyOptions extends OutputOptions {
  /** Static keys: two, one per direction. */
  sak?: boolean;
  /** The file; with `sak` what the names of both begin with. */
  out?: string;
  bits?: KeyBits;
}

const DEFAULT_OUT = { cak: 'l2vpnd.cak', sak: 'site' } as const;
/** A CAK wraps SAKs of any length; a SAK is as long as the cipher's key, which is 128 bits unless somebody says otherwise. */
const DEFAULT_BITS = { cak: 256, sak: 128 } as const;

/** Prints what the configurations say of the keys, and never a key. Throws L2VPN_CANTCREATE, L2VPN_PERMISSION. */
export async function genkey({ sak = false, out, bits, json = false }: GenkeyOptions): Promise<number> {
  await hardenForKeys();
  const kind = sak ? 'sak' : 'cak';
  const path = out ?? DEFAULT_OUT[kind];
  const paths = sak ? [`${path}1.key`, `${path}2.key`] : [path];
  writeKeys(paths, bits ?? DEFAULT_BITS[kind]);
  const ckn = sak ? null : newCkn();
  if (json) printJson({ files: paths, ckn });
  else printText(ckn === null ? saySaks(paths, bits) : sayCak(path, ckn));
  return 0;
}

function writeKeys(paths: readonly string[], bits: KeyBits): void {
  const files = paths.map((path) => ({ path: resolve(path), octets: newKeyText(bits) }));
  try {
    writeNewFiles(files);
  } finally {
    for (const { octets } of files) octets.fill(0);
  }
}

function sayCak(path: string, ckn: string): string {
  const mka = `"macsec": { "mka": { "ckn": "${ckn}", "cakFile": ${JSON.stringify(basename(path))} } }`;
  return `wrote ${path}: copy it to the other site by a safe way. Both configurations say, with the file beside them:\n  ${mka}\n`;
}

function saySaks(paths: readonly string[], bits: KeyBits | undefined): string {
  const [one, two] = paths.map((path) => JSON.stringify(basename(path)));
  const cipher = bits === 256 ? '"cipher": "gcm-aes-256", ' : '';
  const site = (tx: string, rx: string): string =>
    `"macsec": { ${cipher}"txSa": [{ "keyFile": ${tx} }], "rxSc": [{ "mac": "MAC of the peer's TAP", "sa": [{ "keyFile": ${rx} }] }] }`;
  return (
    `wrote ${paths.join(' and ')}: copy both to the other site by a safe way. The configurations say, with the files beside them:\n` +
    `  at site 1: ${site(one!, two!)}\n  at site 2: ${site(two!, one!)}\n`
  );
}
