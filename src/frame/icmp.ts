/**
 * ICMP errors that came for packets of ours, by what they mean: counted, and told to the operator. No frame is dropped for
 * one, and nothing is believed: anybody can forge them. A connected socket hears of those that its kernel takes for final;
 * that a network or host cannot be reached at the moment is not among them.
 */

export const Icmp = {
  NoProtocol: 0,
  NoPort: 1,
  Prohibited: 2,
  Unreachable: 3,
  TooBig: 4,
  Other: 5,
} as const;
export type Icmp = (typeof Icmp)[keyof typeof Icmp];

/** What an operator is told of an ICMP error. */
export interface IcmpText {
  /** As `show`, the log and the metrics name it. */
  readonly name: string;
  /** Null: what it means is told elsewhere. */
  readonly cause: string | null;
}

/** Indexed by `Icmp`. */
export const ICMP_TEXTS: readonly IcmpText[] = [
  {
    name: 'IcmpNoProtocol',
    cause: "the peer's host takes no GRE (protocol 47 unreachable): neither l2vpnd nor a gretap runs there",
  },
  {
    name: 'IcmpNoPort',
    cause:
      "the peer's host takes no such packets (port unreachable): over UDP nothing listens at gre.port; over GRE its " +
      'kernel has a gretap, but none with this peer',
  },
  {
    name: 'IcmpProhibited',
    cause: "a firewall or router on the way, or at the peer's host, refuses the packets (prohibited)",
  },
  {
    name: 'IcmpUnreachable',
    cause: "a router knows no such network or host: is gre.remote the peer's address?",
  },
  // The path's MTU (tunnel/path.ts): whether it is believed takes more than that it came.
  { name: 'IcmpTooBig', cause: null },
  { name: 'IcmpOther', cause: 'the socket had an error of another kind' },
];
