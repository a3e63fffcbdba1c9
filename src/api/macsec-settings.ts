/**
 * What the first line of `ip macsec show` tells of a SecY's configuration, under iproute2's names and in its order. The
 * snapshot, its JSON and its text are made from this table: one setting more is one entry.
 */
import type { MacsecConfig } from '../macsec/config.ts';

type Value = boolean | string | number | undefined;

/** By name; `undefined` is not shown. `sc` and `sa` tell of offloads, which we have none of. */
export const MACSEC_SETTINGS = {
  protect: (config: MacsecConfig): boolean => config.protect,
  validate: (config: MacsecConfig): string => config.validate,
  sc: (): boolean => false,
  sa: (): boolean => false,
  encrypt: (config: MacsecConfig): boolean => config.encrypt,
  send_sci: (config: MacsecConfig): boolean => config.sendSci,
  end_station: (config: MacsecConfig): boolean => config.endStation,
  scb: (config: MacsecConfig): boolean => config.scb,
  replay: (config: MacsecConfig): boolean => config.replayProtect,
  window: (config: MacsecConfig): number | undefined =>
    config.replayProtect ? config.replayWindow : undefined,
};

export type ShownSettings = {
  [Name in keyof typeof MACSEC_SETTINGS]: ReturnType<(typeof MACSEC_SETTINGS)[Name]>;
};

const names = Object.keys(MACSEC_SETTINGS) as (keyof ShownSettings)[];

export function macsecSettings(config: MacsecConfig): ShownSettings {
  return Object.fromEntries(names.map((name) => [name, MACSEC_SETTINGS[name](config)])) as ShownSettings;
}

/** Those of a snapshot that are to be shown, in order. */
export function shownSettings(settings: ShownSettings): [name: string, value: Exclude<Value, undefined>][] {
  return names.flatMap((name) => {
    const value: Value = settings[name];
    return value === undefined ? [] : [[name, value]];
  });
}
