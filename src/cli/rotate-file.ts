/** What the configuration file should say after a rotation: shown, and written into it. */
import type { FiledSa, RotatedFile } from '../api/rotate.ts';
import { type Change, editConfig } from '../config/edit.ts';
import type { RawConfig } from '../config/raw.ts';
import { rxScSci } from '../config/semantics.ts';
import { L2vpnError } from '../errors.ts';

/** For people to copy into `macsec`; other RxSCs stay beside this one. */
export function fileText({ encodingSa, txSa, rxSc }: RotatedFile): string {
  const sas = (list: FiledSa[]): string => `[${list.map((sa) => JSON.stringify(sa)).join(', ')}]`;
  return [
    `    "encodingSa": ${encodingSa},`,
    `    "txSa": ${sas(txSa)},`,
    `    "rxSc": [{ "sci": "${rxSc.sci}", "sa": ${sas(rxSc.sa)} }]`,
    '',
  ].join('\n');
}

/** Writes it into tunnel `name` of the file at `path`. Throws L2VPN_CONFIG where that has no such place, and as `editConfig`. */
export function writeFile(path: string, name: string, file: RotatedFile): void {
  editConfig(path, (json) => changes(json as RawConfig, path, name, file));
}

function changes({ tunnels }: RawConfig, path: string, name: string, file: RotatedFile): Change[] {
  const t = tunnels.findIndex((tunnel) => tunnel.name === name);
  const { encodingSa, txSa, rxSc } = file;
  const sc = tunnels[t]?.macsec?.rxSc.findIndex((one) => rxScSci(one) === rxSc.sci) ?? -1;
  if (sc < 0) {
    const text = `${path} has no tunnel "${name}" with an rxSc ${rxSc.sci}; is it the daemon's configuration?`;
    throw new L2vpnError('L2VPN_CONFIG', text);
  }
  const macsec = ['tunnels', t, 'macsec'];
  return [
    { path: [...macsec, 'encodingSa'], value: encodingSa },
    { path: [...macsec, 'txSa'], value: txSa },
    { path: [...macsec, 'rxSc', sc, 'sa'], value: rxSc.sa },
  ];
}
