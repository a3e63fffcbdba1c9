/**
 * The service as systemd runs it, from the package: started at boot, told to reload, killed, stopped, hung, rebooted, and
 * what `systemctl status` says where something is wrong. The other end of its tunnel is a daemon of the lab.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Background } from '../../lab/run.ts';
import { type Site, type SiteFile, siteFile } from '../../lab/site.ts';
import { Lab, PYTHON, pingOnce, pingUntil } from '../e2e/support.ts';
import { lackingMachine, Machine, until } from './machine.ts';
import { debianPackage } from './package.ts';

const reason = lackingMachine();
if (reason !== undefined) process.stdout.write(`SKIPPED the service under systemd: ${reason}\n`);

const UNIT = 'l2vpnd@site1';
const KEYS: readonly [string, string] = ['c1'.repeat(16), 'c2'.repeat(16)];
/** CAP_NET_ADMIN and CAP_NET_RAW, as /proc/PID/status has them. */
const TWO_CAPABILITIES = '0000000000003000';

describe.skipIf(reason !== undefined)(
  `the service under systemd${reason === undefined ? '' : ` (${reason})`}`,
  () => {
    const lab = new Lab({ prefix: 'svc' });
    let machine: Machine;
    let peer: Site;

    /** site1, its keys in files that root alone reads. */
    function site1(change: (file: SiteFile) => void = () => {}): SiteFile {
      const sas = (name: string): object[] => [{ an: 0, keyId: '01', keyFile: `keys/${name}.key` }];
      const file = siteFile(lab.topology, 1, {
        macsec: {
          txSa: sas('site1') as never,
          rxSc: [{ mac: lab.topology.site2.tapMac, sa: sas('site2') as never }],
        },
      });
      change(file);
      return file;
    }

    /** Another tunnel of site1's, with MKA; nobody is at its other end. */
    function withMka(ifname: string, bridge: string | null, port: number): SiteFile {
      return siteFile(lab.topology, 1, {
        tap: { ifname, mac: null, bridge },
        gre: { encap: 'udp', port },
        macsec: { mka: { ckn: 'aa', cak: 'd0'.repeat(16) } },
      });
    }

    beforeAll(async () => {
      machine = await Machine.install(await debianPackage(), lab.topology.nsra);
      machine.writeEtc('keys/site1.key', `${KEYS[0]}\n`);
      machine.writeEtc('keys/site2.key', `${KEYS[1]}\n`);
      machine.writeEtc('site1.json', site1());
      peer = lab.site(2, {
        macsec: {
          txSa: [{ an: 0, keyId: '02', key: KEYS[1] }],
          rxSc: [{ mac: lab.topology.site1.tapMac, sa: [{ an: 0, keyId: '01', key: KEYS[0] }] }],
        },
      });
      machine.writeEtc('lan.json', withMka('macsec3', 'br1', 4755));
      machine.writeNetwork('10-br1.netdev', '[NetDev]\nName=br1\nKind=bridge\n');
      machine.writeNetwork('10-br1.network', '[Match]\nName=br1\n[Link]\nRequiredForOnline=no\n');
      await machine.dropIn(UNIT, '[Service]\nRestartSec=1');
      await machine.enable(UNIT, 'l2vpnd@lan', 'systemd-networkd');
      await machine.boot();
      await peer.start();
    }, 420_000);
    afterAll(async () => {
      await machine?.destroy();
    });
    afterEach(() => machine.writeEtc('site1.json', site1()));

    const ping = (): Promise<void> => pingUntil(lab.topology.host1, '192.168.1.2', 20_000);
    const isRunning = ({ SubState }: { SubState: string }): boolean => SubState === 'running';

    /** The packet number that the transmit SA of site1 is to use next. */
    async function nextPn(): Promise<number> {
      const text = await machine.must(['l2vpnd', 'show', '-s', '-j', '-i', 'site1']);
      return JSON.parse(text)[0].sa_list[0].pn;
    }

    async function threadsOf(unit: string): Promise<{ pid: number; tids: string[] }> {
      const pid = machine.hostPid((await machine.state(unit)).MainPID);
      return { pid, tids: readdirSync(`/proc/${pid}/task`) };
    }

    it('is started at boot, ready, and carries frames; its status says who the peer is, and the rates', async () => {
      await machine.stateWhen(UNIT, isRunning);
      await ping();
      const { StatusText } = await machine.stateWhen(UNIT, (state) => /alive/.test(state.StatusText));
      expect(StatusText).toMatch(/^site2: peer 2\.2\.2\.2 alive, [\d.]+ k?bit\/s in, [\d.]+ k?bit\/s out$/);
      await machine.statusWhen(UNIT, /Status: "site2: peer 2\.2\.2\.2 alive, /);
    });

    it('that has a bridge of networkd is in it', async () => {
      await machine.stateWhen('l2vpnd@lan', (state) => /^site2: peer/.test(state.StatusText));
      expect(await machine.must(['ip', 'link', 'show', 'master', 'br1'])).toContain('macsec3');
    });

    it('runs as its own user, every thread with two capabilities and no way to more', async () => {
      const { pid, tids } = await threadsOf(UNIT);
      expect(tids.length).toBeGreaterThan(5);
      for (const tid of tids) {
        const status = readFileSync(`/proc/${pid}/task/${tid}/status`, 'latin1');
        expect(status).toMatch(new RegExp(`^CapPrm:\\s+${TWO_CAPABILITIES}$`, 'm'));
        expect(status).toMatch(new RegExp(`^CapBnd:\\s+${TWO_CAPABILITIES}$`, 'm'));
        expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
        expect(status).not.toMatch(/^Uid:\s+0\s/m);
      }
    });

    it('a reload applies the file; one that is broken fails, says the line, and changes nothing', async () => {
      machine.writeEtc(
        'site1.json',
        site1((file) => Object.assign(file.tunnels[0]!, { peerTimeoutSeconds: 7 })),
      );
      expect(await machine.systemctl('reload', UNIT)).toMatchObject({ code: 0 });
      machine.writeEtc(
        'site1.json',
        site1((file) => Object.assign(file.tunnels[0]!.gre, { remote: '2.2.2' })),
      );
      expect((await machine.systemctl('reload', UNIT)).code).not.toBe(0);
      await machine.statusWhen(UNIT, /site1\.json:\d+: tunnels\[0\]\.gre\.remote: "2\.2\.2" is not/);
      expect(isRunning(await machine.state(UNIT))).toBe(true);
      expect(await pingOnce(lab.topology.host1, '192.168.1.2', 56, 2)).toBe(true);
    });

    it('a key file that has changed since the start fails the reload, and the remedy is said', async () => {
      machine.writeEtc('keys/site2.key', `${KEYS[1]}\n`);
      expect((await machine.systemctl('reload', UNIT)).code).not.toBe(0);
      await machine.statusWhen(UNIT, /site2\.key has been changed since the service started/);
    });

    it('kill -9: it is started again, above all packet numbers that it may have used', async () => {
      const before = await nextPn();
      const { pid } = await threadsOf(UNIT);
      process.kill(pid, 'SIGKILL');
      await machine.stateWhen(UNIT, (state) => state.NRestarts === '1' && isRunning(state));
      expect(await nextPn()).toBeGreaterThan(before);
      await ping();
    });

    /** The TAP: another one would have another index. */
    async function tapIndex(): Promise<string> {
      const [, index] = /^(\d+): macsec1/.exec(await machine.must(['ip', '-o', 'link', 'show', 'macsec1']))!;
      return index!;
    }

    it('restart: the TAP stays, and packet numbers go on', async () => {
      const [index, before, { MainPID }] = [await tapIndex(), await nextPn(), await machine.state(UNIT)];
      expect(await machine.systemctl('restart', UNIT)).toMatchObject({ code: 0 });
      await machine.stateWhen(UNIT, (state) => isRunning(state) && state.MainPID !== MainPID);
      expect(await tapIndex()).toBe(index);
      expect(await nextPn()).toBeGreaterThanOrEqual(before);
      await ping();
    });

    it('a reload after an upgrade: the new process is the service, with the same TAP and no more privileges', async () => {
      const [index, { MainPID, NRestarts }] = [await tapIndex(), await machine.state(UNIT)];
      await machine.must(['touch', '/usr/lib/l2vpnd/dist/src/main.js']);
      expect(await machine.systemctl('reload', UNIT)).toMatchObject({ code: 0 });
      const after = await machine.stateWhen(UNIT, (state) => isRunning(state) && state.MainPID !== MainPID);
      expect(after.NRestarts).toBe(NRestarts);
      expect(await tapIndex()).toBe(index);
      await ping();
      const { pid } = await threadsOf(UNIT);
      const status = readFileSync(`/proc/${pid}/status`, 'latin1');
      expect(status).toMatch(new RegExp(`^CapPrm:\\s+${TWO_CAPABILITIES}$`, 'm'));
      expect(status).toMatch(/^CapAmb:\s+0+$/m);
      // It is looked after as the first one was: what it does not end by itself is started again.
      process.kill(pid, 'SIGKILL');
      await machine.stateWhen(UNIT, (state) => isRunning(state) && state.MainPID !== after.MainPID);
      await ping();
    });

    it('one worker thread that hangs: the watchdog is not fed, the log says why, and it is started again', async () => {
      const { NRestarts } = await machine.state(UNIT);
      const { pid, tids } = await threadsOf(UNIT);
      const worker = tids.find((tid) =>
        readFileSync(`/proc/${pid}/task/${tid}/comm`, 'latin1').startsWith('l2vpnd-l'),
      );
      const held = new Background([PYTHON, join(import.meta.dirname, 'hold-thread.py'), String(worker)]);
      await held.waitFor(/^held/);
      await machine.stateWhen(UNIT, (state) => state.NRestarts > NRestarts && isRunning(state), 60_000);
      await held.ended;
      const log = await machine.must(['journalctl', '--unit', UNIT]);
      expect(log).toMatch(/worker thread 1 does not turn: its tunnels carry nothing/);
      expect(log).toMatch(/Watchdog timeout \(limit 10s\)/);
      await ping();
    });

    it('a daemon that is stopped as a whole (SIGSTOP) is started again', async () => {
      const { NRestarts } = await machine.state(UNIT);
      const { pid } = await threadsOf(UNIT);
      process.kill(pid, 'SIGSTOP');
      await machine.stateWhen(UNIT, (state) => state.NRestarts > NRestarts && isRunning(state), 60_000);
      await ping();
    });

    it('a reboot: stopped in order, and at boot it goes on with the next packet number', async () => {
      const before = await nextPn();
      await machine.reboot();
      await machine.stateWhen(UNIT, isRunning);
      const after = await nextPn();
      expect(after).toBeGreaterThanOrEqual(before);
      // Not the end of the last grant, which a crash would have gone on from.
      expect(after - before).toBeLessThan(5000);
      await ping();
    });

    describe('instances beside it', () => {
      afterEach(async () => {
        await machine.systemctl('stop', 'l2vpnd@two');
        await machine.systemctl('reset-failed', 'l2vpnd@two');
        await machine.dropIn('l2vpnd@two', '');
      });

      const two = (bridge: string | null = null): SiteFile => withMka('macsec2', bridge, 4754);

      it('have sockets and state of their own by their names, and commands name them', async () => {
        machine.writeEtc('two.json', two());
        expect(await machine.systemctl('start', 'l2vpnd@two')).toMatchObject({ code: 0 });
        const { code, stderr } = await machine.run(['l2vpnd', 'show']);
        expect(`${code} ${stderr}`).toMatch(
          /^64 .*there are several daemons: lan, site1, two; name one with --instance/,
        );
        expect(await machine.must(['l2vpnd', 'show', '-i', 'site1'])).toContain('macsec1');
        expect((await machine.run(['l2vpnd', 'show', '-i', 'two'])).stdout).toContain('macsec2');
      });

      it('wait for a bridge that does not exist yet, and say so; it comes up when the bridge does', async () => {
        machine.writeEtc('two.json', two('br9'));
        expect(await machine.systemctl('start', 'l2vpnd@two')).toMatchObject({ code: 0 });
        const { StatusText } = await machine.state('l2vpnd@two');
        expect(StatusText).toBe('site2: down: waiting for bridge br9');
        await machine.statusWhen('l2vpnd@two', /tunnel down: waiting for bridge br9: .*no such interface/);
        await machine.must(['ip', 'link', 'add', 'br9', 'type', 'bridge']);
        await machine.stateWhen('l2vpnd@two', (state) => !state.StatusText.includes('down'));
        expect(await machine.must(['ip', 'link', 'show', 'master', 'br9'])).toContain('macsec2');
      });

      it.each<[string, { file?: string | object; dropIn?: string; exit: number; says: RegExp }]>([
        [
          'a configuration that is wrong',
          {
            file: { tunnels: [] },
            exit: 78,
            says: /two\.json:2: tunnels: is empty: a daemon needs a tunnel/,
          },
        ],
        [
          'no capability',
          {
            dropIn: 'AmbientCapabilities=',
            exit: 77,
            says: /needs CAP_NET_ADMIN; run as root, or give the service/,
          },
        ],
        [
          'no /dev/net/tun',
          {
            dropIn: 'TemporaryFileSystem=/dev/net\nRestart=no',
            exit: 69,
            says: /\/dev\/net\/tun cannot be opened .*modprobe tun/,
          },
        ],
      ])('%s: one line and its exit status in systemctl status', async (_, { file, dropIn, exit, says }) => {
        machine.writeEtc('two.json', file ?? two());
        await machine.dropIn('l2vpnd@two', dropIn === undefined ? '' : `[Service]\n${dropIn}`);
        await machine.systemctl('start', 'l2vpnd@two');
        await machine.statusWhen('l2vpnd@two', says);
        expect((await machine.state('l2vpnd@two')).ExecMainStatus).toBe(String(exit));
        // What trying again does not change is not tried again.
        if (exit > 69)
          expect(await machine.state('l2vpnd@two')).toMatchObject({ SubState: 'failed', NRestarts: '0' });
      });

      it('a file that the service may not read: which, and what makes it readable', async () => {
        machine.writeEtc('two.json', two());
        await machine.must(['chmod', '600', '/etc/l2vpnd/two.json']);
        await machine.systemctl('start', 'l2vpnd@two');
        await machine.statusWhen(
          'l2vpnd@two',
          /two\.json cannot be read: permission denied; run chown root:l2vpnd \S+two\.json && chmod 640 /,
        );
        expect(await machine.state('l2vpnd@two')).toMatchObject({ ExecMainStatus: '77', NRestarts: '0' });
      });

      it('with a key that another instance sends with: who has it', async () => {
        machine.writeEtc(
          'two.json',
          site1((file) => Object.assign(file.tunnels[0]!.tap, { ifname: 'macsec2', bridge: null })),
        );
        // One start, so that its lines are what is shown.
        await machine.dropIn('l2vpnd@two', '[Service]\nRestart=no');
        await machine.systemctl('start', 'l2vpnd@two');
        await machine.statusWhen(
          'l2vpnd@two',
          /is in use: another l2vpnd \(pid \d+, uid \d+\) sends with key 01/,
        );
        expect(await machine.state('l2vpnd@two')).toMatchObject({ ExecMainStatus: '69' });
      });

      it('on a full disk: which, and it starts by itself when there is room', async () => {
        const dir = '/var/lib/l2vpnd/two';
        await machine.must(['mkdir', '-p', dir]);
        await machine.must(['mount', '-t', 'tmpfs', '-o', 'size=64k,mode=700', 'small', dir]);
        await machine.run(['dd', 'if=/dev/zero', `of=${dir}/filler`, 'bs=4k']);
        const keys = { txSa: [{ an: 0, keyId: '01', key: 'd1'.repeat(16) }] };
        const file = { ...two(), stateMayBeLost: true };
        Object.assign(file.tunnels[0]!, { macsec: { ...keys, rxSc: [] } });
        machine.writeEtc('two.json', file);
        // One start, so that its lines are what is shown.
        await machine.dropIn('l2vpnd@two', '[Service]\nRestart=no');
        await machine.systemctl('start', 'l2vpnd@two');
        await machine.statusWhen('l2vpnd@two', /cannot be stored in .*ENOSPC.*; free space there/);
        expect(await machine.state('l2vpnd@two')).toMatchObject({ ExecMainStatus: '71' });
        await machine.dropIn('l2vpnd@two', '');
        await machine.systemctl('start', 'l2vpnd@two');
        await machine.must(['rm', `${dir}/filler`]);
        await machine.stateWhen('l2vpnd@two', isRunning);
        await machine.systemctl('stop', 'l2vpnd@two');
        await machine.must(['umount', dir]);
      });
    });

    it('stop: it says what it does, and leaves neither TAP nor socket', async () => {
      expect(await machine.systemctl('stop', UNIT)).toMatchObject({ code: 0 });
      const { ActiveState, Result } = await machine.state(UNIT);
      expect([ActiveState, Result]).toEqual(['inactive', 'success']);
      // What is kept for a restart goes with the service.
      await until('no TAP', async () => (await machine.run(['ip', 'link', 'show', 'macsec1'])).code !== 0);
      await until(
        'no runtime directory',
        async () => (await machine.run(['test', '-e', '/run/l2vpnd/site1'])).code !== 0,
      );
    });
  },
);
