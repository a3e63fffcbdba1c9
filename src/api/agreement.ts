/** What key agreement (MKA) has come to on a tunnel, as the control protocol tells of it. No key is in it. */
import type { Counters } from './counters.ts';

export interface AgreementSnapshot {
  /** `alone`: no peer is live; `undecided`: nobody offers itself as key server. */
  role: 'key server' | 'member' | 'alone' | 'undecided';
  /** Name of the CAK in charge, in hex. */
  ckn: string;
  /** 16 hex digits; null: there is none. */
  key_server_sci: string | null;
  /** Peers that are live under any CAK. */
  live_peers: number;
  latest: SakSnapshot | null;
  old: SakSnapshot | null;
  /** AN of the SAK that is transmitted with; null: nothing is. */
  encoding_an: number | null;
  /** Until this end, as key server, replaces the SAK by time; null: it does not. */
  next_rekey_seconds: number | null;
  /** Why no key is agreed on, as far as what has come lately tells; empty: nothing is wrong, or nothing comes. */
  trouble: string[];
  mkpdus_in: number;
  mkpdus_out: number;
  /** MKPDUs and what they said that were refused, by reason; reasons that have not occurred are left out. */
  refused: Counters;
  saks_made: number;
  saks_received: number;
  /** Of the CAK, and of the fallback. */
  participants: ParticipantSnapshot[];
}

export interface SakSnapshot {
  /** Key identifier: member identifier of the key server and key number, 32 hex digits. */
  ki: string;
  an: number;
  age_seconds: number;
  receives: boolean;
  transmits: boolean;
}

export interface ParticipantSnapshot {
  ckn: string;
  in_charge: boolean;
  mi: string;
  mn: number;
  live: MkaPeerSnapshot[];
  potential: MkaPeerSnapshot[];
}

export interface MkaPeerSnapshot {
  sci: string;
  mi: string;
  mn: number;
  priority: number;
  key_server: boolean;
  /** Since its last MKPDU. */
  age_seconds: number;
}
