/** Who is key server (IEEE 802.1X-2020 9.5): of those that offer themselves the one with the lowest priority, then the lowest SCI. */
import type { Peer } from './peers.ts';

/** With it a participant does not offer itself. A peer that does so all the same, as hostap does, can be elected. */
export const NEVER_KEY_SERVER = 255;

interface Candidate {
  readonly priority: number;
  readonly sci: string;
}

/** `self`: this end is; null: nobody offers itself. */
export function electKeyServer(self: Candidate, live: readonly Peer[]): Peer | 'self' | null {
  let best: Peer | null = null;
  for (const peer of live) {
    if (!peer.basic.keyServer) continue;
    if (best === null || isBetter(candidate(peer), candidate(best))) best = peer;
  }
  if (self.priority === NEVER_KEY_SERVER) return best;
  return best === null || isBetter(self, candidate(best)) ? 'self' : best;
}

function candidate({ basic, sci }: Peer): Candidate {
  return { priority: basic.priority, sci };
}

function isBetter(a: Candidate, b: Candidate): boolean {
  return a.priority === b.priority ? a.sci < b.sci : a.priority < b.priority;
}
