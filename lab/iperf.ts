/** Debian's iperf 2 between two hosts of a topology: TCP and UDP, its CSV report (`-y C`) as numbers. */
import type { Background } from './run.ts';
import type { Namespace } from './topology.ts';

/** One line of `iperf -y C`: `time,address,port,address,port,stream,from-to,octets,bits/s[,…]`. */
export interface IperfReport {
  /** Its number; −1 when it is the sum of several. */
  stream: number;
  fromSec: number;
  toSec: number;
  octets: number;
  bitsPerSec: number;
}

/** Reads one line of the report; undefined for any other line. */
export function parseIperfReport(line: string): IperfReport | undefined {
  const fields = line.split(',');
  const interval = fields[6]?.match(/^([\d.]+)-([\d.]+)$/);
  if (fields.length < 9 || !interval) return undefined;
  return {
    stream: Number(fields[5]),
    fromSec: Number(interval[1]),
    toSec: Number(interval[2]),
    octets: Number(fields[7]),
    bitsPerSec: Number(fields[8]),
  };
}

/** Starts `iperf -s`; returns when it listens. */
export async function startIperfServer(
  space: Namespace,
  options: { udp?: boolean; ipv6?: boolean } = {},
): Promise<Background> {
  const flags = [...(options.udp ? ['-u'] : []), ...(options.ipv6 ? ['-V'] : [])];
  const server = space.start(['stdbuf', '-oL', 'iperf', '-s', ...flags]);
  await server.waitFor(/listening on/);
  return server;
}

export interface IperfOptions {
  seconds: number;
  /** Parallel streams. Default 1. */
  streams?: number;
  /** UDP at this many bit/s per stream; TCP without. */
  udpBitsPerSec?: number;
  /** Octets per UDP datagram. */
  udpLen?: number;
  /** Called about once a second with what all streams carried meanwhile. */
  onProgress?: (bitsPerSec: number) => void;
}

/** Runs the client; returns the report of all streams over the whole time. */
export async function iperf(space: Namespace, server: string, options: IperfOptions): Promise<IperfReport> {
  const streams = options.streams ?? 1;
  const argv = ['stdbuf', '-oL', 'iperf', '-c', server, '-y', 'C', '-t', String(options.seconds)];
  argv.push('-P', String(streams));
  if (server.includes(':')) argv.push('-V');
  if (options.onProgress) argv.push('-i', '1');
  if (options.udpBitsPerSec !== undefined) argv.push('-u', '-b', String(options.udpBitsPerSec));
  if (options.udpLen !== undefined) argv.push('-l', String(options.udpLen));
  const client = space.start(argv);
  const patience = setTimeout(() => void client.stop('SIGKILL'), (options.seconds + 15) * 1000);

  const watch = async (): Promise<void> => {
    let sum = 0;
    let heard = 0;
    for (let from = 0; ; ) {
      const line = await client.waitFor(/^\d.*$/, (options.seconds + 20) * 1000, from).catch(() => undefined);
      if (line === undefined) return;
      from = client.lines.indexOf(line[0], from) + 1;
      const report = parseIperfReport(line[0]);
      if (!report || isWhole(report, options.seconds)) continue;
      sum += report.bitsPerSec;
      if (++heard % streams !== 0) continue;
      options.onProgress?.(sum);
      sum = 0;
    }
  };
  await Promise.all([client.ended, options.onProgress ? watch() : undefined]);
  clearTimeout(patience);

  const reports = client.lines.flatMap((line) => parseIperfReport(line) ?? []);
  const total = sumStreams(reports.filter((report) => isWhole(report, options.seconds)));
  if (client.exit?.code !== 0 || total === undefined)
    throw new Error(`${argv.join(' ')}: exit ${client.exit?.code}; it printed:\n${client.lines.join('\n')}`);
  return total;
}

function isWhole(report: IperfReport, seconds: number): boolean {
  return report.toSec - report.fromSec > Math.max(seconds * 0.9, 1.5) || seconds <= 1;
}

/** This iperf prints no sum in its CSV. A UDP stream ends with the receiver's report, which is the one that counts. */
function sumStreams(reports: readonly IperfReport[]): IperfReport | undefined {
  const [first, ...others] = new Map(reports.map((report) => [report.stream, report])).values();
  if (first === undefined || others.length === 0) return first;
  const total = { ...first, stream: -1 };
  for (const report of others) {
    total.octets += report.octets;
    total.bitsPerSec += report.bitsPerSec;
  }
  return total;
}

/** What an `iperf -s -u` prints when a stream has ended: datagrams lost, and sent, after line `from` of its output. */
export async function udpLoss(server: Background, from = 0): Promise<{ lost: number; sent: number }> {
  const [, lost, sent] = await server.waitFor(/ (\d+)\/(\d+) \(/, 10_000, from);
  return { lost: Number(lost), sent: Number(sent) };
}
