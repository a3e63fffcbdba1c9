/** Where things are, seen from `dist/bench/report/`. */
import { join } from 'node:path';

export const PACKAGE_ROOT: string = join(import.meta.dirname, '..', '..', '..');
export const RESULTS: string = join(PACKAGE_ROOT, 'bench', 'results');
