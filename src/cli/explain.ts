/**
 * `l2vpnd explain HEX|FILE`: decodes packets field by field, and with `--config` says of each whether that
 * configuration would accept it and why not, and shows what it decrypts to. Needs no daemon, prints no key.
 */
import { permitExampleKeys } from '../config/example-keys.ts';
import { loadConfig } from '../config/load.ts';
import { GRE_UDP_PORT } from '../config/semantics.ts';
import { L2vpnError } from '../errors.ts';
import type { CapturedPacket } from '../explain/capture-file.ts';
import { formatPacket, jsonOfPacket } from '../explain/format.ts';
import { packetsOf, packetsOfFile } from '../explain/input.ts';
import { Judge } from '../explain/judge.ts';
import { decode } from '../explain/outer.ts';
import { hardenForKeys } from './harden.ts';
import { type OutputOptions, printJson, printText, type Rule } from './output.ts';

export interface ExplainOptions extends OutputOptions {
  config?: string;
  /** A capture, as tcpdump's -r. */
  read?: string;
  /** How many packets at most. */
  count?: number;
}

const COLORS: readonly Rule[] = [
  [/(?<=^ .*: )ACCEPTED \([^)]*\)/gm, 'good'],
  [/(?<=^ .*: )REFUSED \([^)]*\)|(?<=^ {4})fault: .*$/gm, 'bad'],
  [/^packet \d+(?=: )/gm, 'name'],
];

/** Exit status 0 whatever the verdicts are: the packets were explained. */
export async function explain(what: string | undefined, options: ExplainOptions): Promise<number> {
  // Read first: what is hardened cannot open its own /dev/stdin unless it is root's.
  const packets = source(what, options.read);
  const judge = options.config === undefined ? null : await judgeOf(options.config);
  const udpPorts = [GRE_UDP_PORT, ...(judge?.udpPorts ?? [])];
  let number = 0;
  for (const packet of packets) {
    if (options.count !== undefined && number >= options.count) break;
    number++;
    const decoded = packet.first === null ? null : decode(packet.data, packet.first, udpPorts);
    const judgement = decoded === null || judge === null ? null : judge.judge(packet.data, decoded);
    if (options.json) printJson(jsonOfPacket(number, packet, decoded, judgement));
    else printText(formatPacket(number, packet, decoded, judgement), COLORS);
  }
  if (number === 0) throw new L2vpnError('L2VPN_DATA', 'there is no packet in the capture');
  return 0;
}

/** With example keys too: to explain a packet protects nothing. */
async function judgeOf(path: string): Promise<Judge> {
  await hardenForKeys();
  permitExampleKeys();
  return new Judge(loadConfig(path));
}

function source(what: string | undefined, capture: string | undefined): Iterable<CapturedPacket> {
  if (capture !== undefined && what === undefined) return packetsOfFile(capture);
  if (what !== undefined && capture === undefined) return packetsOf(what);
  throw new L2vpnError(
    'L2VPN_USAGE',
    'explain takes hex, or a file, or -r with a capture; see l2vpnd explain --help',
  );
}
