/** The MKPDU that a participant sends now (IEEE 802.1X-2020 11.11). */
import { isXpn } from '../../crypto/cipher-suite.ts';
import type { OwnSakUse } from './key-use.ts';
import { ssciOf } from './keys.ts';
import type { DistributedSak, LinkControl, Mkpdu, PeerList } from './mkpdu.ts';
import type { Peer } from './peers.ts';
import type { MkaSettings } from './settings.ts';

/** MKA versions: that of 802.1X-2010, which every peer takes, and the first with all that XPN needs. */
const VERSION = 1;
const VERSION_XPN = 3;
/** Integrity and confidentiality, without offset. */
const CAPABILITY = 2;

export interface Statement {
  readonly settings: Pick<MkaSettings, 'sci' | 'priority' | 'cipher' | 'icvIndicator'>;
  readonly ckn: string;
  readonly mi: string;
  readonly mn: number;
  readonly offersToServe: boolean;
  readonly live: readonly Peer[];
  readonly potential: readonly Peer[];
  readonly use: OwnSakUse | null;
  readonly distributed: DistributedSak | null;
  /** What l2vpnds among the peers are told of this one; null: there are none. */
  readonly linkControl: LinkControl | null;
}

export function composeMkpdu(statement: Statement): Mkpdu {
  const { settings, ckn, mi, mn, offersToServe, live, potential, use, distributed } = statement;
  const { sci, priority, cipher, icvIndicator } = settings;
  const isExtended = isXpn(cipher);
  return {
    basic: {
      version: isExtended ? VERSION_XPN : VERSION,
      priority,
      keyServer: offersToServe,
      macsecDesired: true,
      capability: CAPABILITY,
      sci,
      mi,
      mn,
      ckn,
    },
    livePeers: isExtended && distributed !== null ? inSsciOrder(live, sci) : listOf(live),
    potentialPeers: listOf(potential),
    sakUse: use?.sakUse ?? null,
    distributedSak: distributed,
    xpn: isExtended && use !== null ? use.xpn : null,
    linkControl: statement.linkControl,
    icvIndicator,
  };
}

function listOf(peers: readonly Peer[]): PeerList | null {
  return peers.length === 0 ? null : { peers: peers.map(listed), keyServerSsci: 0 };
}

/** Beside an XPN SAK the list is in the order of SSCIs, and the server, who is not in it, states its own. */
function inSsciOrder(live: readonly Peer[], ownSci: string): PeerList {
  const inOrder = live.toSorted((a, b) => (a.sci < b.sci ? 1 : -1));
  const ssci = ssciOf(
    ownSci,
    live.map(({ sci }) => sci),
  );
  return { peers: inOrder.map(listed), keyServerSsci: ssci };
}

function listed({ mi, basic }: Peer): { mi: string; mn: number } {
  return { mi, mn: basic.mn };
}
