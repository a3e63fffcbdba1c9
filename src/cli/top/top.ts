/** `l2vpnd top`: the tunnels of a daemon in a terminal, once a second, until `q`. */
import { ask } from '../../api/client.ts';
import { L2vpnError, messageOf } from '../../errors.ts';
import { type DaemonChoice, socketPath } from '../daemon-choice.ts';
import { hasColors, type OutputOptions, painted, type Rule } from '../output.ts';
import { RateMeter } from './rates.ts';
import { type Looked, listed, screenLines } from './screen.ts';

export interface TopOptions extends DaemonChoice, OutputOptions {
  once?: boolean;
}

const LOOK_MS = 1000;
const ALTERNATE_SCREEN = '\x1b[?1049h\x1b[?25l';
const USUAL_SCREEN = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

const COLORS: readonly Rule[] = [
  [/\b(?:DOWN \S+|FAULT)/g, 'bad'],
  [/^! .*$/gm, 'bad'],
  [/(?<=^[> ] \S+ +)up\b/gm, 'good'],
  [/(?<=^── )\S+/gm, 'name'],
];

/** 0 at `q`, SIGINT or SIGTERM. Throws where nobody answers at the start, and L2VPN_USAGE where there is no terminal. */
export async function top(options: TopOptions): Promise<number> {
  const socket = await socketPath(options);
  const watch = new Watch(socket);
  await watch.look();
  if (watch.looked.trouble !== null) throw watch.fault;
  if (options.once) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    await watch.look();
    const lines = screenLines(watch.looked, { columns: 80, rows: 24, chosen: 0 });
    process.stdout.write(`${lines.slice(0, -1).join('\n').trimEnd()}\n`);
    return 0;
  }
  if (!process.stdin.isTTY || !process.stdout.isTTY)
    throw new L2vpnError('L2VPN_USAGE', 'top needs a terminal: use --once, or l2vpnd status');
  return new Terminal(watch).run();
}

/** What the daemon said last. */
class Watch {
  looked: Looked;
  fault: unknown = null;
  readonly #socket: string;
  readonly #meter = new RateMeter();

  constructor(socket: string) {
    this.#socket = socket;
    this.looked = {
      at: Date.now(),
      tunnels: [],
      down: [],
      rates: new Map(),
      meter: this.#meter,
      trouble: null,
    };
  }

  /** Never throws: a daemon that does not answer may do so again. */
  async look(): Promise<void> {
    try {
      const [tunnels, down] = await Promise.all([
        ask(this.#socket, 'tunnels', {}),
        ask(this.#socket, 'down', {}),
      ]);
      const rates = this.#meter.take(tunnels, performance.now());
      this.looked = { at: Date.now(), tunnels, down, rates, meter: this.#meter, trouble: null };
    } catch (error) {
      this.fault = error;
      this.looked = { ...this.looked, trouble: messageOf(error) };
    }
  }
}

class Terminal {
  readonly #watch: Watch;
  #chosen = 0;
  #isPaused = false;
  #timer: NodeJS.Timeout | null = null;
  #end: () => void = () => {};

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  async run(): Promise<number> {
    const { stdin, stdout } = process;
    const ended = new Promise<void>((resolve) => {
      this.#end = resolve;
    });
    const end = (): void => this.#end();
    const draw = (): void => this.#draw();
    stdin.setRawMode(true);
    stdin.on('data', (keys: Buffer) => this.#press(keys.toString()));
    stdin.on('end', end);
    stdout.on('resize', draw);
    process.on('SIGINT', end);
    process.on('SIGTERM', end);
    stdout.write(ALTERNATE_SCREEN);
    try {
      this.#draw();
      this.#next();
      await ended;
    } finally {
      if (this.#timer !== null) clearTimeout(this.#timer);
      this.#timer = null;
      stdout.off('resize', draw);
      stdin.setRawMode(false);
      stdin.destroy();
      stdout.write(USUAL_SCREEN);
    }
    return 0;
  }

  /** One look after the other, however slow the daemon is. */
  #next(): void {
    this.#timer = setTimeout(async () => {
      if (!this.#isPaused) {
        await this.#watch.look();
        this.#draw();
      }
      if (this.#timer !== null) this.#next();
    }, LOOK_MS);
  }

  #press(keys: string): void {
    if (keys === 'q' || keys === 'Q' || keys.includes('\x03')) {
      this.#end();
      return;
    }
    if (keys === ' ') this.#isPaused = !this.#isPaused;
    if (keys === '\x1b[A' || keys === 'k') this.#chosen--;
    if (keys === '\x1b[B' || keys === 'j') this.#chosen++;
    this.#draw();
  }

  #draw(): void {
    const { columns = 80, rows = 24 } = process.stdout;
    const { looked } = this.#watch;
    this.#chosen = Math.max(0, Math.min(this.#chosen, listed(looked).length - 1));
    const lines = screenLines(looked, { columns, rows, chosen: this.#chosen }, this.#isPaused);
    const text = hasColors(1) ? painted(lines.join('\n'), COLORS) : lines.join('\n');
    process.stdout.write(`${HOME}${text.replaceAll('\n', `${CLEAR_LINE}\r\n`)}${CLEAR_LINE}${CLEAR_BELOW}`);
  }
}
