/**
 * fastd in TAP mode with method `null`: no encryption, no authentication of frames. The yardstick of the ratios.
 * Its manual's MTU rule: 28 octets in TUN mode, 1 more for `null`, 14 more in TAP mode.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Background, must } from '../../lab/run.ts';
import { bridgeBoth, type Contender, missing, processesOf, stopAll, versionOf } from './contender.ts';

const DEVICE = 'fastd1';
const PORT = 10000;

export function createFastd(): Contender {
  const mtu = 1457;
  let daemons: Background[] = [];
  let dir: string | undefined;
  return {
    name: 'fastd',
    title: 'fastd, no encryption',
    layer: 2,
    protection: 'none',
    mtu,
    overhead: '20 IP + 8 UDP + 1 fastd + 14 Ethernet',
    version: () => versionOf(['fastd', '--version']),
    available: () => missing('fastd', 'fastd', true),
    async start(topology) {
      dir = await mkdtemp(join(tmpdir(), 'l2vpnd-bench-fastd-'));
      const secrets = [await generateSecret(), await generateSecret()] as const;
      const publics = [await publicKey(secrets[0]), await publicKey(secrets[1])] as const;
      const { site1, site2 } = topology;
      const sides = [
        {
          space: topology.nsra,
          local: site1.underlay,
          remote: site2.underlay,
          secret: secrets[0],
          peer: publics[1],
        },
        {
          space: topology.nsrb,
          local: site2.underlay,
          remote: site1.underlay,
          secret: secrets[1],
          peer: publics[0],
        },
      ];
      for (const [i, { space, local, remote, secret, peer }] of sides.entries()) {
        const file = join(dir, `site${i + 1}.conf`);
        const config = `
          log level info;
          mode tap;
          interface "${DEVICE}";
          mtu ${mtu};
          method "null";
          bind ${local}:${PORT};
          secret "${secret}";
          peer "other" { key "${peer}"; remote ${remote}:${PORT}; }
        `;
        await writeFile(file, config, { mode: 0o600 });
        daemons.push(space.start(['fastd', '--config', file]));
      }
      await Promise.all(daemons.map((daemon) => daemon.waitFor(/connection with .* established/)));
      await bridgeBoth(topology, DEVICE, mtu);
    },
    async stop() {
      await stopAll(daemons);
      daemons = [];
      if (dir) await rm(dir, { recursive: true, force: true });
    },
    processes: () => processesOf(daemons),
  };
}

async function generateSecret(): Promise<string> {
  return (await must(['fastd', '--generate-key', '--machine-readable'])).trim().split('\n')[0] ?? '';
}

async function publicKey(secret: string): Promise<string> {
  const argv = ['fastd', '--config', '-', '--show-key', '--machine-readable'];
  return (await must(argv, { input: `secret "${secret}";\n` })).trim();
}
