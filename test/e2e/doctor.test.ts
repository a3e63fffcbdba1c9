/** What `l2vpnd doctor` finds: each fault is caused in the namespaces of one topology, some at a time. */
import { readFile, writeFile } from 'node:fs/promises';
import { afterEach, expect, it } from 'vitest';
import { daemonPath, EXAMPLE_KEYS, KEY_1, KEY_2, type Site, siteFile, tunnelFile } from '../../lab/site.ts';
import type { TunnelSnapshot } from '../../src/api/tunnel.ts';
import { ETHERTYPE_TEST, ethernet, gre, pattern, protect } from './frames.ts';
import { MKA } from './mka-kit.ts';
import { type Lab, labOfTests, pingUntil, Sender, suite } from './support.ts';

interface Found {
  check: string;
  tunnel: string | null;
  level: string;
  id: string | null;
  says: string;
  cause: string | null;
  remedy: string | null;
}

const [SCI_1, SCI_2] = ['0000001111110001', '0000002222220001'];
const BRIDGE_NETFILTER = ['net.bridge.bridge-nf-call-iptables', 'net.bridge.bridge-nf-call-ip6tables'];
/** Always true here, or of this machine. */
const NOT_OURS = ['clock', 'service', 'kernel-gre'];

/** What it says, worst first, and its exit status; within 3 s, however slow the machine is: by its own clock. */
async function doctor(
  site: Site,
  wrapper: readonly string[] = [],
): Promise<{ code: number | null; found: Found[] }> {
  const command = [
    process.execPath,
    daemonPath(),
    EXAMPLE_KEYS,
    'doctor',
    '--json',
    '--config',
    site.configPath,
  ];
  const { code, stdout, stderr } = await site.space.run([...wrapper, ...command]);
  expect(stderr).toBe('');
  const { worst, findings } = JSON.parse(stdout) as { worst: string; findings: Found[] };
  expect(code).toBe(worst === 'fault' ? 69 : 0);
  return { code, found: findings };
}

/** Level, check and name of what is not ok: `fault route noRoute`. */
function bad(found: readonly Found[]): string[] {
  return found
    .filter(({ level, check, id }) => level !== 'ok' && !NOT_OURS.includes(check) && id !== 'doubtful')
    .map(({ level, check, id }) => `${level} ${check} ${id}`)
    .sort();
}

function sayOf(found: readonly Found[], check: string, id: string): string {
  const one = found.find((line) => line.check === check && line.id === id);
  return one === undefined ? `no ${check} ${id}` : `${one.says}: ${one.cause}; ${one.remedy}`;
}

/** What a test that failed has left: the next one begins as the first. */
async function mend({ topology: { host1, nsra, nsrb } }: Lab): Promise<void> {
  await Promise.all([nsra, nsrb].map((space) => space.must(['nft', 'flush', 'ruleset'])));
  await nsra.must(['sysctl', '-qw', 'net.ipv4.conf.vra.rp_filter=0']);
  await nsra.run(['ip', 'link', 'del', 'macsec1']);
  await nsra.ip(`
    link set br0 up type bridge stp_state 0
    link set br0 type bridge forward_delay 0
    link set veth11 mtu 1500
    address replace 1.1.1.1/24 dev vra
    route replace default via 1.1.1.254
  `);
  await nsra.run(['ip', 'route', 'del', '2.2.2.2']);
  await host1.ip('link set veth1 up\n');
}

suite('l2vpnd doctor', { programs: ['nft', 'setpriv'], python: true }, () => {
  const lab = labOfTests({ prefix: 'doc', hostMtu: 1500 });
  afterEach(() => mend(lab));

  it('finds nothing where all is well, and what is done to it then; its remedies help', async () => {
    lab.explainFailure();
    const { nsra, host1 } = lab.topology;
    const [site1] = await lab.bothSites();
    await pingUntil(host1, '192.168.1.2');
    await site1.waitForLog(/first authentic frame/);
    expect(bad((await doctor(site1)).found)).toEqual([]);

    // A firewall that lets nothing in, an MTU that does not fit, a LAN without carrier, a file that was edited.
    await nsra.must([
      'nft',
      'add table inet f; add chain inet f in { type filter hook input priority 0; policy drop; }',
    ]);
    await nsra.must([
      'nft',
      'add chain inet f between { type filter hook forward priority 0; policy drop; }',
    ]);
    await nsra.must(['sysctl', '-qw', ...BRIDGE_NETFILTER.map((knob) => `${knob}=1`)]);
    await nsra.must(['ip', 'link', 'set', 'veth11', 'mtu', '1400']);
    await host1.must(['ip', 'link', 'set', 'veth1', 'down']);
    await nsra.must(['ip', 'link', 'set', 'macsec1', 'down']);
    await site1.waitForLog(/TAP macsec1 is down/);
    await nsra.must(['touch', '-d', '+1 hour', site1.configPath]);
    const { found } = await doctor(site1);
    expect(bad(found)).toEqual([
      'fault bridge-port blocked',
      'fault firewall dropsIncoming',
      'fault tap down',
      'warning bridge noCarrier',
      'warning bridge-netfilter forwards',
      'warning config stale',
      'warning mtu portDiffers',
    ]);
    expect(sayOf(found, 'firewall', 'dropsIncoming')).toBe(
      'nftables drops IP protocol 47 (GRE) from 2.2.2.2: table inet f, chain in, policy drop; ' +
        'nft insert rule inet f in meta l4proto gre accept',
    );
    // Its remedies are those that help.
    await nsra.must(['nft', 'insert rule inet f in meta l4proto gre accept']);
    await nsra.must(['ip', 'link', 'set', 'veth11', 'mtu', '1500']);
    await nsra.must(['ip', 'link', 'set', 'macsec1', 'up']);
    await host1.must(['ip', 'link', 'set', 'veth1', 'up']);
    await nsra.must(['sysctl', '-qw', ...BRIDGE_NETFILTER.map((knob) => `${knob}=0`)]);
    expect((await site1.command('reload')).code).toBe(0);
    await nsra.must(['touch', site1.configPath]);
    await pingUntil(host1, '192.168.1.2');
    expect(bad((await doctor(site1)).found)).toEqual([]);

    // What lies below and above: routes, addresses, the bridge.
    await nsra.must(['nft', 'flush', 'ruleset']);
    await nsra.must(['nft', 'add table ip g; add chain ip g o { type filter hook output priority 0; }']);
    await nsra.must(['nft', 'add rule ip g o ip protocol gre drop comment "no GRE"']);
    await nsra.must(['ip', 'link', 'set', 'macsec1', 'nomaster']);
    await site1.waitForLog(/was taken out/);
    await nsra.must(['ip', 'route', 'del', 'default']);
    const broken = (await doctor(site1)).found;
    expect(bad(broken)).toEqual([
      'fault bridge-port taken',
      'fault firewall dropsOutgoing',
      'fault route noRoute',
    ]);
    expect(sayOf(broken, 'firewall', 'dropsOutgoing')).toMatch(/chain o, rule with handle \d+ "no GRE"; /);
    await nsra.must(['ip', 'route', 'add', '2.2.2.2', 'dev', 'br0']);
    await nsra.must(['sysctl', '-qw', 'net.ipv4.conf.vra.rp_filter=1']);
    await nsra.ip('link set br0 type bridge stp_state 1 forward_delay 3000\nlink set macsec1 master br0\n');
    const membership = async (): Promise<unknown> =>
      ((await site1.control('/v1/tunnels')) as TunnelSnapshot[])[0]?.bridge?.membership;
    await expect.poll(membership, { timeout: 10_000 }).toBe('joined');
    expect(bad((await doctor(site1)).found)).toEqual(
      expect.arrayContaining([
        'fault route throughItself',
        'warning bridge-port learning',
        'warning rp-filter strict',
      ]),
    );
    await nsra.must(['ip', 'addr', 'del', '1.1.1.1/24', 'dev', 'vra']);
    expect(bad((await doctor(site1)).found)).toContain('fault route notLocal');
  });

  it('says why frames that come are not taken', async () => {
    lab.explainFailure();
    const { nsrb } = lab.topology;
    const site1 = lab.site(1);
    await site1.start();
    const sender = await Sender.gre(nsrb, '2.2.2.2', '1.1.1.1');
    const plain = ethernet('00:00:00:00:00:01', '00:00:00:22:22:22', ETHERTYPE_TEST, pattern(60));
    const secured = (change: object): Buffer =>
      gre(protect(plain, { key: KEY_2, sci: SCI_2, pn: 7, ...change }));
    await sender.send(
      secured({ key: KEY_1 }),
      secured({ sci: '0000003333330001' }),
      secured({ an: 2 }),
      secured({ sci: SCI_1 }),
      secured({ pn: 0 }),
      gre(plain),
      gre(plain, { flags: 0x2000, key: 9 }),
      gre(plain, { flags: 0x8000 }),
      gre(plain, { protocol: 0x0800 }),
    );
    await site1.countersWhen((now) => now.GreProto === 1);
    const { found } = await doctor(site1);
    expect(bad(found)).toEqual([
      'fault frames badTag',
      'fault frames clear',
      'fault frames greChecksum',
      'fault frames greKey',
      'fault frames notGretap',
      'fault frames unknownSci',
      'fault frames unusedAn',
      'fault frames wrongKey',
      'fault loop ownSci',
      'warning peer silent',
    ]);
    expect(sayOf(found, 'frames', 'unknownSci')).toContain('no rxSc has: 0000003333330001: ');
    expect(sayOf(found, 'frames', 'unusedAn')).toContain(`AN 2 of ${SCI_2}: `);
    // From another address than the peer's: nobody here takes it.
    await nsrb.must(['ip', 'address', 'add', '2.2.2.9/24', 'dev', 'vrb']);
    const elsewhere = await Sender.gre(nsrb, '2.2.2.9', '1.1.1.1');
    const flood = elsewhere.flood(4, 50, [gre(plain)]);
    expect(sayOf((await doctor(site1)).found, 'strangers', 'otherAddress')).toMatch(
      /^\d+ packets of an IP protocol came .* while nothing comes from 2\.2\.2\.2: .*tcpdump -ni any proto 47/,
    );
    await flood;
    await elsewhere.close();
    const { code, stdout } = await site1.command('show');
    expect([code, stdout.split('\n')[0]]).toEqual([
      0,
      expect.stringMatching(
        /^fault: site2: 1 frames came with our own SCI 0000001111110001: a loop .*; l2vpnd doctor looks further$/,
      ),
    ]);
    await sender.close();
  });

  it('says of a real peer that its keys are swapped, that it does not encrypt, that it began again', async () => {
    lab.explainFailure();
    const { host1, host2 } = lab.topology;
    const swapped = tunnelFile(lab.topology, 2);
    swapped.macsec!.txSa![0]!.key = KEY_1;
    swapped.macsec!.rxSc![0]!.sa[0]!.key = KEY_2;
    const [site1, site2] = [lab.site(1), lab.siteOf(2, { tunnels: [swapped] })];
    await Promise.all([site1.start(), site2.start()]);
    const pings = host2.start(['ping', '-n', '-i', '0.1', '192.168.1.1']);
    await site1.countersWhen((now) => (now.InPktsNotValid ?? 0) > 0);
    const { found } = await doctor(site1);
    expect(bad(found)).toEqual(['fault frames wrongKey', 'fault wrong-key misplaced', 'warning peer silent']);
    expect(sayOf(found, 'wrong-key', 'misplaced')).toMatch(
      /the ICV is right with txSa\[0\], key 01: .*exchange the two/,
    );
    await pings.stop('SIGKILL');
    await site2.stop();

    const inClear = lab.site(2, { macsec: { encrypt: false } });
    await inClear.start();
    await pingUntil(host1, '192.168.1.2');
    expect(bad((await doctor(site1)).found)).toContain('warning frames unencrypted');
    // So many that those of the next daemon are late for a while.
    await host1.must(['ping', '-n', '-q', '-i', '0.002', '-c', '400', '192.168.1.2']);
    await inClear.kill9();
    await inClear.dispose();
    const forgetful = lab.site(2);
    await forgetful.start();
    const again = host2.start(['ping', '-n', '-i', '0.1', '192.168.1.1']);
    await site1.waitForLog(/the peer began again at packet number 1/);
    expect(bad((await doctor(site1)).found)).toContain('fault replay beganAgain');
    await again.stop('SIGKILL');
  });

  it('says why no key is agreed on: another CAK, and a way that is open in one direction only', async () => {
    lab.explainFailure();
    const { nsrb } = lab.topology;
    const site1 = lab.site(1, { macsec: { mka: MKA } });
    const other = lab.site(2, { macsec: { mka: { ...MKA, cak: '6b'.repeat(32) } } });
    await Promise.all([site1.start(), other.start()]);
    await site1.waitForLog(/another CAK/);
    const { found } = await doctor(site1);
    expect(bad(found)).toContain('fault key-agreement trouble');
    expect(sayOf(found, 'key-agreement', 'trouble')).toMatch(/another CAK; compare macsec\.mka/);
    await other.stop();
    await nsrb.must([
      'nft',
      'add table ip f; add chain ip f in { type filter hook input priority 0; policy drop; }',
    ]);
    const deaf = lab.site(2, { macsec: { mka: MKA } });
    await deaf.start();
    const isPotential = (one: unknown): boolean => JSON.stringify(one).includes('"potential":[{');
    await expect
      .poll(async () => isPotential(await site1.control('/v1/tunnels')), { timeout: 10_000 })
      .toBe(true);
    expect(sayOf((await doctor(site1)).found, 'peer', 'deaf')).toMatch(
      /^the peer 0000002222220001 is heard, and does not hear us: .*let IP protocol 47 \(GRE\) through from 1\.1\.1\.1 to 2\.2\.2\.2/,
    );
  });

  it('needs no daemon: the device, capabilities, the state directory, who has the port, key files', async () => {
    lab.explainFailure();
    const { nsra } = lab.topology;
    const site = lab.siteOf(1, {
      ...siteFile(lab.topology, 1, { gre: { encap: 'udp' } }),
      stateMayBeLost: false,
    });
    await site.prepare();
    await nsra.must(['mkdir', site.stateDir]);
    expect(bad((await doctor(site)).found)).toEqual(['skipped daemon none']);

    const holder = nsra.start([
      process.execPath,
      '-e',
      "require('dgram').createSocket('udp4').bind(4754, '1.1.1.1', () => console.log('bound'))",
    ]);
    await holder.waitFor(/bound/);
    await nsra.ip('link add macsec1 type veth peer name other\nlink set br0 down\n');
    const script = `mount -t tmpfs -o size=4k,mode=700 none ${site.stateDir} && echo full >${site.stateDir}/x &&
      mount -t tmpfs none /dev/net && exec setpriv --bounding-set=-net_raw --inh-caps=-net_raw "$@"`;
    const { found } = await doctor(site, ['unshare', '-m', 'sh', '-c', script, 'sh']);
    expect(bad(found)).toEqual([
      'fault bridge down',
      'fault capabilities lacks',
      'fault disk full',
      'fault socket taken',
      'fault state forgets',
      'fault tap nameTaken',
      'fault tun missing',
      'skipped daemon none',
    ]);
    expect(sayOf(found, 'socket', 'taken')).toMatch(
      /^UDP port 4754 at 1\.1\.1\.1 is taken by node \(pid \d+\): /,
    );
    expect(sayOf(found, 'capabilities', 'lacks')).toMatch(/^root has no CAP_NET_RAW here: /);
    await holder.stop('SIGKILL');

    const text = await readFile(site.configPath, 'utf8');
    await nsra.must(['chmod', '644', site.configPath]);
    expect(sayOf((await doctor(site)).found, 'keys', 'unusable')).toMatch(
      /holds keys and has mode 0644.*; run chmod 600 /,
    );
    await nsra.must(['chmod', '600', site.configPath]);
    await writeFile(site.configPath, text.replace('"2.2.2.2"', '"2.2.2"'));
    const unsound = await doctor(site);
    expect(sayOf(unsound.found, 'config', 'unsound')).toMatch(/gre\.remote/);
    await writeFile(site.configPath, text);
  });

  it('without root says what it could not see; a daemon that is stopped is a fault, told within 3 s', async () => {
    lab.explainFailure();
    const site = lab.site(1);
    await site.start();
    process.kill(site.pid, 'SIGSTOP');
    try {
      const { found } = await doctor(site);
      expect(sayOf(found, 'daemon', 'silent')).toMatch(
        /does not answer in 0\.7 s: it may be stopped or blocked; /,
      );
    } finally {
      process.kill(site.pid, 'SIGCONT');
    }
    const nobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', '--inh-caps=-all'];
    await lab.topology.nsra.must(['chmod', '755', site.dir]);
    await lab.topology.nsra.must(['chmod', '600', site.configPath]);
    const command = [process.execPath, daemonPath(), 'doctor', '--json', '--socket', site.controlSocket];
    const { code, stdout } = await site.space.run([...nobody, ...command, '--config', site.configPath]);
    const skipped = (JSON.parse(stdout) as { findings: Found[] }).findings.filter(
      ({ level }) => level === 'skipped',
    );
    expect([code, skipped.map(({ check }) => check)]).toEqual([
      0,
      ['daemon', 'config', 'tun', 'capabilities'],
    ]);
    for (const { says } of skipped) expect(says).toMatch(/needs root|not root/);
  });
});
