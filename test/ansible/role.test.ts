/** The role in packaging/ansible: without complaint by ansible-lint, and played against a Debian that systemd has booted. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { pathOf } from '../../lab/packages.ts';
import { type SiteFile, siteFile } from '../../lab/site.ts';
import { Lab, pingUntil } from '../e2e/support.ts';
import { lackingMachine, Machine } from '../service/machine.ts';
import { debianPackage } from '../service/package.ts';
import { ansible, Playbook, type Recap } from './playbook.ts';

const UNIT = 'l2vpnd@site1';
const CAK = '5a'.repeat(32);
const MKA = { ckn: '0102', cakFile: '/etc/l2vpnd/site1-site2.cak' };

function lacking(program: string, name: string): string | undefined {
  return pathOf(program) === undefined ? `needs ${program}: apt-get install -y ${name}` : undefined;
}

function suite(title: string, reason: string | undefined, body: () => void): void {
  if (reason !== undefined) process.stdout.write(`SKIPPED ${title}: ${reason}\n`);
  describe.skipIf(reason !== undefined)(reason === undefined ? title : `${title} (${reason})`, body);
}

suite('ansible-lint', lacking('ansible-lint', 'ansible-lint'), () => {
  it('has nothing against playbook, inventory and role', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'l2vpnd-lint-'));
    const { code, stdout, stderr } = await ansible(dir, ['ansible-lint', '--offline', '--nocolor', '-p']);
    await rm(dir, { recursive: true });
    expect(stdout + (code === 0 ? '' : stderr)).toBe('');
    expect(code).toBe(0);
  });
});

suite('the Ansible role', lackingMachine() ?? lacking('ansible-playbook', 'ansible-core'), () => {
  const lab = new Lab({ prefix: 'ansible' });
  let machine: Machine;
  let playbook: Playbook;
  let dir: string;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'l2vpnd-ansible-'));
    const deb = await debianPackage();
    machine = await Machine.install(null, lab.topology.nsra);
    await machine.boot();
    playbook = await Playbook.against(machine.enter(), dir, { l2vpnd_deb: deb });
    await lab
      .site(2, { gre: { encap: 'udp' }, macsec: { mka: { ...MKA, cakFile: undefined, cak: CAK } } })
      .start();
  }, 420_000);
  afterAll(async () => {
    await machine?.destroy();
    if (dir !== undefined) await rm(dir, { recursive: true, force: true });
  });

  /** The one site of the host. */
  function site1(change: (file: SiteFile) => void = () => {}): object {
    const config = siteFile(lab.topology, 1, { gre: { encap: 'udp' }, macsec: { mka: MKA } });
    change(config);
    return { name: 'site1', config, key_files: [{ name: 'site1-site2.cak', content: CAK }] };
  }

  async function play(site: object, ...options: string[]): Promise<Recap> {
    const recap = await playbook.play([site], ...options);
    onTestFailed(() => void process.stdout.write(`${recap.output.slice(-8000)}\n`));
    return recap;
  }

  const configuration = (): string => readFileSync(machine.path('/etc/l2vpnd/site1.json'), 'utf8');

  it('brings a bare Debian to a running site, shows no key, and changes nothing the second time', async () => {
    const first = await play(site1(), '-vvv', '--diff');
    expect(first).toMatchObject({ code: 0, failed: 0 });
    expect(first.output).not.toContain(CAK);
    await machine.stateWhen(UNIT, ({ SubState }) => SubState === 'running');
    expect((await machine.systemctl('is-enabled', UNIT)).stdout).toBe('enabled\n');
    await pingUntil(lab.topology.host1, '192.168.1.2', 20_000);
    expect(await play(site1())).toMatchObject({ code: 0, changed: 0 });
  }, 240_000);

  it('a changed configuration is reloaded: the process stays', async () => {
    const before = await machine.state(UNIT);
    const changed = site1((file) => Object.assign(file.tunnels[0]!, { peerTimeoutSeconds: 7 }));
    const recap = await play(changed);
    expect(recap).toMatchObject({ code: 0, changed: 2 });
    expect(recap.output).toMatch(/RUNNING HANDLER \[l2vpnd : Reload changed l2vpnd sites\]/);
    expect((await machine.state(UNIT)).MainPID).toBe(before.MainPID);
    expect(await machine.must(['journalctl', '--unit', UNIT])).toMatch(/reload/);
  });

  it('a configuration that will not do fails with its line; the one before stays, and so does the tunnel', async () => {
    const before = configuration();
    const recap = await play(site1((file) => Object.assign(file.tunnels[0]!.gre, { remote: '2.2.2' })));
    expect(recap).toMatchObject({ code: 2, failed: 1 });
    expect(recap.output).toMatch(
      /:\d+: tunnels\[0\]\.gre\.remote: .*2\.2\.2.* is not an IPv4 or IPv6 address/,
    );
    expect(configuration()).toBe(before);
    await pingUntil(lab.topology.host1, '192.168.1.2', 20_000);
  });

  it('a relative key file is refused before anything is written', async () => {
    const mka = { ...MKA, cakFile: 'site1-site2.cak' };
    const recap = await play(site1((file) => Object.assign(file.tunnels[0]!.macsec!, { mka })));
    expect(recap).toMatchObject({ code: 2, failed: 1 });
    expect(recap.output).toContain(
      'l2vpnd_sites: site1: \\"keyFile\\" and \\"cakFile\\" need absolute paths',
    );
  });

  it('an absent site is stopped, and keeps nothing but its state', async () => {
    expect(await play({ name: 'site1', state: 'absent' })).toMatchObject({ code: 0, failed: 0 });
    expect(await machine.state(UNIT)).toMatchObject({ ActiveState: 'inactive' });
    expect(() => configuration()).toThrow('ENOENT');
  });
});
