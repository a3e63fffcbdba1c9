/** docs/reference/control-api.md and exit-status.md against the code: routes, fields, headers, codes. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ZodObject } from 'zod';
import { ROTATE_BODY } from '../../../src/api/rotate.ts';
import { ROUTES } from '../../../src/api/routes.ts';
import { API_HEADER, PACKAGE_HEADER } from '../../../src/api/version.ts';
import { EXIT_STATUS, EXIT_STATUS_TEXTS } from '../../../src/errors.ts';
import { snapshotOf } from '../../../src/report/snapshot.ts';
import { macsecConfig } from '../macsec/kit.ts';
import { tunnelOf } from '../tunnel/kit.ts';

describe('control-api.md', () => {
  const text = readFileSync('docs/reference/control-api.md', 'utf8');

  it('has every route, and both headers', () => {
    for (const { method, path } of Object.values(ROUTES))
      expect(text).toContain(`| \`${method} ${path.replace('{name}', 'NAME')}\` |`);
    for (const header of [API_HEADER, PACKAGE_HEADER]) expect(text).toContain(`\`${header}\``);
  });

  it('has every field of a rotate request', () => {
    for (const name of Object.keys((ROTATE_BODY as ZodObject).shape)) expect(text).toContain(`\`${name}\``);
  });

  it('has every field of a tunnel but those that say nothing by themselves', async () => {
    const { tunnel } = await tunnelOf(macsecConfig());
    const names = Object.keys(snapshotOf(tunnel, 'batch', null));
    const missing = names.filter((name) => !text.includes(`\`${name}`));
    expect(missing).toEqual(['gre_checksums_left']);
  });
});

describe('exit-status.md', () => {
  const rows = readFileSync('docs/reference/exit-status.md', 'utf8').split('\n');

  it.each(Object.entries(EXIT_STATUS))('has %s with its status', (code, status) => {
    const { name } = EXIT_STATUS_TEXTS[status];
    const row = rows.find((line) => line.startsWith(`| ${status} | ${name} |`));
    expect(row).toContain(`\`${code}\``);
  });
});
