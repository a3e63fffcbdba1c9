/**
 * The configuration: whatever the text is, `parseConfig` returns or throws L2vpnError, and neither its messages nor
 * the masked configuration shows a key of the text. Changes are made to the JSON value, or blindly to its text.
 */

import { parseJson } from '../../../src/config/json-text.ts';
import { parseConfig } from '../../../src/config/load.ts';
import { maskedConfig } from '../../../src/config/masked.ts';
import type { Config } from '../../../src/config/types.ts';
import { L2vpnError } from '../../../src/errors.ts';
import type { Random } from '../random.ts';
import { demand, demandNoKey, type FuzzTarget, showsKey } from '../target.ts';

const KEYS = [
  '0123456789abcdef1032547698badcfe',
  '13579bdf02468ace13579bdf02468acf',
  'fedcba98765432100f1e2d3c4b5a6978',
];
const SALT = 'e0d1c2b3a4958677685a4b3c';

const SAMPLE = {
  tunnels: [
    {
      name: 'site2',
      tap: { ifname: 'macsec1', mac: '00:00:00:11:11:11', mtu: 'auto', bridge: 'br0', queues: 1 },
      gre: {
        local: '1.1.1.1',
        remote: '2.2.2.2',
        encap: 'none',
        port: 4754,
        key: 7,
        checksum: true,
        ttl: 64,
        tos: 0,
        df: true,
      },
      macsec: {
        cipher: 'gcm-aes-128',
        encrypt: true,
        validate: 'strict',
        sendSci: true,
        icvLen: 16,
        port: 1,
        encodingSa: 0,
        replayProtect: true,
        replayWindow: 1024,
        txSa: [
          { an: 0, pn: 1, keyId: '01', key: KEYS[0] },
          { an: 1, pn: 1, keyId: '03', keyFile: 'no/such.key' },
        ],
        rxSc: [{ mac: '00:00:00:22:22:22', port: 1, sa: [{ an: 0, pn: 1, keyId: '02', key: KEYS[1] }] }],
      },
    },
  ],
  crypto: 'auto',
  workers: 'auto',
  stateDir: '/var/lib/l2vpnd',
  controlSocket: '/run/l2vpnd/l2vpnd.sock',
  metrics: { listen: '127.0.0.1:9586' },
  log: { level: 'info' },
};

const xpnTunnel = {
  name: 'xpn',
  tap: { ifname: 'macsec2', mac: '00:00:00:33:33:33' },
  gre: { local: '2001:db8::1', remote: '2001:db8::2', encap: 'udp' },
  macsec: {
    cipher: 'gcm-aes-xpn-128',
    txSa: [{ key: KEYS[2], ssci: 1, salt: SALT }],
    rxSc: [{ sci: '0000004444440001', sa: [{ key: KEYS[1], ssci: 2, salt: SALT }] }],
  },
};

/** Keys in the forms that people paste, for places where they do not belong. */
const STRANGERS: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  2 ** 53,
  '',
  'auto',
  [],
  {},
  [[]],
  '0x00',
  '::1',
  '/',
  '../..',
  KEYS[0],
  KEYS[1]!.toUpperCase(),
  `0x${KEYS[0]}`,
  ` ${KEYS[0]}\n`,
  `${KEYS[0]} `,
  KEYS[0]!.replace(/(..)(?=.)/g, '$1:'),
  KEYS[0]!.replace(/(..)(?=.)/g, '$1 '),
  KEYS[0]!.replace(/(....)(?=.)/g, '$1 '),
  KEYS[0]!.replace(/(.{4})(?=.)/g, '$1-'),
  KEYS[0]!.replace(/(.{8})(?=.)/g, '$1 '),
  KEYS[0]!.slice(0, 31),
  `${KEYS[0]}z`,
  { key: KEYS[0] },
  [KEYS[0]],
  { [KEYS[0]!]: 1 },
  `tunnel-${KEYS[0]}`,
  'a'.repeat(300),
  '\u0000\u001b[31m',
  '__proto__',
];

// biome-ignore lint/suspicious/noExplicitAny: any JSON value
type Json = any;

/** Every object and list in `value`. */
function containers(value: Json): Json[] {
  if (typeof value !== 'object' || value === null) return [];
  return [value, ...Object.values(value).flatMap(containers)];
}

function changeValue(root: Json, random: Random): void {
  const all = containers(root);
  const place = random.pick(all);
  const names = Object.keys(place);
  const name = random.pick(names) ?? 'x';
  switch (random.below(6)) {
    case 0:
      delete place[name];
      return;
    case 1:
      place[Array.isArray(place) ? place.length : String(random.pick(STRANGERS))] = structuredClone(
        random.pick(STRANGERS),
      );
      return;
    case 2:
      place[name] = structuredClone(random.pick(all));
      return;
    case 3:
      if (typeof place[name] === 'string')
        place[name] = place[name].slice(random.below(3), 40) + random.pick(['', '0', ':', '/', 'é']);
      else if (typeof place[name] === 'number') place[name] += random.pick([-1, 1, 255, 0.5, 2 ** 32]);
      return;
    default:
      place[name] = structuredClone(random.pick(STRANGERS));
  }
}

function mutate(input: Buffer, other: Buffer, random: Random): Buffer {
  let value: Json;
  try {
    value = JSON.parse(input.toString());
  } catch {
    return other;
  }
  if (typeof value !== 'object' || value === null) return other;
  for (let left = 1 + random.below(3); left > 0; left--) changeValue(value, random);
  // A clone of a whole may have made it large.
  const text = JSON.stringify(value, null, random.below(2));
  return text.length > config.maxLen ? other : Buffer.from(text);
}

/** The strings of `value` that are not in the place of a key. A tunnel may be named like one; that is no secret then. */
function openText(value: Json): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const open = Object.entries(value).filter(([name]) => name !== 'key' && name !== 'salt');
  return open.map(([name, inner]) => `${name}\n${openText(inner)}`).join('|');
}

/** What an error says, with its causes. */
function saidBy(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? saidBy(error.cause) : '';
  return error instanceof Error ? `${error.message}\n${error.stack}\n${cause}` : String(error);
}

export const config: FuzzTarget = {
  name: 'config',
  maxLen: 6000,
  seeds: () =>
    [
      SAMPLE,
      { tunnels: [xpnTunnel] },
      { tunnels: [SAMPLE.tunnels[0], xpnTunnel] },
      { tunnels: [{ ...xpnTunnel, macsec: null }] },
    ].map((value) => Buffer.from(JSON.stringify(value))),
  mutate,
  run(input) {
    const secrets = [...KEYS, SALT];
    const text = input.toString();
    let loaded: Config;
    try {
      loaded = parseConfig(text, '/nowhere/fuzz.json');
    } catch (error) {
      demandNoKey(saidBy(error), secrets, 'an error');
      if (!(error instanceof L2vpnError)) throw error;
      demand(error.message !== '', 'an error says nothing');
      return;
    }
    const open = openText(parseJson(text, 'fuzz.json').value);
    const hidden = secrets.filter((key) => !showsKey(open, key));
    demandNoKey(JSON.stringify(maskedConfig(loaded)), hidden, 'the masked configuration');
  },
};
