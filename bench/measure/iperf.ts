/**
 * iperf 2 from host1 to host2. TCP counts what the server took in, not what the client put into its socket's
 * buffer. UDP counts datagrams in the hosts' own counters: iperf's closing report is lost when the tunnel is full.
 */
import type { Topology } from '../../lab/topology.ts';
import { readUdp } from './snmp.ts';

export interface TcpResult {
  mbitPerSecond: number;
  octets: number;
}

/** One TCP run of `streams` parallel connections. */
export async function runTcp(topology: Topology, streams: number, seconds: number): Promise<TcpResult> {
  const server = topology.host2.start(['iperf', '-s', '-f', 'b']);
  try {
    await server.waitFor(/Server listening/);
    await topology.host1.must(
      ['iperf', '-c', topology.site2.host, '-t', `${seconds}`, '-P', `${streams}`, '-f', 'b'],
      { timeoutMs: (seconds + 20) * 1000 },
    );
    const report = /^\[ *(?:\d+)\] 0\.0+-([\d.]+) sec +(\d+) Bytes/;
    for (let seen = 0, from = 0; seen < streams; seen++) {
      const match = await server.waitFor(report, 5000, from);
      from = server.lines.indexOf(match.input ?? '', from) + 1;
    }
    const reports = server.lines.map((line) => line.match(report)).filter((match) => match !== null);
    const octets = reports.reduce((sum, match) => sum + Number(match[2]), 0);
    const longest = Math.max(...reports.map((match) => Number(match[1])));
    return { mbitPerSecond: (octets * 8) / longest / 1e6, octets };
  } finally {
    await server.stop('SIGKILL');
  }
}

export interface UdpResult {
  /** Datagrams per second that host1 sent. */
  offered: number;
  /** Datagrams per second that reached host2. */
  arrived: number;
  /** 0–1. */
  loss: number;
}

/** Offers `rate` datagrams of `payload` octets per second for `seconds`. */
export async function runUdp(
  topology: Topology,
  payload: number,
  rate: number,
  seconds: number,
): Promise<UdpResult> {
  const server = topology.host2.start(['iperf', '-s', '-u', '-l', '1470', '-w', '4M']);
  try {
    await server.waitFor(/Server listening/);
    const sentBefore = (await readUdp(topology.host1)).sent;
    const arrivedBefore = (await readUdp(topology.host2)).arrived;
    const client = topology.host1.start([
      ...['iperf', '-c', topology.site2.host, '-u', '-l', `${payload}`, '-b', `${Math.round(rate)}pps`],
      ...['-t', `${seconds}`],
    ]);
    try {
      const duration = Number(
        (await client.waitFor(/^\[ *\d+\] 0\.0+-([\d.]+) sec/, (seconds + 10) * 1000))[1],
      );
      await client.waitFor(/Sent (\d+) datagrams/);
      await settle(topology);
      const sent = (await readUdp(topology.host1)).sent - sentBefore;
      const arrived = (await readUdp(topology.host2)).arrived - arrivedBefore;
      return {
        offered: sent / duration,
        arrived: arrived / duration,
        loss: Math.max(0, 1 - arrived / sent),
      };
    } finally {
      await client.stop('SIGKILL');
    }
  } finally {
    await server.stop('SIGKILL');
  }
}

/** Waits until host2 gets no further datagrams (bounded): what the tunnel still holds has arrived or is lost. */
async function settle(topology: Topology): Promise<void> {
  for (let tries = 0, last = -1; tries < 50; tries++) {
    const { arrived } = await readUdp(topology.host2);
    if (arrived === last) return;
    last = arrived;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
