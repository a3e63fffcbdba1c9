/** Where a peer is that may be anywhere (`gre.remote: "dynamic"`), as authentic frames of the Uncontrolled Port tell it. */
import type { Sender, UncontrolledPort } from '../datapath/uncontrolled-port.ts';

/**
 * A peer that may be anywhere is where it proves to be live from. One that cannot prove it yet has not heard us: where
 * its frame came from it is answered, and if it is there, it proves it with its next one. A recording sent from elsewhere
 * gets an answer and moves nothing.
 */
export function follow(port: UncontrolledPort, from: Sender | null, provesLife: boolean): void {
  if (from === null) return;
  if (provesLife) port.peerIsAt(from);
  else port.answerTo(from);
}
