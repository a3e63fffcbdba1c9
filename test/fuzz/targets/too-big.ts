/**
 * ICMP messages that a packet was too big, among other octets: what is read and judged of them depends on nothing past their
 * end, a proof needs our SCI (where one is sent) and a recent packet number, and nothing is written.
 */
import { judgeQuote, type OwnPackets } from '../../../src/path/quote.ts';
import { readTooBigV4, readTooBigV6, type TooBig } from '../../../src/path/too-big.ts';
import { fragNeeded, greFrame, tooBigV6, udpFrame } from '../../unit/path/kit.ts';
import { demand, type FuzzTarget } from '../target.ts';

const MARGIN = 64;
const SCI = '0000001111110001';
const PN = 7;
const own = (udp: OwnPackets['udp'], key: number | null): OwnPackets => ({
  udp,
  gre: { key, checksum: false },
  secy: { sci: SCI, isRecent: (an, pn) => an === 0 && pn === PN },
});
const PORTS = { localPorts: [4754], remotePort: 4754 };
const TUNNELS = [own(null, null), own(null, 7), own(PORTS, null), own(PORTS, 7)];

function judged(message: TooBig | null, octets: Buffer): unknown {
  if (message === null) return null;
  const { packet, mtu } = message;
  demand(packet.at <= packet.end && packet.end <= octets.length, 'the quote lies outside the message');
  const verdicts = TUNNELS.map((tunnel) => judgeQuote(message, tunnel));
  if (verdicts.some(({ verdict }) => verdict === 'proven')) {
    demand(packet.totalLen > mtu && packet.df, 'a packet that was not too big proves something');
    const pn = octets.subarray(packet.at, packet.end).includes(Buffer.from([0, 0, 0, PN]));
    demand(pn, 'a proof without the packet number');
  }
  const { octets: _octets, ...shown } = packet;
  return [mtu, shown, verdicts];
}

function said(input: Buffer, fill: number): string {
  const arena = Buffer.alloc(input.length + MARGIN, fill);
  input.copy(arena);
  const before = Buffer.from(arena);
  const messages = [readTooBigV4(arena, input.length), readTooBigV6(arena, input.length)];
  const all = messages.map((message) => judged(message, input));
  demand(arena.equals(before), 'a reader wrote into the message');
  return JSON.stringify(all);
}

export const tooBig: FuzzTarget = {
  name: 'too-big',
  maxLen: 300,
  seeds: () => {
    const key = '20006558 00000007';
    const gre = [greFrame(), greFrame({ sci: null }), greFrame({ gre: key }), greFrame().subarray(0, 8)];
    const quotes = [
      ...gre.map((transport) => ({ protocol: 47, transport })),
      ...gre.map((frame) => ({ protocol: 17, transport: udpFrame(frame, 1480) })),
    ];
    return quotes.flatMap((quoted) => [fragNeeded(1400, quoted), tooBigV6(1400, quoted)]);
  },
  run(input) {
    const [quiet, loud] = [said(input, 0xa5), said(input, 0x00)];
    demand(quiet === loud, `octets behind the message decide: ${quiet} and ${loud}`);
  },
};
