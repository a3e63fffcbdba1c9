/** Every configuration in `examples`, as it stands: sound, one end of a tunnel whose other end is beside it, and without a key. */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { parse } from 'jsonc-parser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import type { Config, TunnelConfig } from '../../../src/config/types.ts';
import { configWarnings } from '../../../src/config/warnings.ts';
import { sciOf } from '../../../src/wire/sci.ts';

const FOLDERS = [...new Set(examples().map((path) => dirname(path)))];

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'l2vpnd-examples-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Paths of all configurations, relative to the repository. */
function examples(): string[] {
  const found = readdirSync('examples', { recursive: true, encoding: 'utf8' });
  return found.filter((path) => path.endsWith('.json')).map((path) => join('examples', path));
}

function filesOf(folder: string): string[] {
  return examples().filter((path) => dirname(path) === folder);
}

/** The configuration, with key files made beside it: as long as the cipher wants, one name one key. */
function loadExample(path: string): { config: Config; warnings: string[] } {
  const text = readFileSync(path, 'utf8');
  const copy = join(dir, `${path.replaceAll('/', '-')}`);
  writeFileSync(copy, text);
  chmodSync(copy, 0o644);
  const octets = text.includes('-256"') ? 32 : 16;
  for (const [, name] of text.matchAll(/"(?:keyFile|cakFile)": "([^"]+)"/g)) {
    const key = Buffer.from(name!.padEnd(octets, '.')).subarray(0, octets).toString('hex');
    writeFileSync(join(dir, name!), `${key}\n`, { mode: 0o600 });
  }
  const config = loadConfig(copy);
  return { config, warnings: configWarnings(config, copy) };
}

/** The tunnels of all configurations of a folder. */
function tunnelsOf(folder: string): TunnelConfig[] {
  return filesOf(folder).flatMap((path) => loadExample(path).config.tunnels);
}

/** Whether `b` can be the other end of `a`: addresses, kind of wire, keys. */
function fits(a: TunnelConfig, b: TunnelConfig): boolean {
  const reaches = (from: TunnelConfig, to: TunnelConfig): boolean =>
    from.gre.remote === 'dynamic' || to.gre.local === 'auto' || from.gre.remote === to.gre.local;
  const sameWire = (['encap', 'port', 'key', 'checksum'] as const).every(
    (name) => a.gre[name] === b.gre[name],
  );
  return a !== b && reaches(a, b) && reaches(b, a) && sameWire && sameKeys(a, b);
}

function sameKeys(a: TunnelConfig, b: TunnelConfig): boolean {
  if (a.macsec === null || b.macsec === null) return a.macsec === b.macsec;
  if (a.macsec.cipher !== b.macsec.cipher || a.tap.mac === b.tap.mac) return false;
  if (a.mka !== null) return b.mka !== null && a.mka.ckn === b.mka.ckn && a.mka.cak.equals(b.mka.cak);
  return receives(a, b) && receives(b, a);
}

/** Has `to` what it takes to receive what `from` sends? */
function receives(from: TunnelConfig, to: TunnelConfig): boolean {
  const sci = sciOf(from.tap.mac!, from.macsec!.port);
  const sas = to.macsec!.rxSc.find((sc) => sc.sci === sci)?.sa ?? [];
  return from.macsec!.txSa.every((tx) =>
    sas.some(
      (rx) =>
        rx.an === tx.an &&
        rx.sak.equals(tx.sak) &&
        rx.ssci === tx.ssci &&
        rx.salt?.toString('hex') === tx.salt?.toString('hex'),
    ),
  );
}

describe('the examples', () => {
  it.each(examples())('%s is sound, and nothing but the plain ones is warned of', (path) => {
    const { warnings } = loadExample(path);
    expect(warnings.map((line) => line.replace(/^tunnel "\w+": /, ''))).toEqual(
      path.includes('/plain/')
        ? ['macsec is null: frames cross the WAN in clear, and anybody there can inject frames']
        : [],
    );
  });

  it.each(FOLDERS)('each tunnel in %s has its other end there', (folder) => {
    const tunnels = tunnelsOf(folder);
    expect(tunnels.length).toBeGreaterThanOrEqual(2);
    for (const tunnel of tunnels) expect(tunnels.filter((other) => fits(tunnel, other))).toHaveLength(1);
  });

  it.each(examples())('%s holds no key', (path) => {
    expect(readFileSync(path, 'utf8')).not.toMatch(/"(?:key|cak)": "/);
  });

  it.each([
    ['hub-and-spokes', 'hub'],
    ['vlan-trunk', 'vlan-trunk'],
  ])('what docs/how-to/%s.md shows is what examples/%s has', (howTo, folder) => {
    const text = readFileSync(join('docs', 'how-to', `${howTo}.md`), 'utf8');
    const blocks = [...text.matchAll(/`\/etc\/l2vpnd\/([\w-]+\.json)`[^\n]*:\n```json\n([\s\S]*?)```/g)];
    const shown = Object.fromEntries(blocks.map(([, name, json]) => [name, JSON.parse(json!)]));
    const files = filesOf(join('examples', folder)).map((path) => {
      const { $schema: _, ...file } = parse(readFileSync(path, 'utf8'));
      return [basename(path), file];
    });
    expect(Object.fromEntries(files)).toEqual(shown);
  });

  it('are all in the table of examples/README.md', () => {
    const readme = readFileSync('examples/README.md', 'utf8');
    const links = [...readme.matchAll(/\]\(((?!\.\.)[^)]+)\)/g)].map(([, to]) => join('examples', to!));
    for (const path of examples())
      expect(links.some((link) => path === link || dirname(path) === link)).toBe(true);
  });
});
