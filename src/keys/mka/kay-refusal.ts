/** Why something that an authentic MKPDU says is not heeded; the counterpart for what is no such thing is `refusal.ts`. */

export const KAY_REFUSAL_TEXTS = {
  OwnMessage: 'an MKPDU with our own SCI: it was reflected, or another station has our MAC address',
  OwnMi: 'a peer uses our member identifier: we have taken another',
  UnsentMn: 'a peer lists a message of ours that was never sent: we have taken another member identifier',
  ReplayedMn: 'the message number is not above the last one of this peer: replayed, duplicated or overtaken',
  SciChanged: 'a peer comes with another SCI under the same member identifier',
  SakNotFromServer: 'a SAK that comes from a peer that is not our key server, or not live',
  SakNotForUs: 'a SAK from a key server that does not list us as live',
  SakNoMacsec: 'the key server wants no MACsec: this end never sends in clear',
  SakCipher: 'the key server distributes a SAK of another cipher suite than is configured here',
  SakOffset: 'the key server wants a confidentiality offset of 30 or 50, which is not implemented',
  SakOfBefore:
    'a SAK that the key server made before it knew us, which may have been used by us before a restart',
  SakUsedBefore: 'a SAK that this end has used before: packet numbers would repeat',
  SakWrongKek:
    'a SAK that is not wrapped under the KEK of this CAK, or not of the length that its suite needs',
  SakMembers: 'the SAK is for members of which we do not know the SCI: no SSCI can be given to all',
  SakTooMany: 'SAKs come faster than the lanes take them over',
} as const;

export type KayRefusal = keyof typeof KAY_REFUSAL_TEXTS;
