/** Debian's Chromium, headless, in a network namespace. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { pathOf } from './packages.ts';
import type { Namespace } from './topology.ts';

export interface OpenBrowser {
  readonly browser: Browser;
  close(): Promise<void>;
}

/** Close it before the namespace goes. */
export async function openBrowser({ name }: Pick<Namespace, 'name'>): Promise<OpenBrowser> {
  const dir = await mkdtemp(join(tmpdir(), 'l2vpnd-browser-'));
  const program = join(dir, 'chromium');
  await writeFile(program, `#!/bin/sh\nexec ip netns exec '${name}' '${pathOf('chromium')}' "$@"\n`);
  await chmod(program, 0o755);
  const browser = await chromium.launch({
    executablePath: program,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
    timeout: 60_000,
  });
  return {
    browser,
    close: async () => {
      await browser.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
