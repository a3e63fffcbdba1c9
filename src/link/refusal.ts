/** Why a control frame was refused, and what an operator is told of it. The name is what `show` and `explain` call it. */

export const LINK_REFUSAL_TEXTS = {
  // Seen without a key.
  TooShort: 'the frame ends inside the header of a control frame, or its ICV',
  NotOurs: 'EtherType 0x88B5, but not the protocol "l2vp": somebody else experiments with that EtherType',
  Version: 'the version of the protocol is not 1',
  UnknownKey: 'made with a key that is not here: compare the keys at both ends',
  // Seen with the key.
  WrongIcv: 'the ICV is wrong: somebody has made or changed it who does not have the key',
  // Sent by somebody who has the key.
  FrameLength: 'the frame came longer or shorter than it was sent',
  MessageNumber: 'the message number is 0, which is never sent',
  OwnMessage: 'a control frame of our own: it was reflected, or another station has our MAC address',
  Replayed: 'the message number is not above the last one of this peer: replayed, duplicated or overtaken',
  UnsentMessage: 'it answers a message that was never sent',
  BodyLength: 'the body is shorter than its kind needs',
} as const;

export type LinkRefusal = keyof typeof LINK_REFUSAL_TEXTS;
