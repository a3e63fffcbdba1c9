/**
 * A how-to as it stands, run: the JSON blocks under a line like `/etc/l2vpnd/site1.json` are the configurations of its
 * sites, and the key files that they name are made.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, onTestFailed } from 'vitest';
import { splitPcap } from '../../lab/capture.ts';
import { createMesh, type Mesh } from '../../lab/mesh.ts';
import { Site, type SiteFile } from '../../lab/site.ts';
import type { Namespace } from '../../lab/topology.ts';

/** The configurations of `docs/how-to/<name>.md`, by the names of their files. */
export async function filesOfHowTo(name: string): Promise<Map<string, SiteFile>> {
  const text = await readFile(join('docs', 'how-to', `${name}.md`), 'utf8');
  const blocks = [...text.matchAll(/`\/etc\/l2vpnd\/([\w-]+)\.json`[^\n]*:\n```json\n([\s\S]*?)```/g)];
  expect(blocks.length).toBe(text.match(/```json/g)?.length);
  return new Map(blocks.map(([, site, json]) => [site!, JSON.parse(json!) as SiteFile]));
}

/** 128 bits of the test's own, the same for the same name. */
function cakOf(name: string): string {
  return Buffer.from(name.padEnd(16, '.')).subarray(0, 16).toString('hex');
}

/** Prepares a daemon with `file` and the keys that it names. `l2vpnd check` has nothing against it. */
export async function siteWithKeys(space: Namespace, name: string, file: SiteFile): Promise<Site> {
  const site = new Site(space, name, file);
  await site.prepare();
  for (const [, cak] of JSON.stringify(file).matchAll(/"cakFile":"([\w-]+\.cak)"/g)) {
    await writeFile(join(site.dir, cak!), `${cakOf(cak!)}\n`, { mode: 0o600 });
  }
  const checked = await site.command('check');
  expect(checked).toMatchObject({ code: 0, stderr: '' });
  return site;
}

/** A mesh of a suite, and the daemons of its tests, which end with each. */
export class MeshLab {
  #mesh: Mesh | null = null;
  readonly #sites: Site[] = [];

  constructor(name: string, count: number, bridge?: string) {
    const prefix = `${process.env.L2VPND_LAB ?? 'e2e'}-${name}`;
    beforeAll(async () => {
      this.#mesh = await createMesh(prefix, count, bridge);
    });
    afterEach(async () => {
      for (const site of this.#sites.splice(0)) await site.dispose();
    });
    afterAll(() => this.#mesh?.destroy());
  }

  get mesh(): Mesh {
    return this.#mesh!;
  }

  host(n: number): Namespace {
    return this.mesh.sites[n - 1]!.host;
  }

  router(n: number): Namespace {
    return this.mesh.sites[n - 1]!.router;
  }

  /** Daemons with these files, the first at site 1 and so on, started. Their logs are printed if the test fails. */
  async start(files: Iterable<[string, SiteFile]>): Promise<Site[]> {
    const named = [...files];
    const sites = await Promise.all(
      named.map(([name, file], i) => siteWithKeys(this.router(i + 1), name, file)),
    );
    this.#sites.push(...sites);
    onTestFailed(() => {
      for (const site of sites) process.stdout.write(`--- ${site.name}\n${outputOf(site)}\n`);
    });
    await Promise.all(sites.map((site) => site.start(20_000)));
    return sites;
  }
}

function outputOf(site: Site): string {
  try {
    return site.output().slice(-6000);
  } catch {
    return 'was not started';
  }
}

/** Waits until every tunnel of the site has its peer. */
export async function live(site: Site): Promise<void> {
  for (const end = Date.now() + 20_000; ; ) {
    const { code, stdout } = await site.command('show');
    if (code === 0) return;
    if (Date.now() > end) throw new Error(`${site.name}: not live\n${stdout}`);
  }
}

/** A broadcast frame of an EtherType of local experiments with `text` in it; nobody answers it. */
export function broadcast(text: string, tag?: number): Buffer {
  const vlan = tag === undefined ? Buffer.alloc(0) : Buffer.from([0x81, 0, tag >> 8, tag & 0xff]);
  const head = Buffer.from('ffffffffffff02000000eeee', 'hex');
  const body = Buffer.concat([Buffer.from('88b5', 'hex'), Buffer.from(text.padEnd(60, ' '))]);
  return Buffer.concat([head, vlan, body]);
}

/** Frames in a capture that hold `text`. */
export async function countIn(path: string, text: string): Promise<number> {
  return splitPcap(await readFile(path)).filter((frame) => frame.includes(text)).length;
}
