/** The configuration of the other end of a tunnel, as far as this end's tells it: what is sent here is received there. */

import { addressFamily } from '../config/fields.ts';
import type { TunnelConfig } from '../config/types.ts';
import { L2vpnError } from '../errors.ts';
import type { MacsecConfig } from '../macsec/config.ts';
import { sciOf } from '../wire/sci.ts';
import { stationOf } from './stations.ts';

/** Throws L2VPN_CONFIG where it cannot be told. Device and bridge are named as here. */
export function otherEnd(tunnel: TunnelConfig): TunnelConfig {
  const { gre, macsec, mka, tap, name } = tunnel;
  const isStatic = macsec !== null && mka === null;
  const remote = knownAddress(gre.local, name);
  return {
    ...tunnel,
    tap: { ...tap, mac: isStatic ? stationOf(peerSci(macsec, name)).mac : null },
    gre: { ...gre, local: addressFamily(gre.remote) === 0 ? 'auto' : gre.remote, remote },
    macsec: isStatic ? otherMacsec(macsec, tap.mac, name) : macsec,
    // One of them is key server by its priority, not by chance; 255 is what a wpa_supplicant has by itself.
    mka: mka && { ...mka, priority: mka.priority === 255 ? 254 : 255 },
  };
}

function knownAddress(local: string, name: string): string {
  if (addressFamily(local) !== 0) return local;
  throw unclear(
    name,
    `its gre.local is "${local}", so nobody knows where the peer has to send to: give it an address`,
  );
}

function otherMacsec(macsec: MacsecConfig, mac: string | null, name: string): MacsecConfig {
  if (mac === null) throw unclear(name, 'its tap.mac is null, so its SCI is another at each start: set it');
  const sci = peerSci(macsec, name);
  const [sc] = macsec.rxSc;
  const txSa = sc!.sa.map((sa) => ({ ...sa, keyFile: null }));
  const same = txSa.find(({ an }) => an === macsec.encodingSa) ?? txSa[0];
  if (same === undefined) throw unclear(name, 'its rxSc has no SA, so nobody knows what the peer sends with');
  return {
    ...macsec,
    port: stationOf(sci).port,
    encodingSa: same.an,
    txSa,
    rxSc: [{ sci: sciOf(mac, macsec.port), active: true, sa: macsec.txSa }],
  };
}

function peerSci({ rxSc }: MacsecConfig, name: string): string {
  if (rxSc.length === 1) return rxSc[0]!.sci;
  throw unclear(name, `it has ${rxSc.length} rxSc, so nobody knows which the peer is`);
}

function unclear(name: string, why: string): L2vpnError {
  return new L2vpnError('L2VPN_CONFIG', `tunnel "${name}": its other end cannot be told: ${why}`);
}
