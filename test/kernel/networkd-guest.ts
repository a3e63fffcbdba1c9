/**
 * systemd-networkd for the guest, from Debian's package: the program with its loader and libraries, and the user that it
 * becomes. There is neither systemd nor udev: it is told by a read-only /sys that nobody else looks after links.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { unpackedPackage } from './debian-packages.ts';
import type { Guest } from './guest.ts';
import type { GuestFile } from './initramfs.ts';

const LOADER = 'ld-linux-x86-64.so.2';
const TRIPLET = 'x86_64-linux-gnu';
const AT = 'opt/networkd';
const FOLDER = '/etc/systemd/network';

/** Throws with the reason where the package cannot be had. */
export function networkdFiles(): GuestFile[] {
  const root = unpackedPackage('systemd', null);
  const dirs = ['lib', 'usr/lib']
    .flatMap((dir) => [join(dir, TRIPLET), join(dir, TRIPLET, 'systemd'), join(dir, 'systemd')])
    .map((dir) => join(root, dir))
    .filter((dir) => existsSync(dir));
  const program = join(root, 'lib/systemd/systemd-networkd');
  const loader = dirs.map((dir) => join(dir, LOADER)).find((path) => existsSync(path));
  if (loader === undefined || !existsSync(program)) throw new Error(`${root} lacks systemd-networkd`);
  const argv = ['--library-path', dirs.join(':'), '--list', program];
  const listed = execFileSync(loader, argv, { encoding: 'utf8' });
  const libraries = [...listed.matchAll(/=> (\S+) \(0x/g)].map(([, path]) => path!);
  return [
    file('systemd-networkd', program),
    ...[loader, ...libraries].map((path) => file(`lib/${basename(path)}`, path)),
    text('etc/passwd', 'root:x:0:0::/root:/bin/sh\nsystemd-network:x:998:998::/:/bin/false\n'),
    text('etc/group', 'root:x:0:\nsystemd-network:x:998:\n'),
    text('etc/nsswitch.conf', 'passwd: files\ngroup: files\n'),
    text('etc/machine-id', '0123456789abcdef0123456789abcdef\n'),
  ];
}

/** Why it can't be had on this machine; null when it can. */
export function whyNoNetworkd(): string | null {
  try {
    networkdFiles();
    return null;
  } catch (error) {
    return `systemd-networkd cannot be had: ${error instanceof Error ? error.message.trim() : String(error)}`;
  }
}

function file(path: string, from: string): GuestFile {
  return { path: `${AT}/${path}`, mode: 0o755, data: readFileSync(from) };
}

function text(path: string, content: string): GuestFile {
  return { path, mode: 0o644, data: Buffer.from(content) };
}

/** Puts `files` where networkd reads them, and starts it. */
export async function startNetworkd(
  guest: Guest,
  files: readonly { name: string; text: string }[],
): Promise<void> {
  const writes = files.map(
    ({ name, text: content }) =>
      `echo ${Buffer.from(content).toString('base64')} | base64 -d > ${FOLDER}/${name}`,
  );
  await guest.run(`
rm -rf ${FOLDER} /run/systemd/network; mkdir -p ${FOLDER} /run/systemd/netif/links /run/systemd/netif/leases /run/systemd/netif/lldp
chown -R 998:998 /run/systemd/netif
${writes.join('\n')}
chown 0:998 ${FOLDER}/*; chmod 640 ${FOLDER}/*
mount -o remount,ro /sys
SYSTEMD_LOG_TARGET=console /${AT}/lib/${LOADER} --library-path /${AT}/lib /${AT}/systemd-networkd >/tmp/networkd.log 2>&1 &
echo $! > /run/networkd.pid`);
}

/** What it has said. */
export function networkdLog(guest: Guest): Promise<string> {
  return guest.run('cat /tmp/networkd.log');
}

export async function stopNetworkd(guest: Guest): Promise<void> {
  await guest.run(`
pid=$(cat /run/networkd.pid); kill $pid; while kill -0 $pid 2>/dev/null; do usleep 20000; done
mount -o remount,rw /sys; rm -rf ${FOLDER}`);
}
