/** Finds and loads the addon, once a thread. Nothing else knows where the .node file lies. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { L2vpnError, messageOf } from '../errors.ts';
import { packageRoot } from '../package-root.ts';
import type { Addon } from './addon.ts';

const BINARY = 'native/build/Release/l2vpnd.node';

let loaded: Addon | undefined;

/** The addon of this thread. Throws `L2VPN_UNAVAILABLE` with the remedy where it was not built. */
export function loadAddon(): Addon {
  if (loaded !== undefined) return loaded;
  const root = packageRoot();
  const file = join(root, BINARY);
  const remedy = `run "npm run build:native" in ${root} (needs a C compiler, make and Python 3)`;
  if (!existsSync(file)) throw new L2vpnError('L2VPN_UNAVAILABLE', `${file} was not built: ${remedy}`);
  try {
    loaded = createRequire(import.meta.url)(file) as Addon;
  } catch (cause) {
    const why = messageOf(cause);
    throw new L2vpnError('L2VPN_UNAVAILABLE', `${file} does not load (${why}): ${remedy}`, { cause });
  }
  return loaded;
}
