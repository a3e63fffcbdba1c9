/** Round-trip times by iputils ping, from host1 to host2. */
import type { Topology } from '../../lab/topology.ts';
import { median } from '../report/statistics.ts';

export interface PingResult {
  sent: number;
  received: number;
  medianMs: number;
  meanMs: number;
  maxMs: number;
}

/** Waits until a ping comes back; throws after `timeoutSeconds`. */
export async function awaitPath(topology: Topology, timeoutSeconds: number): Promise<void> {
  const argv = ['ping', '-n', '-q', '-c', '1', '-i', '0.1', '-w', `${timeoutSeconds}`, topology.site2.host];
  const { code, stdout } = await topology.host1.run(argv, { timeoutMs: (timeoutSeconds + 5) * 1000 });
  if (code !== 0) throw new Error(`no ping from host1 to host2 in ${timeoutSeconds} s: ${stdout.trim()}`);
}

/** `count` pings, one every `intervalMs`. */
export async function runPing(topology: Topology, count: number, intervalMs: number): Promise<PingResult> {
  const argv = ['ping', '-n', '-c', `${count}`, '-i', `${intervalMs / 1000}`, '-W', '1', topology.site2.host];
  const { stdout } = await topology.host1.run(argv, { timeoutMs: count * intervalMs + 10_000 });
  const times = [...stdout.matchAll(/ time=([\d.]+) ms/g)].map((match) => Number(match[1]));
  return {
    sent: count,
    received: times.length,
    medianMs: median(times),
    meanMs: times.reduce((sum, ms) => sum + ms, 0) / times.length,
    maxMs: Math.max(...times),
  };
}
