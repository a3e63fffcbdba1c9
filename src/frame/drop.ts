/**
 * Why a frame was dropped. The number is the frame's verdict in a batch (0: alive) and the index of the counter
 * that it bumps; every early end of a frame's walk has one. Those that the kernel's macsec counts carry the
 * kernel's name.
 */

export const Drop = {
  None: 0,
  // transmit: TAP to wire
  TapRunt: 1,
  OutPktsTooLong: 2,
  NoTxSa: 3,
  PnExhausted: 4,
  SealFailed: 5,
  WireTooLong: 6,
  WireUnreachable: 7,
  WireRefused: 8,
  WireError: 9,
  // receive: wire to TAP
  OuterHeader: 10,
  Oversized: 11,
  GreShort: 12,
  GreFlags: 13,
  GreProto: 14,
  GreKey: 15,
  GreChecksum: 16,
  InnerRunt: 17,
  InPktsNoTag: 18,
  NotForMacsec: 19,
  InPktsBadTag: 20,
  InPktsNoSci: 21,
  NoImplicitSci: 22,
  InPktsNotUsingSa: 23,
  InPktsLate: 24,
  InPktsNotValid: 25,
  TapError: 26,
  SecTagRunt: 27,
  NoEndpoint: 28,
  TapMalformed: 29,
  Uncontrolled: 30,
  UncontrolledFull: 31,
  OwnSci: 32,
  CeOnNotEct: 33,
} as const;
export type Drop = (typeof Drop)[keyof typeof Drop];

/** What an operator is told of a drop. */
export interface DropText {
  /** As `show`, the log and the metrics name it. */
  readonly name: string;
  readonly direction: 'tx' | 'rx';
  /** How the log takes it. */
  readonly level: 'warn' | 'error';
  /** The likely cause, and where to look. */
  readonly cause: string;
}

const tx = (name: string, cause: string): DropText => ({ name, direction: 'tx', level: 'warn', cause });
const rx = (name: string, cause: string): DropText => ({ name, direction: 'rx', level: 'warn', cause });
/** More than a nuisance: keys may be in wrong hands. */
const alarm = (name: string, cause: string): DropText => ({ ...rx(name, cause), level: 'error' });

/** Indexed by `Drop`. */
export const DROP_TEXTS: readonly DropText[] = [
  tx('None', 'not dropped'),
  tx('TapRunt', 'the TAP gave less than an Ethernet header'),
  tx(
    'OutPktsTooLong',
    'the frame does not fit the tunnel: the sender of an IP packet is told by ICMP what fits; for others, lower the MTU of the hosts or raise that of the path',
  ),
  tx('NoTxSa', 'macsec.encodingSa names no active transmit SA'),
  tx('PnExhausted', 'every packet number of the transmit SA is used: install a new key'),
  tx('SealFailed', 'the AEAD refused the frame; it was not sent'),
  tx('WireTooLong', 'the path takes no packet of this size (EMSGSIZE): the path MTU has shrunk'),
  tx('WireUnreachable', 'no route to gre.remote, or the underlay link is down'),
  tx('WireRefused', 'a local firewall rule refused the packet (EPERM)'),
  tx('WireError', 'the socket refused the packet'),
  rx('OuterHeader', 'not a whole outer IP header'),
  rx('Oversized', 'the packet is longer than any frame of this tunnel'),
  rx('GreShort', 'the packet ends inside the GRE header'),
  rx('GreFlags', 'GRE routing or version bits are set: the peer does not speak GREv0 (RFC 2784)'),
  rx('GreProto', 'the GRE protocol is not 0x6558: the peer is not a gretap'),
  rx('GreKey', 'the GRE key is missing, unexpected or another: compare gre.key at both ends'),
  rx('GreChecksum', 'the GRE checksum is missing, unexpected or wrong: compare gre.checksum at both ends'),
  rx('InnerRunt', 'the GRE payload, or what its SecTAG protects, is shorter than an Ethernet header'),
  rx('InPktsNoTag', 'a frame without SecTAG: the peer sends in clear'),
  rx('NotForMacsec', 'a SecTAG with E set and C clear: not protected data'),
  rx('InPktsBadTag', 'the SecTAG breaks IEEE 802.1AE 9.12'),
  rx(
    'InPktsNoSCI',
    'no rxSc has the SCI of the frame: compare macsec.rxSc with the MAC and port of the peer',
  ),
  rx('NoImplicitSci', 'the frame carries no SCI and there is not exactly one rxSc to assume'),
  rx(
    'InPktsNotUsingSA',
    'no active receive SA of an active rxSc has the AN of the frame: compare the keys at both ends',
  ),
  rx('InPktsLate', 'the packet number was seen already or is below the replay window'),
  rx('InPktsNotValid', 'the ICV is wrong: another key at the peer, or an altered frame'),
  rx('TapError', 'the TAP refused the frame: is the interface up?'),
  rx('SecTagRunt', 'the frame ends inside the SecTAG'),
  tx('NoEndpoint', 'gre.remote is dynamic, and no authentic frame has come from the peer yet'),
  tx('TapMalformed', 'the TAP described a super-frame that cannot be cut'),
  rx('Uncontrolled', 'not dropped: a frame for the control plane (EAPOL, control frames), which has it'),
  rx(
    'UncontrolledFull',
    'more frames for the control plane (EAPOL, control frames) than it takes: is somebody flooding it?',
  ),
  alarm(
    'OwnSci',
    'the frame carries our own SCI: a loop brings back what we send, or a second sender has our address and perhaps our key, and then both ends need new keys',
  ),
  rx(
    'CeOnNotEct',
    'the path marked the packet as congested, but its inner sender does not understand the mark: dropped, as a router without ECN would do (RFC 6040)',
  ),
];
