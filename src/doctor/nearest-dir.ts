/** Where a directory that is still to be made would lie. */
import { dirname, resolve } from 'node:path';
import type { Host } from './host.ts';

/** `dir`, or the nearest above it that is there. */
export async function nearestDir(host: Pick<Host, 'modeOf'>, dir: string): Promise<string> {
  let at = resolve(dir);
  while (at !== dirname(at) && (await host.modeOf(at)) === null) at = dirname(at);
  return at;
}
