/**
 * 802.1AE's Uncontrolled Port: frames for this station, beside those of the TAP, that neither are protected nor need to
 * be. Key agreement (EAPOL) travels here.
 */

export interface UncontrolledPort {
  /** Of the frames that come this way; untagged frames of other EtherTypes are the Controlled Port's. */
  readonly etherTypes: readonly number[];
  /** Called for each frame that came; whoever the port belongs to puts its own function here. Must not throw. */
  received: (frame: Uint8Array) => void;
  /** Sends a whole Ethernet frame to the peer, as it is. */
  send(frame: Uint8Array): void;
}
