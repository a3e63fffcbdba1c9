/** Why an MKPDU was refused, and what an operator is told of it. The name is what `show`, metrics and `explain` call it. */

export const REFUSAL_TEXTS = {
  // Seen without a key.
  TooShort: 'the frame ends inside the headers of an MKPDU',
  NotEapol: 'the EtherType is not 0x888E (EAPOL)',
  EapolType: 'an EAPOL PDU that is not MKA: somebody speaks EAP on this link',
  EapolVersion: 'the EAPOL version is below 3, with which there is no MKA',
  NotForUs: 'the destination is the individual address of another station',
  BodyLength: 'the EAPOL body length is not that of an MKPDU, or the frame is cut off',
  BasicMalformed: 'the Basic parameter set is cut off, or its CKN has not 1 to 32 octets',
  UnknownCkn: 'no CAK of this name is configured: compare ckn at both ends',
  // Seen with the key of the CKN.
  UnknownAlgorithm:
    'the algorithm agility is not 0080c201: the peer makes its ICVs by an algorithm of its own',
  WrongIcv: "the ICV of the peer's MKPDU is wrong: another CAK",
  // Sent by somebody who has the CAK.
  MessageNumber: 'the message number is 0, which is never sent',
  SetOverrun: 'a parameter set ends behind the MKPDU',
  PeerListMalformed: 'a peer list is not made of whole entries',
  SakUseMalformed: 'the SAK Use set has neither 40 octets nor none',
  DistributedSakMalformed: 'the length of the Distributed SAK set does not go with its cipher suite',
  UnknownCipher: 'the key server distributes a SAK of a cipher suite that is not implemented',
  XpnMalformed: 'the XPN set has not 8 octets',
} as const;

export type Refusal = keyof typeof REFUSAL_TEXTS;
