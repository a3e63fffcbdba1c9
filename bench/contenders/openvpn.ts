/**
 * OpenVPN 2.6, `dev tap`, AES-128-GCM, point to point: TLS with two self-signed certificates that know each other by
 * fingerprint (its manual's `--peer-fingerprint` example), so that nothing is left to a deprecated static key.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Background, must } from '../../lab/run.ts';
import { bridgeBoth, type Contender, missing, processesOf, stopAll, versionOf } from './contender.ts';

const DEVICE = 'ovpn1';
const PORT = '1194';

export function createOpenvpn(): Contender {
  const mtu = 1434;
  let daemons: Background[] = [];
  let dir: string | undefined;
  return {
    name: 'openvpn',
    title: 'OpenVPN TAP, AES-128-GCM',
    layer: 2,
    protection: 'AES-128-GCM',
    mtu,
    overhead: '20 IP + 8 UDP + 4 opcode + 4 packet id + 16 tag + 14 Ethernet',
    version: () => versionOf(['openvpn', '--version'], /\d+\.\d+\.\d+/),
    available: async () =>
      (await missing('openvpn', 'openvpn', true)) ?? (await missing('openssl', 'openssl', false)),
    async start(topology) {
      dir = await mkdtemp(join(tmpdir(), 'l2vpnd-bench-openvpn-'));
      const certs = [await makeCertificate(dir, 'site1'), await makeCertificate(dir, 'site2')] as const;
      const { site1, site2 } = topology;
      const sides = [
        {
          space: topology.nsra,
          own: site1,
          peer: site2,
          cert: certs[0],
          known: certs[1],
          role: ['--tls-server', '--dh', 'none'],
        },
        {
          space: topology.nsrb,
          own: site2,
          peer: site1,
          cert: certs[1],
          known: certs[0],
          role: ['--tls-client'],
        },
      ];
      daemons = sides.map(({ space, own, peer, cert, known, role }) =>
        space.start([
          ...['openvpn', '--verb', '3', '--dev', DEVICE, '--dev-type', 'tap', '--proto', 'udp4', ...role],
          ...['--local', own.underlay, '--port', PORT, '--remote', peer.underlay, PORT],
          ...['--cert', cert.certFile, '--key', cert.keyFile, '--peer-fingerprint', known.fingerprint],
          ...[
            '--data-ciphers',
            'AES-128-GCM',
            '--tun-mtu',
            `${mtu}`,
            '--mssfix',
            '0',
            '--keepalive',
            '10',
            '60',
          ],
        ]),
      );
      await Promise.all(daemons.map((daemon) => daemon.waitFor(/Initialization Sequence Completed/, 20_000)));
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

interface Certificate {
  certFile: string;
  keyFile: string;
  /** SHA-256, `AA:BB:…`. */
  fingerprint: string;
}

async function makeCertificate(dir: string, name: string): Promise<Certificate> {
  const certFile = join(dir, `${name}.crt`);
  const keyFile = join(dir, `${name}.key`);
  await must([
    ...[
      'openssl',
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-sha256',
    ],
    ...['-days', '2', '-subj', `/CN=${name}`, '-keyout', keyFile, '-out', certFile],
  ]);
  const text = await must(['openssl', 'x509', '-fingerprint', '-sha256', '-noout', '-in', certFile]);
  return { certFile, keyFile, fingerprint: text.slice(text.indexOf('=') + 1).trim() };
}
