/** What a KaY orders of its SecY, as orders of `SaControl`. */
import type { SaConfig } from '../macsec/config.ts';
import type { SaControl } from '../tunnel/sa-control.ts';
import type { SakSa, SecyOrders } from './mka/seams.ts';

/** `known`: by AN, whether the key server wants user data encrypted with the SAs that are there already. */
export function ordersOver(sas: SaControl, known: ReadonlyMap<number, boolean> = new Map()): SecyOrders {
  const encrypt = new Map(known);
  return {
    installRx: (sci, sa) => sas.installRx(sci, saConfigOf(sa)),
    installTx: (sa) => {
      encrypt.set(sa.an, sa.encrypt);
      return sas.installTx(saConfigOf(sa));
    },
    transmitWith: (an) => sas.transmitWith(an, encrypt.get(an)),
    retireTx: (an) => sas.retireTx(an),
    retireRx: (sci, an) => sas.retireRx(sci, an),
    removeRxSc: (sci) => sas.removeRxSc(sci),
    raiseLowestPn: (sci, an, pn) => sas.raiseLowestPn(sci, an, pn),
    nextPn: (an) => sas.nextPn(an),
  };
}

/** Its packet numbers begin at 1, and need no disk: the key does not outlive the process. */
function saConfigOf({ an, sak, keyId, ssci, salt }: SakSa): SaConfig {
  return { an, pn: 1n, keyId, sak, keyFile: null, stored: false, active: true, ssci, salt };
}
