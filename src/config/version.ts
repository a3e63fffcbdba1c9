/** The version of the configuration file: what `"version"` at its top may be. Names and meanings of settings change with it alone. */

export const CONFIG_VERSION = 1;

/** Why a file of `version` is not read by this l2vpnd, or null. Without a version it is one of 0.1, which is version 1. */
export function unfitVersion(version: unknown): string | null {
  if (version === undefined || version === CONFIG_VERSION) return null;
  const isLater = typeof version === 'number' && Number.isInteger(version) && version > CONFIG_VERSION;
  const remedy = isLater
    ? `the file is for a later l2vpnd: upgrade it, or write the file for version ${CONFIG_VERSION}`
    : `write ${CONFIG_VERSION}, or leave it out`;
  return `is ${JSON.stringify(version) ?? 'nothing'}, and this l2vpnd reads version ${CONFIG_VERSION}; ${remedy}`;
}
