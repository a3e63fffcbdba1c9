/** What V8 takes for the start. */
import { setFlagsFromString } from 'node:v8';

/**
 * Keeps the young generations of all threads at the size that they begin with, until the function that it returns is
 * called: opening many tunnels leaves much garbage, for which V8 would make them 16 times as large and keep them so.
 */
export function holdYoungGeneration(): () => void {
  setFlagsFromString('--semi-space-growth-factor=1');
  return () => setFlagsFromString('--semi-space-growth-factor=2');
}
