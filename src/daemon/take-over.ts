/**
 * Handing on, the taker's side: a process that has loaded its configuration, tested its ciphers and started its workers asks
 * the daemon at its control socket for the tunnels, and runs when that has let go of them (`hand-over.ts`).
 */
import { ask } from '../api/client.ts';
import { L2vpnError } from '../errors.ts';
import { closeFds } from '../host/close.ts';
import { FdSource } from '../host/descriptors.ts';
import { type FdChannel, Meeting } from '../host/fd-channel.ts';
import { emptyMemoryFile } from '../host/memory-file.ts';
import { networkNamespace } from '../host/process.ts';
import { decodeState, HAND_OVER_VERSION, type HandedState } from './handed-state.ts';

/** The giver waits for what it does before it, and for its disk. */
const STATE_MS = 60_000;
const GO_MS = 10_000;
/** Its servers close; then it is as good as gone, whatever it still does. */
const LEAVE_MS = 5000;

/** Who has run the tunnels until now. */
export interface Predecessor {
  /** It forwards until it is asked for what it has: there is time to warm up. */
  readonly waits: boolean;
  /** Resolves when it forwards nothing any more, with what it leaves. Throws L2vpnError: it goes on. */
  take(): Promise<{ readonly state: HandedState; readonly fds: FdSource }>;
  /** Resolves when it is sure that it never goes on. Throws L2vpnError: it goes on, and this process must not. */
  confirm(): Promise<void>;
  /** Resolves when it has no server open any more. */
  left(): Promise<void>;
  /** This process does not go on. May be called at any time before `confirm`. */
  refuse(reason: string): void;
}

/** The daemon at a control socket. */
export class RunningDaemon implements Predecessor {
  readonly waits = true;
  readonly #socket: string;
  #channel: FdChannel | null = null;

  constructor(controlSocket: string) {
    this.#socket = controlSocket;
  }

  async take(): Promise<{ state: HandedState; fds: FdSource }> {
    const meeting = new Meeting();
    try {
      const body = { version: HAND_OVER_VERSION, meeting: meeting.name, netns: networkNamespace() };
      await ask(this.#socket, 'handOver', {}, body);
      this.#channel = await meeting.accept(STATE_MS);
      refuseStranger(this.#channel);
      return await receiveState(this.#channel);
    } finally {
      meeting.close();
    }
  }

  async confirm(): Promise<void> {
    this.#channel!.send({ type: 'ready' });
    const came = await this.#channel!.receive(GO_MS);
    if ((came?.message as { type?: string } | undefined)?.type === 'go') return;
    throw new L2vpnError(
      'L2VPN_UNAVAILABLE',
      'the running l2vpnd has gone on by itself: nothing was taken over',
    );
  }

  async left(): Promise<void> {
    // Nothing more is said: it closes.
    await this.#channel!.receive(LEAVE_MS).catch(() => {});
    this.#channel!.close();
  }

  refuse(reason: string): void {
    try {
      this.#channel?.send({ type: 'failed', reason });
    } catch {
      // It has gone, or finds out by the end of the channel.
    }
    this.#channel?.close();
  }
}

async function receiveState(channel: FdChannel): Promise<{ state: HandedState; fds: FdSource }> {
  const first = await channel.receive(STATE_MS);
  const { type, fds: count = 0 } = (first?.message ?? { type: 'gone' }) as { type: string; fds?: number };
  const [memory] = first?.fds ?? [];
  if (type !== 'state' || memory === undefined) {
    throw new L2vpnError('L2VPN_UNAVAILABLE', 'the running l2vpnd hands nothing over: its log says why');
  }
  const fds: number[] = [];
  while (fds.length < count) {
    const came = await channel.receive(GO_MS);
    if (came === null)
      throw new L2vpnError('L2VPN_UNAVAILABLE', 'the running l2vpnd has stopped to hand over');
    fds.push(...came.fds);
  }
  try {
    return { state: decodeState(emptyMemoryFile(memory)), fds: new FdSource(fds) };
  } finally {
    closeFds([memory]);
  }
}

function refuseStranger(channel: FdChannel): void {
  const { uid } = channel.peer;
  if (uid === 0 || uid === process.geteuid!()) return;
  channel.close();
  throw new L2vpnError('L2VPN_PERMISSION', `hand-over: uid ${uid} is not who runs the daemon`);
}
