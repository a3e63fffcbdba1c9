/**
 * 802.1AE's Uncontrolled Port: frames for this station, beside those of the TAP, that neither are protected nor need to
 * be. Key agreement (EAPOL) travels here, and control frames between two l2vpnd.
 */
import type { Mark } from './uncontrolled-ring.ts';

/** Where a frame came from, of a peer that may be anywhere: an endpoint's octets (`ports/endpoint.ts`). */
export type Sender = Uint8Array;

export interface UncontrolledPort {
  /** Of the frames that come this way; untagged frames of other EtherTypes are the Controlled Port's. */
  readonly etherTypes: readonly number[];
  /**
   * Called for each frame that came; whoever the port belongs to puts its own function here. `from`: null where the
   * peer is where it is. `cameLen`: the octets that it had; of a longer one than SLOT_FRAME_LEN, `frame` is the start.
   * Must not throw.
   */
  received: (frame: Uint8Array, from: Sender | null, cameLen: number) => void;
  /** Frames with one of these marks get through a flood of others; the users of a port have MAX_MARKS together. */
  want(marks: readonly Mark[]): void;
  /** Sends a whole Ethernet frame to the peer, as it is; nothing is sent while nobody knows where that is. */
  send(frame: Uint8Array): void;
  /** The peer is where this frame came from: what follows, user data too, goes there. For proven peers only. */
  peerIsAt(from: Sender): void;
  /**
   * The peer may be where this frame came from: the next `send` goes there too. For authentic frames only: one goes out
   * for each that came, so that nobody is sent more than was received in his name.
   */
  answerTo(from: Sender): void;
}
