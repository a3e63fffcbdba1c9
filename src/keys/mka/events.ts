/** What a KaY tells of itself as it happens, for the log. No key is in it. */

export type MkaEventName =
  | 'peer heard'
  | 'peer live'
  | 'peer started anew'
  | 'peer lost'
  | 'peer cannot use MACsec'
  | 'elected key server'
  | 'became member'
  | 'no key server'
  | 'new SAK'
  | 'SAK received'
  | 'SAK in use'
  | 'SAK retired'
  | 'SAs removed'
  | 'SAs kept'
  | 'CAK in charge'
  | 'new member identifier'
  | 'refused'
  | 'order failed';

export interface MkaEvent {
  readonly name: MkaEventName;
  readonly level: 'info' | 'warn';
  /** For people: the event and its reason, `new SAK: peer joined`. */
  readonly text: string;
  /** Of the participant; null: of the port. */
  readonly ckn: string | null;
  readonly sci?: string;
  readonly mi?: string;
  /** A key identifier: MI and KN, 32 hex digits. */
  readonly ki?: string;
  readonly an?: number;
  /** How often the same was not told since it was last told. */
  readonly unheard?: number;
  readonly error?: unknown;
}

export type MkaListener = (event: MkaEvent) => void;
