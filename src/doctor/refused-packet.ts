/** A packet of the peer as it comes now, judged by the stages of the daemon, and by the other keys of the file. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Config } from '../config/types.ts';
import type { Judgement } from '../explain/gate.ts';
import { Judge } from '../explain/judge.ts';
import { decode } from '../explain/outer.ts';
import { PacketCopies } from '../host/packet-copies.ts';
import { IPPROTO_GRE, IPPROTO_UDP } from '../wire/ip.ts';
import { UDP_LEN, udpDstPortAt } from '../wire/udp.ts';
import type { Ends } from './tunnel-seen.ts';

/** Where packets of a tunnel are copied from. */
export interface Copies {
  /** What follows the IP header; null: none waits. */
  take(): Buffer | null;
  close(): void;
}

/** How long one is waited for, and how often it is looked. */
const WAIT_MS = 800;
const LOOK_MS = 20;

/** Throws SystemError, without CAP_NET_RAW. */
export function copiesOf(local: string, remote: string, port: number | null): Copies {
  return new PacketCopies(local, remote, port === null ? IPPROTO_GRE : IPPROTO_UDP);
}

/** The first packet that is refused for `reason`, with the hints of `explain`; null: none comes. */
export async function refusedPacket(
  config: Config,
  name: string,
  reason: string,
  { port }: Ends,
  copies: Copies,
): Promise<Judgement | null> {
  const tunnels = config.tunnels.filter((one) => one.name === name);
  const judge = new Judge({ ...config, tunnels });
  for (const end = performance.now() + WAIT_MS; performance.now() < end; await pause(LOOK_MS)) {
    for (let packet = copies.take(); packet !== null; packet = copies.take()) {
      const gre = greIn(packet, port);
      const judgement = gre === null ? null : judge.judge(gre, decode(gre, 'gre', []));
      if (judgement?.direction === 'received' && judgement.reason === reason) return judgement;
    }
  }
  return null;
}

/** Null: for another UDP port. */
function greIn(packet: Buffer, port: number | null): Buffer | null {
  if (port === null) return packet;
  return packet.length >= UDP_LEN && udpDstPortAt(packet, 0) === port ? packet.subarray(UDP_LEN) : null;
}
