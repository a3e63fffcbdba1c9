/**
 * The one exception of the control plane. What a peer sends is never an exception: it is a verdict and a counter.
 *
 * A message says the place, what is wrong there, and what to do about it. It never holds key material: who
 * throws writes lengths and key identifiers, not octets. The exit statuses are those of `sysexits.h`.
 */

/** The codes and the exit status of each: an answer to "whose fault is it" that a script can test for. */
export const EXIT_STATUS = {
  /** The command line is wrong (EX_USAGE). */
  L2VPN_USAGE: 64,
  /** What was given to look at is no packet and no capture (EX_DATAERR). */
  L2VPN_DATA: 65,
  /** A file that was named does not exist (EX_NOINPUT). */
  L2VPN_NOINPUT: 66,
  /** Something that this host lacks: the address, the bridge, /dev/net/tun, the daemon to talk to (EX_UNAVAILABLE). */
  L2VPN_UNAVAILABLE: 69,
  /** A fault of our own (EX_SOFTWARE). */
  L2VPN_INTERNAL: 70,
  /** A system call failed that should not (EX_OSERR). */
  L2VPN_SYSTEM: 71,
  /** The stored packet numbers are unreadable, lost, older than the configuration demands, or lie where others could change them (EX_OSERR). */
  L2VPN_STATE: 71,
  /** A TAP, socket, directory or file cannot be made (EX_CANTCREAT). */
  L2VPN_CANTCREATE: 73,
  /** Not now: something of the kind is under way; the same will do later (EX_TEMPFAIL). */
  L2VPN_BUSY: 75,
  /** A capability or an access right is missing (EX_NOPERM). */
  L2VPN_PERMISSION: 77,
  /** The configuration is wrong (EX_CONFIG). */
  L2VPN_CONFIG: 78,
  /** A key file is wrong, or open to others (EX_CONFIG). */
  L2VPN_KEYFILE: 78,
} as const;

export type ErrorCode = keyof typeof EXIT_STATUS;

/** Each status for people: its name in sysexits(3), and what it says of this program. */
export const EXIT_STATUS_TEXTS: Readonly<
  Record<(typeof EXIT_STATUS)[ErrorCode], { readonly name: string; readonly text: string }>
> = {
  64: { name: 'EX_USAGE', text: 'The command line is wrong, or names a tunnel that there is not.' },
  65: { name: 'EX_DATAERR', text: 'What `explain` was given is no packet and no capture.' },
  66: { name: 'EX_NOINPUT', text: 'A file that was named, or a key file, does not exist.' },
  69: {
    name: 'EX_UNAVAILABLE',
    text:
      'Something is missing that this host should have: an address, /dev/net/tun, a daemon that answers. Of `status`: ' +
      'a tunnel is not up, or its peer not alive. Of `show`: a tunnel is down, its peer lost, or with key ' +
      'agreement not live. Of `reload`: a change waits for a restart.',
  },
  70: {
    name: 'EX_SOFTWARE',
    text: 'A fault of the program itself; please report it, with L2VPND_DEBUG=1 set.',
  },
  71: {
    name: 'EX_OSERR',
    text: 'A system call failed that should not, or the stored packet numbers are unreadable, lost or older than they must be.',
  },
  73: { name: 'EX_CANTCREAT', text: 'A TAP, socket, directory or file cannot be made, or is there already.' },
  75: {
    name: 'EX_TEMPFAIL',
    text: 'Not now: something of the kind is under way, or did not end in time. Try again.',
  },
  77: { name: 'EX_NOPERM', text: 'A capability or an access right is missing.' },
  78: { name: 'EX_CONFIG', text: 'The configuration or a key file is wrong, or open to others.' },
};

export interface L2vpnErrorOptions {
  cause?: unknown;
  /** Where the code alone does not say enough: a key file that is not there is 66, not 78. */
  exitStatus?: number;
  /** What may still come by itself (`bridge br0`): the same will do then. */
  waitsFor?: string;
}

export class L2vpnError extends Error {
  override readonly name = 'L2vpnError';
  readonly code: ErrorCode;
  /** What the process exits with if this error ends it. */
  readonly exitStatus: number;
  /** What may still come by itself, so that the same will do then; null: nothing. */
  readonly waitsFor: string | null;

  constructor(code: ErrorCode, message: string, options: L2vpnErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.exitStatus = options.exitStatus ?? EXIT_STATUS[code];
    this.waitsFor = options.waitsFor ?? null;
  }
}

/** The errno name of a failed system call (`ENOENT`), or an empty string for any other exception. */
export function errnoName(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) return '';
  return typeof error.code === 'string' && /^E[A-Z0-9]+$/.test(error.code) ? error.code : '';
}

/** What to say of an exception that is part of another message. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
