/**
 * The guest's root: busybox, `ip`, `bridge`, iperf and the modules, as one uncompressed cpio archive ("newc", kernel
 * Documentation/driver-api/early-userspace/buffer-format.rst), written here so that no staging folder and no
 * root is needed.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { type KernelImage, modulePaths, readModule } from './kernel-image.ts';

/** Loaded at boot, with what they depend on. Names that the kernel lacks or has built in are passed over. */
const MODULES = [
  'virtio_pci',
  'virtio_net',
  'virtio_console',
  'aesni_intel',
  'ghash_clmulni_intel',
  'ghash_generic',
  'ctr',
  'gcm',
  'macsec',
  'ip_gre',
  'ip6_gre',
  'fou',
  'fou6',
  'veth',
  'dummy',
  '8021q',
  'af_packet',
  // wpa_supplicant 2.11 asks for nl80211, whatever its driver.
  'cfg80211',
  'bridge',
] as const;

/**
 * PID 1: loads the modules and serves scripts on each virtio port, one line in, one line out (see guest.ts).
 * `ip` is a function because busybox's shell prefers its own applet to what PATH finds. When the host goes away,
 * the port reads as ended and the guest powers off. Queues are plain: fq_codel puts frames of different flows out of
 * order as soon as they wait, which they do since virtio_net has byte queue limits (6.11).
 */
const INIT = `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/usr/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/shm /run /var/run/netns /tmp
mount -t tmpfs run /run
while read -r module; do insmod "/modules/$module" || echo "insmod $module failed"; done < /modules/list
echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6
echo pfifo > /proc/sys/net/core/default_qdisc
echo 1 > /proc/sys/kernel/panic
ip link set lo up
serve() {
  exec 3<>$1
  printf '0 0 . .\\n' >&3
  while read -r id script <&3; do
    { echo 'ip() { /usr/sbin/ip "$@"; }'; echo "$script" | base64 -d; } > /run/$id.sh
    sh -e /run/$id.sh </dev/null >/run/$id.out 2>/run/$id.err 3>&-
    printf '%s %s .%s .%s\\n' "$id" "$?" "$(base64 -w0 /run/$id.out)" "$(base64 -w0 /run/$id.err)" >&3
    rm -f /run/$id.*
  done
  poweroff -f
}
for port in p1 p2; do
  until ls /dev/vport*$port >/dev/null 2>&1; do sleep 0.05; done
  serve /dev/vport*$port &
done
wait
`;

/** A file of the guest's root; `path` without the first slash. */
export interface GuestFile {
  readonly path: string;
  readonly mode: number;
  readonly data: Buffer;
}

/** The archive: what QEMU's `-initrd` loads. Throws with the missing program's name. */
export function buildInitramfs(image: KernelImage, more: readonly GuestFile[] = []): Buffer {
  const archive = new Archive();
  for (const dir of ['dev', 'proc', 'sys', 'etc', 'root']) archive.addDir(dir);
  archive.addFile('init', 0o755, Buffer.from(INIT));
  archive.addFile('bin/busybox', 0o755, readFileSync(which('busybox')));
  for (const name of ['ip', 'bridge', 'iperf']) addProgram(archive, name);
  for (const { path, mode, data } of more) archive.addFile(path, mode, data);
  const list: string[] = [];
  for (const path of modulePaths(image, MODULES)) {
    const name = path.slice(path.lastIndexOf('/') + 1).replace(/\.(xz|gz)$/, '');
    archive.addFile(`modules/${name}`, 0o644, readModule(path));
    list.push(name);
  }
  archive.addFile('modules/list', 0o644, Buffer.from(`${list.join('\n')}\n`));
  return archive.finish();
}

/** Where a program lies; /usr/sbin is looked in too. */
export function which(name: string): string {
  const env = { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin` };
  try {
    return realpathSync(execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8', env }).trim());
  } catch (cause) {
    throw new Error(`"${name}" is not installed`, { cause });
  }
}

function addProgram(archive: Archive, name: string): void {
  const path = which(name);
  archive.addFile(`usr/sbin/${name}`, 0o755, readFileSync(path));
  for (const [, library] of execFileSync('ldd', [path], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g)) {
    if (library !== undefined) archive.addFile(library.slice(1), 0o755, readFileSync(library));
  }
}

/** A newc archive in the making: 13 fields of 8 hex digits a header, names and data padded to 4 octets. */
class Archive {
  readonly #parts: Buffer[] = [];
  readonly #names = new Set<string>();

  addDir(path: string): void {
    if (path === '.' || this.#names.has(path)) return;
    this.addDir(dirname(path));
    this.#add(path, 0o040755, Buffer.alloc(0));
  }

  addFile(path: string, mode: number, data: Buffer): void {
    if (this.#names.has(path)) return;
    this.addDir(dirname(path));
    this.#add(path, 0o100000 | mode, data);
  }

  finish(): Buffer {
    this.#add('TRAILER!!!', 0, Buffer.alloc(0));
    return Buffer.concat(this.#parts);
  }

  #add(path: string, mode: number, data: Buffer): void {
    this.#names.add(path);
    const name = Buffer.from(`${path}\0`);
    const fields = [this.#names.size, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, name.length, 0];
    const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`;
    this.#parts.push(padded(Buffer.concat([Buffer.from(header), name])), padded(data));
  }
}

function padded(data: Buffer): Buffer {
  return Buffer.concat([data, Buffer.alloc(-data.length & 3)]);
}
