/** What `keepalive` and `tap.carrier` mean: the rules across their fields, and with `macsec`. */
import type { Report } from './problem.ts';
import type { RawTunnel } from './raw.ts';
import type { KeepaliveConfig } from './types.ts';

/** Hellos that may be lost in a row before the peer counts as gone. */
const HELLOS_PER_LIFE = 3;

export function checkKeepalive({ helloMs, lifeMs }: KeepaliveConfig, report: Report): void {
  const least = HELLOS_PER_LIFE * helloMs;
  if (lifeMs >= least) return;
  report(
    ['lifeMs'],
    `is ${lifeMs}; with helloMs ${helloMs} at least ${least}: one lost message is not the end`,
  );
}

/** Who says whether the peer is there. */
export function checkCarrier({ tap, keepalive, macsec }: RawTunnel, report: Report): void {
  const isAgreed = macsec !== null && macsec.mka !== null;
  if (keepalive !== null && macsec === null) {
    report(['keepalive'], 'needs macsec: a hello is authentic by its keys');
  } else if (keepalive !== null && isAgreed) {
    report(['keepalive'], 'belongs to static keys; "mka" has hellos of its own (helloMs, lifeMs): remove it');
  } else if (keepalive !== null && macsec!.txSa.every(({ an }) => an !== macsec!.encodingSa)) {
    report(['keepalive'], 'needs a txSa with the an of encodingSa: hellos are authentic by its key');
  }
  if (tap.carrier !== 'peer' || keepalive !== null || isAgreed) return;
  report(['tap', 'carrier'], macsec === null ? NOTHING_AUTHENTIC : NEVER_HEARD);
}

const NOTHING_AUTHENTIC =
  'is "peer", which needs macsec with "mka" or a keepalive: in clear anybody can say to be the peer; set "up"';
const NEVER_HEARD =
  'is "peer", which with static keys needs a keepalive, at both ends: without carrier the LAN sends nothing, so a peer ' +
  'that is known by its traffic alone would never be heard again; set "keepalive": {}, or "carrier": "up"';
