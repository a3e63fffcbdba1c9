/**
 * wpa_supplicant and wpa_cli for the guest, of two releases of Debian: the one that this machine's apt is set up for (2.10
 * in Debian 12), and the newest (2.11: GCM-AES-256, EAPOL to any group address). Each comes with the loader and the
 * libraries of its release, in a folder of its own, and is started by a script `wpa_supplicant-<release>`.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { unpackedPackage } from './debian-packages.ts';
import type { GuestFile } from './initramfs.ts';

export const RELEASES = ['stable', 'sid'] as const;
export type Release = (typeof RELEASES)[number];

const PROGRAMS = ['wpa_supplicant', 'wpa_cli'] as const;
const LOADER = 'ld-linux-x86-64.so.2';
const TRIPLET = 'x86_64-linux-gnu';

/** Throws with the reason where the packages cannot be had. */
export function supplicantFiles(releases: readonly Release[] = RELEASES): GuestFile[] {
  return releases.flatMap((release) => {
    const root = unpackedPackage('wpasupplicant', release === 'stable' ? null : release);
    return new Root(root, release).files();
  });
}

/** Why they can't be had on this machine, in words for the one who runs the tests; null when they can. */
export function whyNoSupplicant(): string | null {
  try {
    supplicantFiles();
    return null;
  } catch (error) {
    return `wpa_supplicant cannot be had: ${error instanceof Error ? error.message.trim() : String(error)}`;
  }
}

/** The unpacked packages of one release. */
class Root {
  readonly #libraryDirs: readonly string[];
  readonly #root: string;
  readonly #release: Release;

  constructor(root: string, release: Release) {
    this.#root = root;
    this.#release = release;
    // Newer releases have everything below /usr.
    this.#libraryDirs = ['lib', 'usr/lib'].map((dir) => join(root, dir, TRIPLET)).filter(existsSync);
  }

  files(): GuestFile[] {
    const loader = this.#find(LOADER, this.#libraryDirs);
    const sbin = ['sbin', 'usr/sbin'].map((dir) => join(this.#root, dir));
    const programs = PROGRAMS.map((name) => this.#find(name, sbin));
    const libraries = new Set([loader, ...programs.flatMap((program) => this.#libraries(loader, program))]);
    return [
      ...programs.map((path) => this.#file(basename(path), path)),
      ...[...libraries].map((path) => this.#file(`lib/${basename(path)}`, path)),
      ...PROGRAMS.map((name) => this.#script(name)),
    ];
  }

  #libraries(loader: string, program: string): string[] {
    const argv = ['--library-path', this.#libraryDirs.join(':'), '--list', program];
    const listed = execFileSync(loader, argv, { encoding: 'utf8' });
    const missing = listed.match(/(\S+) => not found/);
    if (missing !== null) throw new Error(`${basename(program)} lacks ${missing[1]}`);
    return [...listed.matchAll(/=> (\S+) \(0x/g)].map(([, path]) => path!);
  }

  #find(name: string, dirs: readonly string[]): string {
    const path = dirs.map((dir) => join(dir, name)).find(existsSync);
    if (path === undefined) throw new Error(`there is no ${name} in ${this.#root}`);
    return path;
  }

  #file(path: string, from: string): GuestFile {
    return { path: `opt/${this.#release}/${path}`, mode: 0o755, data: readFileSync(from) };
  }

  #script(name: string): GuestFile {
    const at = `/opt/${this.#release}`;
    const text = `#!/bin/sh\nexec ${at}/lib/${LOADER} --library-path ${at}/lib ${at}/${name} "$@"\n`;
    return { path: `usr/sbin/${name}-${this.#release}`, mode: 0o755, data: Buffer.from(text) };
  }
}
