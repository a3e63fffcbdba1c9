/** The device that TAPs are made with. */
import type { HostCheck } from '../context.ts';
import { isRoot } from '../context.ts';
import { finder, ok, skipped } from '../finding.ts';

const PATH = '/dev/net/tun';
const FILE_TYPE = 0o170000;
const CHARACTER_DEVICE = 0o020000;

const CASES = {
  missing: {
    level: 'fault',
    says: `${PATH} does not exist`,
    cause: 'the module tun is not loaded, or the container was not given the device',
    remedy: 'modprobe tun; for a container --device /dev/net/tun',
  },
  noDevice: {
    level: 'fault',
    says: `${PATH} is no character device`,
    cause: 'something else was put there, a file or a directory',
    remedy: `rm -r ${PATH}; mknod ${PATH} c 10 200; chmod 600 ${PATH}`,
  },
  refused: {
    level: 'fault',
    says: `${PATH} cannot be opened ({errno})`,
    cause: '{cause}',
    remedy: '{remedy}',
  },
} as const;
const found = finder(CASES);

const NO_MODULE = {
  cause: 'this kernel has no TUN/TAP',
  remedy: 'modprobe tun, or a kernel with CONFIG_TUN',
};
const NO_ACCESS = {
  cause: 'its mode, or the device rules of the container, keep it from being opened',
  remedy: `chmod 600 ${PATH}; for a container --device /dev/net/tun; DeviceAllow=/dev/net/tun in the unit`,
};

export const tun: HostCheck = {
  name: 'tun',
  about: '/dev/net/tun: there, a device, and to be opened',
  cases: CASES,
  async look(context) {
    const { host } = context;
    const mode = await host.modeOf(PATH);
    if (mode === null) return [found('missing', {})];
    if ((mode & FILE_TYPE) !== CHARACTER_DEVICE) return [found('noDevice', {})];
    const errno = await host.tryOpen(PATH);
    if (errno === '') return [ok(`${PATH} can be opened`)];
    const isDenied = errno === 'EACCES' || errno === 'EPERM';
    if (isDenied && !isRoot(context)) return [skipped(`whether ${PATH} can be opened: needs root`)];
    return [found('refused', { errno, ...(isDenied ? NO_ACCESS : NO_MODULE) })];
  },
};
