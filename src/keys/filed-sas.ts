/** What a configuration file should say so that a start by it has the SAs that a rotation leaves. */
import type { FiledSa, RotatedFile } from '../api/rotate.ts';
import type { SaConfig } from '../macsec/config.ts';
import type { RotationRequest } from './rotation.ts';

/** When the rotation `request` is done. */
export function rotatedFile({ tx, rx, sci }: RotationRequest): RotatedFile {
  return { encodingSa: tx.an, txSa: [filedSa(tx)], rxSc: { sci, sa: [filedSa(rx)] } };
}

/** Of an SA whose key came from a file, as those of a rotation do. */
function filedSa({ an, keyId, keyFile, ssci, salt }: SaConfig): FiledSa {
  const xpn = ssci === null || salt === null ? {} : { ssci, salt: salt.toString('hex') };
  return { an, keyId, keyFile: keyFile ?? '', ...xpn };
}
