/**
 * The shape of a configuration file: names, types, ranges, defaults, and what each field means. The meaning
 * across fields is in semantics.ts, the shape of `macsec` in macsec-schema.ts; `l2vpnd.schema.json` is made from here by
 * write-schema.ts.
 */
import { z } from 'zod';
import { ENCAP_WORDS, type EncapWord, SOURCE_PORT_WORDS, type SourcePortWord } from '../encap/config.ts';
import { bridgePortFields, checkBridgePort } from './bridge-port-schema.ts';
import { checkedBy, fitString, ifname, mac } from './checked-fields.ts';
import { checkEnds } from './end-rules.ts';
import {
  autoFalseOr,
  autoOr,
  closed,
  flag,
  mustBe,
  oneOf,
  text,
  unfitAddress,
  unfitRemote,
  wholeNumber,
  wordOr,
} from './fields.ts';
import { checkCarrier, checkKeepalive } from './liveness-rules.ts';
import { macsec } from './macsec-schema.ts';
import type { Problem } from './problem.ts';
import type { RawConfig, RawTunnel } from './raw.ts';
import { checkConfig, checkGre, GRE_UDP_PORT } from './semantics.ts';
import { CONFIG_VERSION, unfitVersion } from './version.ts';

const tap = closed(
  {
    ifname: ifname().describe('Name of the TAP device to make, at most 15 octets.'),
    mac: mac()
      .nullable()
      .default(null)
      .describe(
        'MAC address of the TAP, and the first 6 octets of the own SCI. null: random, locally administered.',
      ),
    mtu: autoOr(68, 65535)
      .default('auto')
      .describe(
        'What the tunnel carries, in octets of an inner packet. "auto": what the path carries less every header that is added; it follows the path. A number: so many, whatever is said of the path.',
      ),
    lanMtu: autoOr(68, 65521)
      .default('auto')
      .describe(
        'MTU of the TAP: what the LAN may send to it. "auto": that of the bridge, or without one what the tunnel carries. What is longer than the tunnel carries is answered (ICMP) or fragmented.',
      ),
    mssClamp: autoFalseOr(88, 65495)
      .default('auto')
      .describe(
        'The MSS that TCP announces through the tunnel, in either direction, is lowered to what the tunnel carries ("auto") or to so many octets. false: never.',
      ),
    bridge: ifname().nullable().default(null).describe('Existing bridge that the TAP joins. null: none.'),
    ...bridgePortFields,
    carrier: oneOf(['up', 'peer'])
      .default('up')
      .describe(
        'Carrier of the TAP. "peer": only while the peer is there, as key agreement or the keepalive says, so that what watches links (bonding, STP, keepalived) sees a dead tunnel. "up": always.',
      ),
    carrierDelayMs: wholeNumber(0, 60_000)
      .default(1000)
      .describe(
        'With carrier "peer": how long the peer has to be there without a break before the carrier comes. It goes at once.',
      ),
    queues: wholeNumber(1, 16)
      .default(1)
      .describe('Queues of the TAP, one transmit lane each. More than 1 helps only with idle cores.'),
  },
  'an object with at least "ifname"',
).superRefine(checkedBy(checkBridgePort));

const gre = closed(
  {
    local: fitString('an address of this host, or "auto"', (value) =>
      value === 'auto' ? null : unfitAddress(value),
    ).describe(
      'Outer source address, IPv4 or IPv6; must be an address of this host. "auto": that which the route to the other site has, and another when that changes; with "remote": "dynamic" any IPv4 address.',
    ),
    remote: fitString('the address or host name of the other site', (value) =>
      value === 'dynamic' ? null : unfitRemote(value),
    ).describe(
      'Outer destination address, or a host name: resolved at the start, and again while nothing authentic comes. "dynamic": learned from authentic frames (only with encap "udp").',
    ),
    encap: oneOf(Object.keys(ENCAP_WORDS) as EncapWord[])
      .default('none')
      .describe(
        Object.entries(ENCAP_WORDS)
          .map(([word, what]) => `"${word}": ${what}.`)
          .join(' '),
      ),
    port: wholeNumber(1, 65535)
      .default(GRE_UDP_PORT)
      .describe(
        'UDP port of both ends with encap "udp". Tunnels may share it: each "remote" once, "dynamic" ones told apart by the SCIs and CKNs of their peers.',
      ),
    key: wholeNumber(0, 0xffffffff)
      .nullable()
      .default(null)
      .describe('GRE key of both directions (RFC 2890). null: none.'),
    checksum: flag().default(false).describe('Send and demand the GRE checksum.'),
    ttl: wholeNumber(1, 255).default(64).describe('TTL or hop limit of outer packets.'),
    sourcePort: oneOf(Object.keys(SOURCE_PORT_WORDS) as SourcePortWord[])
      .default('port')
      .describe(
        `UDP source port of what is sent with encap "udp". ${Object.entries(SOURCE_PORT_WORDS)
          .map(([word, what]) => `"${word}": ${what}.`)
          .join(' ')}`,
      ),
    tos: wordOr('inherit', 0, 255)
      .default(0)
      .describe(
        'TOS or traffic class of outer packets. "inherit": DSCP and ECN of the inner IP packet, 0 for others, and the congestion marks of the path go into the inner packet (RFC 6040); set it at both ends. It shows the class of every inner packet on the WAN, though the packet is encrypted.',
      ),
    df: flag().default(true).describe("Set Don't Fragment on outer IPv4 packets."),
    mtuProbeSeconds: wholeNumber(0, 86_400)
      .default(600)
      .describe(
        'Between two l2vpnd with control frames the path is probed for what it carries; after so many seconds one that carries less than it might is probed for more. 0: it is not probed.',
      ),
  },
  'an object with at least "local" and "remote"',
).superRefine(checkedBy(checkGre));

const keepalive = closed(
  {
    helloMs: wholeNumber(100, 60_000).default(1000).describe('Milliseconds between two hellos.'),
    lifeMs: wholeNumber(300, 600_000)
      .default(3500)
      .describe(
        'A peer that was not heard, or did not hear this end, for so many milliseconds is gone; at least 3 hellos, and 3 of the peer where that sends less often.',
      ),
  },
  'an object, or null',
).superRefine(checkedBy(checkKeepalive));

const tunnel: z.ZodType<RawTunnel> = closed(
  {
    name: text(
      /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/,
      'a name of 1 to 32 letters, digits, ".", "_" and "-"',
    ).describe('Name of the tunnel in logs, metrics and commands.'),
    tap: tap.describe('The TAP device: the end on the side of the LAN.'),
    gre: gre.describe('The outer packets: the end on the side of the WAN.'),
    peerTimeoutSeconds: wholeNumber(0, 86_400)
      .default(10)
      .describe(
        'Seconds without an authentic frame, though frames are sent, after which the peer is lost: in the log, `show` and metrics. 0: it is not watched.',
      ),
    keepalive: keepalive
      .nullable()
      .default(null)
      .describe(
        'Static keys, and an l2vpnd at the other end that has a keepalive too: authentic hellos in both directions, whatever traffic there is. They tell whether the peer is there, keep a NAT open and find a dynamic peer again. null: none.',
      ),
    macsec: macsec.nullable().describe('The SecY. null: plain GRETAP, in clear.'),
  },
  'an object with "name", "tap", "gre" and "macsec"',
).superRefine(checkedBy(checkCarrier));

const config: z.ZodType<RawConfig> = closed(
  {
    $schema: z
      .string({ error: mustBe('a string') })
      .optional()
      .describe('This schema, for editors.'),
    version: z
      .literal(CONFIG_VERSION)
      .optional()
      .describe('Version of this format. A file without it is of version 1.'),
    tunnels: z
      .array(tunnel, { error: mustBe('a list of tunnels') })
      .min(1, { error: 'is empty: a daemon needs a tunnel' })
      .describe('The tunnels of this daemon.'),
    crypto: oneOf(['auto', 'node', 'batch'])
      .default('auto')
      .describe('AEAD provider. "auto": the batched one where it proves itself at start, else node:crypto.'),
    workers: autoOr(1, 64).default('auto').describe('Worker threads that the lanes are spread over.'),
    stateDir: z
      .string({ error: mustBe('a directory') })
      .min(1, { error: mustBe('a directory') })
      .nullable()
      .default(null)
      .describe(
        'Where packet numbers are kept. Must survive a restart. Relative to this file. null: /var/lib/l2vpnd/NAME for NAME.json; under systemd its StateDirectory=.',
      ),
    stateMayBeLost: flag()
      .default(false)
      .describe(
        'true: the state directory may be lost with the host or container: it may be on tmpfs, ramfs or overlay. ' +
          'Where it was lost, packet numbers begin again: start with new keys then.',
      ),
    controlSocket: z
      .string({ error: mustBe('a file name') })
      .min(1, { error: mustBe('a file name') })
      .nullable()
      .default(null)
      .describe(
        'Unix socket for `l2vpnd show`, `reload` and `rotate`. Relative to this file. null: /run/l2vpnd/NAME/l2vpnd.sock for NAME.json; under systemd in its RuntimeDirectory=.',
      ),
    metrics: closed(
      {
        listen: text(
          /^(?:[0-9.]+|\[[0-9a-fA-F:.]+\]|localhost):[0-9]{1,5}$/,
          'address and port like "127.0.0.1:9586"',
        ).describe('Address and port of the HTTP server, like "127.0.0.1:9586".'),
      },
      'an object with "listen", or null',
    )
      .nullable()
      .default(null)
      .describe('Prometheus metrics by HTTP, at /metrics. null: off.'),
    log: closed(
      {
        level: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal'])
          .default('info')
          .describe('Least severity that is logged.'),
      },
      'an object with "level"',
    )
      .default({ level: 'info' })
      .describe('The log, JSON lines on stdout.'),
  },
  'an object with "tunnels"',
)
  .superRefine(
    checkedBy((value: RawConfig, report) => {
      checkConfig(value, report);
      checkEnds(value, report);
    }),
  )
  .meta({ title: 'l2vpnd configuration' });

export type ParseResult = { ok: true; config: RawConfig } | { ok: false; problems: Problem[] };

/** Checks a parsed JSON value against the shape and the cross-field rules; never throws for what it holds. */
export function parseRaw(value: unknown): ParseResult {
  const unfit = unfitVersion((value as { version?: unknown } | null)?.version);
  // Whatever else is wrong with it may be right in its own version.
  if (unfit !== null) return { ok: false, problems: [{ path: ['version'], text: unfit }] };
  const result = config.safeParse(value);
  if (result.success) return { ok: true, config: result.data };
  const problems = result.error.issues.map((issue) => ({
    path: issue.path.map((part) => (typeof part === 'number' ? part : String(part))),
    text: issue.message,
  }));
  return { ok: false, problems };
}

/** The JSON Schema of a configuration file, for editors (`"$schema": "…/l2vpnd.schema.json"`). */
export function jsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(config, { io: 'input', target: 'draft-2020-12', unrepresentable: 'any' });
}
