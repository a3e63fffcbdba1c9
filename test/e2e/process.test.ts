/** Accidents that come from the daemon's own host: signals, a log that nobody reads, few descriptors, debug options. */
import { closeSync, constants, existsSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import type { Background } from '../../lab/run.ts';
import { daemonPath, EXAMPLE_KEYS, type Site } from '../../lab/site.ts';
import { type Lab, labOfTests, pingUntil, suite } from './support.ts';

/** Starts a site's daemon through `wrapper`, until the test's end at most; it need not log. */
async function startThrough(site: Site, wrapper: readonly string[]): Promise<Background> {
  await site.prepare();
  const daemon = site.space.start([
    ...wrapper,
    process.execPath,
    daemonPath(),
    EXAMPLE_KEYS,
    '--config',
    site.configPath,
  ]);
  onTestFinished(async () => {
    await daemon.stop('SIGKILL');
  });
  return daemon;
}

const shell = (script: string): string[] => ['sh', '-c', script, 'sh'];

async function untilItAnswers(site: Site, daemon: Background): Promise<void> {
  for (const end = Date.now() + 10_000; ; await pause(20)) {
    if (existsSync(site.controlSocket) && (await site.control('/v1/tunnels').catch(() => null)) !== null)
      return;
    if (daemon.exit !== undefined || Date.now() > end)
      throw new Error(`no answer: ${daemon.lines.join('\n')}`);
  }
}

/** A FIFO that is full and that nobody reads, held open for both. */
async function fullFifo(lab: Lab): Promise<{ path: string; fd: number }> {
  const path = lab.newFile('.fifo');
  await lab.topology.nsra.must(['mkfifo', path]);
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  try {
    for (;;) writeSync(fd, Buffer.alloc(4096));
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe('EAGAIN');
  }
  return { path, fd };
}

suite('a log that cannot be written', {}, () => {
  const lab = labOfTests({ prefix: 'log' });

  it('because nobody reads: frames flow far beyond the first grant, show answers, SIGTERM ends it', async () => {
    const { host1 } = lab.topology;
    const fifo = await fullFifo(lab);
    const [site1, site2] = [lab.site(1), lab.site(2)];
    await site2.start();
    const daemon = await startThrough(site1, shell(`exec "$@" >${fifo.path}`));
    await untilItAnswers(site1, daemon);
    await pingUntil(host1, '192.168.1.2');
    const flood = ['ping', '-f', '-q', '-l', '64', '-c', '40000', '-s', '16', '192.168.1.2'];
    await host1.run(flood, { timeoutMs: 40_000 });
    expect((await site1.counters()).OutPktsEncrypted).toBeGreaterThan(20_000);
    expect((await site1.command('show')).code).toBe(0);
    const since = Date.now();
    expect(await daemon.stop('SIGTERM', 10_000)).toEqual({ code: 0, signal: null });
    expect(Date.now() - since).toBeLessThan(3000);
    closeSync(fifo.fd);
  });

  it('because its file system is full: it starts, works, and ends with 0', async () => {
    const site = lab.site(1);
    const daemon = await startThrough(site, shell('exec "$@" >/dev/full'));
    await untilItAnswers(site, daemon);
    // Nothing on stderr either: no stack.
    expect(await daemon.stop()).toEqual({ code: 0, signal: null });
    expect(daemon.lines).toEqual([]);
  });
});

/** The bit of SIGUSR1 among the signals that the process blocks or handles: node runs, if not yet our code. */
function nodeHandlesUsr1(pid: number): boolean {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const masks = [...status.matchAll(/^Sig(?:Blk|Cgt):\s+([0-9a-f]+)/gm)].map(([, mask]) =>
    BigInt(`0x${mask}`),
  );
  return masks.some((mask) => ((mask >> 9n) & 1n) === 1n);
}

/** Port 9229 in state LISTEN, in the namespace of `pid`. */
function debuggerListens(pid: number): boolean {
  return /:240D \S+ 0A /.test(readFileSync(`/proc/${pid}/net/tcp`, 'latin1'));
}

suite('signals', {}, () => {
  const lab = labOfTests({ prefix: 'sig' });

  it('SIGUSR1 at every moment from the first on opens no debugger and ends nothing', async () => {
    const site = lab.site(1);
    const daemon = await startThrough(site, []);
    while (!nodeHandlesUsr1(daemon.pid)) await pause(0);
    const ready = daemon.waitFor(/"msg":"ready"/);
    let done = false;
    void ready.finally(() => {
      done = true;
    });
    for (let rest = 500; !done || rest-- > 0; await pause(1)) process.kill(daemon.pid, 'SIGUSR1');
    await ready;
    expect(debuggerListens(daemon.pid)).toBe(false);
    expect(await daemon.stop()).toEqual({ code: 0, signal: null });
  });

  it.each([60, 90, 120, 180, 250, 350, 500, 700])(
    'after %i ms of the start: SIGHUP does no harm, SIGTERM ends it with 0 and leaves nothing',
    async (ms) => {
      const site = lab.site(1);
      const daemon = await startThrough(site, []);
      while (!holdsHangup(daemon.pid)) await pause(0);
      await pause(ms - 60);
      process.kill(daemon.pid, 'SIGHUP');
      await pause(1);
      expect(await daemon.stop('SIGTERM', 10_000)).toEqual({ code: 0, signal: null });
      expect(existsSync(site.controlSocket)).toBe(false);
      expect((await lab.topology.nsra.run(['ip', 'link', 'show', 'macsec1'])).code).not.toBe(0);
    },
  );

  it('SIGHUP before it is ready is one reload after', async () => {
    const site = lab.site(1);
    const daemon = await startThrough(site, []);
    while (!holdsHangup(daemon.pid)) await pause(0);
    for (let i = 0; i < 5; i++) process.kill(daemon.pid, 'SIGHUP');
    await daemon.waitFor(/"msg":"reloaded"/);
    await daemon.stop();
    expect(daemon.lines.filter((line) => line.includes('"msg":"reloaded"'))).toHaveLength(1);
  });
});

/** Our code has begun: SIGHUP is caught. */
function holdsHangup(pid: number): boolean {
  const mask = /^SigCgt:\s+([0-9a-f]+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? '0';
  return (BigInt(`0x${mask}`) & 1n) === 1n;
}

suite('the environment of the process', { programs: ['setpriv'] }, () => {
  const lab = labOfTests({ prefix: 'env' });

  it.each([['--inspect=127.0.0.1:0'], ['--require=/dev/null'], ['--import=data:text/javascript,0']])(
    'NODE_OPTIONS=%s: exit 64, the option is named, on stderr and once in the log',
    async (option) => {
      const site = lab.site(1);
      const { code, stdout, stderr } = await site.startToFail(['env', `NODE_OPTIONS=${option}`]);
      const name = option.split('=')[0] ?? '';
      expect(code).toBe(64);
      expect(stderr).toContain(`l2vpnd: ${name} in NODE_OPTIONS: `);
      const records = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(records).toMatchObject([{ level: 60, msg: expect.stringContaining(name) }]);
    },
  );

  it('no CAP_NET_RAW: GRE-in-UDP runs, and the log says that the path is not followed', async () => {
    const site = lab.site(1, { gre: { encap: 'udp' } });
    const daemon = await startThrough(site, ['setpriv', '--bounding-set=-net_raw', '--inh-caps=-net_raw']);
    await daemon.waitFor(/"msg":"ready"/);
    await daemon.waitFor(/the path's MTU is not followed, as ICMP cannot be heard \(needs CAP_NET_RAW\): /);
  });

  it('96 descriptors: one line with the limit and the remedy, exit 71', async () => {
    const site = lab.site(1);
    const { code, stderr } = await site.startToFail(shell('ulimit -n 96 && exec "$@"'));
    expect(code).toBe(71);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(/^l2vpnd: .*96 files open, too few: raise it with "ulimit -n/);
  });

  it('a soft limit is raised to the hard one', async () => {
    const site = lab.site(1, {}, { log: { level: 'debug' } });
    const daemon = await startThrough(site, shell('ulimit -Sn 80 && ulimit -Hn 700 && exec "$@"'));
    await daemon.waitFor(/"openFiles":700\b/);
    await daemon.waitFor(/"msg":"ready"/);
  });

  it('1100 idle connections to the metrics leave descriptors, metrics and tunnel: show answers, progress is stored', async () => {
    const site = lab.site(1, {}, { metrics: { listen: '127.0.0.1:9586' } });
    const daemon = await startThrough(site, shell('ulimit -n 256 && exec "$@"'));
    await daemon.waitFor(/"msg":"ready"/);
    const before = openFiles(daemon.pid);
    const crowd = site.space.start([process.execPath, '-e', CROWD]);
    await crowd.waitFor(/^1100 tried/);
    expect(openFiles(daemon.pid)).toBeLessThanOrEqual(before + 17);
    expect((await site.command('show')).code).toBe(0);
    const scrape = "fetch('http://127.0.0.1:9586/metrics').then((r) => r.text()).then((t) => console.log(t))";
    const sent = async (): Promise<number> => {
      const text = await site.space.must([process.execPath, '-e', scrape]);
      return Number(/^l2vpnd_frames_total\{tunnel="site2",direction="tx"\} (\d+)$/m.exec(text)?.[1]);
    };
    const first = await sent();
    const pings = lab.topology.host1.start(['ping', '-n', '-q', '-i', '0.1', '192.168.1.2']);
    while ((await sent()) < first + 3);
    await pings.stop('SIGKILL');
    expect(await daemon.stop()).toEqual({ code: 0, signal: null });
    await crowd.stop('SIGKILL');
    expect(daemon.lines.join('\n')).not.toMatch(/EMFILE|"level":[56]0/);
  });
});

const CROWD = `
const { connect } = require('node:net');
let tried = 0;
const count = () => ++tried === 1100 && console.log('1100 tried');
for (let i = 0; i < 1100; i++) {
  const socket = connect(9586, '127.0.0.1').on('error', () => {}).on('connect', count);
}
setInterval(() => {}, 1000);`;

function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
