/** What a Debian package says of itself: control, changelog, copyright. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesBelow, isLicence } from './files.ts';

export interface About {
  /** package.json's. */
  readonly version: string;
  readonly arch: string;
  readonly depends: string;
  /** KiB. */
  readonly size: number;
  readonly date: Date;
}

const MAINTAINER = process.env.DEBFULLNAME ?? 'The l2vpnd authors';
const EMAIL = process.env.DEBEMAIL ?? 'l2vpnd@packages.invalid';

/** npm's `0.2.0-rc.1` comes before 0.2.0, which dpkg writes with a tilde. */
export function debianVersion(version: string): string {
  return version.replace('-', '~');
}

export function controlFile({ version, arch, depends, size }: About): string {
  return `Package: l2vpnd
Version: ${debianVersion(version)}
Architecture: ${arch}
Maintainer: ${MAINTAINER} <${EMAIL}>
Installed-Size: ${size}
Depends: ${depends}
Section: net
Priority: optional
Description: Layer-2 site-to-site VPN: MACsec over GRETAP in userspace
 Two sites share one Ethernet segment over any IP network. A TAP device takes
 frames from the site's bridge; they are protected by IEEE 802.1AE (MACsec),
 with keys that renew themselves (MKA, IEEE 802.1X), and go in GRE or
 GRE-in-UDP. The other end is another l2vpnd, or Linux' own macsec over gretap.
 .
 The package brings its own Node.js, with an OpenSSL that uses AVX-512.
`;
}

export function changelogFile({ version, date }: About): string {
  return `l2vpnd (${debianVersion(version)}) unstable; urgency=medium

  * What has changed is in /usr/share/doc/l2vpnd/CHANGELOG.md.gz.

 -- ${MAINTAINER} <${EMAIL}>  ${rfc2822(date)}
`;
}

/** `Tue, 24 Nov 2026 18:30:00 +0000`. */
function rfc2822(date: Date): string {
  return date.toUTCString().replace('GMT', '+0000');
}

/** Our licence, Node.js' with those of all that is in it, and each dependency's, whole. */
export function copyrightFile(licence: string, nodeLicence: string, modules: string): string {
  const parts = [
    'l2vpnd is under this licence:',
    licence,
    '/usr/lib/l2vpnd/bin/node is Node.js. This is its licence, and those of what it is made of:',
    nodeLicence,
    ...filesBelow(modules)
      .filter((file) => isLicence(file.split('/').at(-1)!))
      .flatMap((file) => [
        `/usr/lib/l2vpnd/node_modules/${file}:`,
        readFileSync(join(modules, file), 'utf8'),
      ]),
  ];
  return parts
    .map((part) => part.trim())
    .join('\n\n')
    .concat('\n');
}
