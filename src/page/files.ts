/** The files of the page, as `npm run build` has left them in `dist/web`: read once, few and small. */
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { Endpoint, Reply } from '../api/router.ts';
import { packageRoot } from '../package-root.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Nothing from elsewhere, in no frame of anybody's, and no script but its own. */
const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-cache',
};

/** Empty where the page was not built. */
export function pageFiles(folder: string = join(packageRoot(), 'dist', 'web')): Endpoint[] {
  return filesIn(folder).flatMap((name) => {
    const reply: Reply = {
      status: 200,
      type: TYPES[extname(name)] ?? 'application/octet-stream',
      text: readFileSync(join(folder, name), 'utf8'),
      headers: HEADERS,
    };
    const paths = name === 'index.html' ? ['/'] : [`/${name}`];
    return paths.map((path) => ({ method: 'GET', path, reply: async () => reply }));
  });
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => name);
  } catch {
    return [];
  }
}
