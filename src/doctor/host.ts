/** What checks ask of this host. A test hands in another one, with the faults of its choice. */
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import * as fsPromises from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { type AeadChoice, selectProvider } from '../crypto/select.ts';
import { errnoName } from '../errors.ts';
import { type BridgeInfo, type BridgePortInfo, bridgeInfo, bridgePortInfo } from '../host/bridge-port.ts';
import { allLinks, type LinkSeen } from '../host/links.ts';
import { clockIsSynchronised } from '../host/process.ts';
import { NameResolver } from '../host/resolve-name.ts';
import { linkTo, type Route, routeTo } from '../host/route.ts';
import { isLocalAddress, sourceTo } from '../host/socket.ts';
import { type Distrust, distrustOf, isOurs } from '../host/trusted-path.ts';
import { type VolatileKind, volatileKind } from '../state/volatile.ts';
import { type Copies, copiesOf } from './refused-packet.ts';

/** What a program printed, or why it did not. */
export interface Ran {
  /** 0: it succeeded; null: it could not be run, or did not end in time. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** errno name where it could not be run: ENOENT where it is not installed. */
  readonly errno: string;
}

/** Room on a file system. */
export interface Room {
  readonly octets: number;
  /** Of files; Infinity where the file system knows no such limit. */
  readonly files: number;
}

export interface Host {
  readonly euid: number;
  nowMs(): number;
  /** The text of a file; null where it cannot be read. */
  read(path: string): Promise<string | null>;
  readLink(path: string): Promise<string | null>;
  /** Names in a directory; empty where it cannot be read. */
  list(path: string): Promise<readonly string[]>;
  /** Opens it and closes it; the errno name of what was refused, or an empty string. */
  tryOpen(path: string): Promise<string>;
  /** The file type and mode (`st_mode`); null where there is none. */
  modeOf(path: string): Promise<number | null>;
  mtimeMs(path: string): Promise<number | null>;
  /** errno name of what a new file in `dir` would meet, or an empty string. */
  writeFault(dir: string): Promise<string>;
  roomOn(path: string): Promise<Room>;
  volatileKind(dir: string): Promise<VolatileKind | null>;
  /** Null: nobody but root, who we are, and `daemonUid` may exchange what lies in `dir`. */
  distrustOf(dir: string, daemonUid: number | null): Promise<Distrust | null>;
  run(program: string, args: readonly string[]): Promise<Ran>;
  resolve(name: string): Promise<readonly string[]>;
  links(): readonly LinkSeen[];
  bridge(index: number): BridgeInfo | null;
  bridgePort(index: number): BridgePortInfo | null;
  /** Interface that has `address`; null: none. */
  linkOf(address: string): string | null;
  route(local: string, remote: string): Route | null;
  linkTo(local: string, remote: string): number | null;
  sourceTo(remote: string): string | null;
  isLocalAddress(address: string): boolean;
  /** Copies of what a peer sends; `port` null: by raw GRE. Throws SystemError. */
  copies(local: string, remote: string, port: number | null): Copies;
  /** Null: the kernel does not say. */
  clockIsSynchronised(): boolean | null;
  /** Runs the self-test. Throws L2vpnError where no provider passes. */
  aead(wanted: 'auto' | 'node' | 'batch'): AeadChoice;
}

/** Each program that a check runs is given up after this. */
const RUN_MS = 1000;
const MAX_OUTPUT = 16 << 20;
/** What the shell of an operator has, and that of a service may not. */
const PATH = `${process.env.PATH ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin`;

const names = new NameResolver();

export const thisHost: Host = {
  euid: process.geteuid?.() ?? 0,
  nowMs: Date.now,
  read: (path) => orNull(fsPromises.readFile(path, 'utf8')),
  readLink: (path) => orNull(fsPromises.readlink(path)),
  list: async (path) => (await orNull(fsPromises.readdir(path))) ?? [],
  tryOpen: async (path) => {
    try {
      await (await fsPromises.open(path, constants.O_RDWR | constants.O_NONBLOCK)).close();
      return '';
    } catch (error) {
      return errnoName(error) || 'EIO';
    }
  },
  modeOf: async (path) => (await orNull(fsPromises.stat(path)))?.mode ?? null,
  mtimeMs: async (path) => (await orNull(fsPromises.stat(path)))?.mtimeMs ?? null,
  writeFault: async (dir) => {
    try {
      await fsPromises.access(dir, constants.W_OK);
      return '';
    } catch (error) {
      return errnoName(error) || 'EIO';
    }
  },
  roomOn: async (path) => {
    const { bavail, bsize, files, ffree } = await fsPromises.statfs(path);
    return { octets: bavail * bsize, files: files === 0 ? Number.POSITIVE_INFINITY : ffree };
  },
  volatileKind: (dir) => volatileKind(fsPromises, dir),
  distrustOf: (dir, daemonUid) => distrustOf(dir, fsPromises, (uid) => isOurs(uid) || uid === daemonUid),
  run: runProgram,
  resolve: (name) => names.resolve(name, 0),
  links: allLinks,
  bridge: bridgeInfo,
  bridgePort: bridgePortInfo,
  linkOf: linkWith,
  route: routeTo,
  linkTo,
  sourceTo,
  isLocalAddress,
  copies: copiesOf,
  clockIsSynchronised,
  aead: selectProvider,
};

function linkWith(address: string): string | null {
  const found = Object.entries(networkInterfaces()).find(([, addresses]) =>
    addresses?.some((one) => one.address === address),
  );
  return found?.[0] ?? null;
}

function runProgram(program: string, args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const env = { PATH, LC_ALL: 'C' };
    const options = { timeout: RUN_MS, killSignal: 'SIGKILL', maxBuffer: MAX_OUTPUT, env } as const;
    execFile(program, args, options, (error, stdout, stderr) => {
      const status = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
      resolve({ status, stdout, stderr, errno: errnoName(error) });
    });
  });
}

async function orNull<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch {
    return null;
  }
}
