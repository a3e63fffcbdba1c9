/** A tunnel whose peer may be anywhere, as the local port that it shares with others knows it. */
import type { MkaConfig } from '../config/types.ts';
import { type ClaimedName, cknName, sciName } from '../encap/claimed-name.ts';
import type { EncapSpec } from '../encap/kinds.ts';
import type { MacsecConfig } from '../macsec/config.ts';
import type { Named } from './name-table.ts';

/** What of a tunnel its port looks at; all of it may change while it runs. */
export interface NamedByKeys {
  readonly mka: MkaConfig | null;
  readonly secy: { readonly config: MacsecConfig } | null;
}

/** Who takes frames of the Uncontrolled Port. */
export interface TakesUncontrolled {
  readonly etherTypes: readonly number[];
  /** An inner frame, or what SLOT_FRAME_LEN has room for; where it came from (an endpoint's octets); how long it was. */
  deliver(frame: Uint8Array, sender: Uint8Array, cameLen: number): void;
}

export interface GuestParts {
  readonly tunnel: string;
  readonly fd: number;
  readonly greKey: number | null;
  readonly spec: EncapSpec;
  /** Where the peer is, in shared memory. */
  readonly endpoint: Uint8Array;
  readonly keys: NamedByKeys;
  /** Null: static keys alone. */
  readonly uncontrolled: TakesUncontrolled | null;
}

export class PortGuest implements Named {
  readonly parts: GuestParts;
  readonly greKey: number | null;
  /** Packets that were handed over since its port has looked. */
  taken = 0;
  /** Where its socket listens, as text; null: nowhere. */
  hears: string | null = null;
  #config: MacsecConfig | null = null;
  #mka: MkaConfig | null = null;
  #names: readonly ClaimedName[] = [];

  constructor(parts: GuestParts) {
    this.parts = parts;
    this.greKey = parts.greKey;
  }

  get names(): readonly ClaimedName[] {
    const { mka, secy } = this.parts.keys;
    const config = secy?.config ?? null;
    if (config !== this.#config || mka !== this.#mka) {
      this.#config = config;
      this.#mka = mka;
      this.#names = namesOf(config, mka);
    }
    return this.#names;
  }
}

/** Whoever has one of these is the peer, if the ICV is right. */
export function namesOf(
  config: Pick<MacsecConfig, 'rxSc'> | null,
  mka: (Pick<MkaConfig, 'ckn'> & { readonly fallback: { readonly ckn: string } | null }) | null,
): ClaimedName[] {
  const scis = config?.rxSc.map(({ sci }) => sciName(sci)) ?? [];
  if (mka === null) return scis;
  const { ckn, fallback } = mka;
  return [...scis, cknName(ckn), ...(fallback === null ? [] : [cknName(fallback.ckn)])];
}
