/** One tunnel between l2vpnd and the guest's kernel, in the words of both: a configuration file and `ip` commands. */
import type { MacsecFile, SaFile, SiteFile } from '../../lab/site.ts';
import type { Cipher } from './craft.ts';
import { HOST_WAN, HOST_WAN6 } from './lab-namespace.ts';

export const HOST_SCI = '0000001111110001';
export const GUEST_SCI = '0000002222220001';
export const HOST_TAP_MAC = '00:00:00:11:11:11';
export const GUEST_MACSEC_MAC = '00:00:00:22:22:22';
const GUEST_WAN_IP = '192.0.2.2';
const GUEST_WAN_IP6 = '2001:db8::2';
const FOU_PORT = 4754;
const SALT = '0102030405060708090a0b0c';
export const TAP = 'macsec1';

/** One end's choices; what is left out is as below in `END`. */
export interface EndSetup {
  protect: boolean;
  encrypt: boolean;
  sendSci: boolean;
  endStation: boolean;
  scb: boolean;
  validate: 'strict' | 'check' | 'disabled';
  /** Null: replay protection off. */
  replayWindow: number | null;
  /** First PN that this end sends, and the lowest that the other accepts. */
  pn: number;
  /** l2vpnd only. */
  replayBitmap: boolean;
}

const END: EndSetup = {
  protect: true,
  encrypt: true,
  sendSci: true,
  endStation: false,
  scb: false,
  validate: 'strict',
  replayWindow: null,
  pn: 1,
  replayBitmap: true,
};

export interface TunnelSetup {
  /** Null: plain GRETAP. */
  cipher: Cipher | null;
  icvLen: number;
  host: EndSetup;
  guest: EndSetup;
  /** Association numbers that both ends have keys for; the first is sent with. */
  ans: number[];
  underlay: 4 | 6;
  encap: 'none' | 'udp';
  key: number | null;
  checksum: boolean;
  underlayMtu: number;
}

export interface TunnelChanges extends Partial<Omit<TunnelSetup, 'host' | 'guest'>> {
  host?: Partial<EndSetup>;
  guest?: Partial<EndSetup>;
  /** Laid over both ends. */
  both?: Partial<EndSetup>;
}

/** A tunnel with gcm-aes-128, encryption, SCI and strict validation over IPv4, with changes. */
export function tunnelSetup(changes: TunnelChanges = {}): TunnelSetup {
  const { host, guest, both, ...rest } = changes;
  return {
    ...{ cipher: 'gcm-aes-128', icvLen: 16, ans: [0], underlay: 4, encap: 'none' },
    ...{ key: null, checksum: false, underlayMtu: 1500 },
    host: { ...END, ...both, ...host },
    guest: { ...END, ...both, ...guest },
    ...rest,
  };
}

/** l2vpnd's configuration file. */
export function siteFileOf(setup: TunnelSetup): SiteFile {
  const six = setup.underlay === 6;
  return {
    tunnels: [
      {
        name: 'linux',
        tap: { ifname: TAP, mac: HOST_TAP_MAC, bridge: 'br0' },
        gre: {
          local: six ? HOST_WAN6 : HOST_WAN.ip,
          remote: six ? GUEST_WAN_IP6 : GUEST_WAN_IP,
          ...{ encap: setup.encap, port: FOU_PORT, key: setup.key, checksum: setup.checksum },
        },
        macsec: setup.cipher === null ? null : macsecOf(setup, setup.cipher),
      },
    ],
  };
}

function macsecOf(setup: TunnelSetup, cipher: Cipher): MacsecFile {
  const { host, guest, icvLen, ans } = setup;
  return {
    ...{ cipher, icvLen, encodingSa: ans[0]! },
    ...{ protect: host.protect, encrypt: host.encrypt },
    ...{ sendSci: host.sendSci, endStation: host.endStation, scb: host.scb },
    ...{ validate: host.validate, replayProtect: host.replayWindow !== null },
    ...{ replayWindow: host.replayWindow ?? 0, replayBitmap: host.replayBitmap },
    txSa: ans.map((an) => saOf(setup, 'host', an)),
    rxSc: [{ sci: GUEST_SCI, sa: ans.map((an) => ({ ...saOf(setup, 'guest', an), pn: guest.pn })) }],
  };
}

function saOf(setup: TunnelSetup, from: 'host' | 'guest', an: number): SaFile & Record<string, unknown> {
  const extended = setup.cipher?.includes('xpn') === true ? { ssci: ssciOf(from), salt: SALT } : {};
  return { an, pn: setup[from].pn, keyId: `0${an}`, key: keyOf(setup, from, an), ...extended };
}

function ssciOf(from: 'host' | 'guest'): number {
  return from === 'host' ? 1 : 2;
}

/** Each direction and association its own key; `generation` counts the rotations that brought one to this AN. */
export function keyOf(
  setup: TunnelSetup,
  from: 'host' | 'guest',
  an: number,
  generation: number = 0,
): string {
  const octet = (from === 'host' ? 0x10 : 0x80) + an + 4 * generation;
  return Buffer.alloc(setup.cipher?.endsWith('256') === true ? 32 : 16, octet).toString('hex');
}

/** The guest's side: the tunnel of the last case goes, this one comes, bridged to the guest's LAN. */
export function guestScript(setup: TunnelSetup): string {
  const lines = [`link set eth0 mtu ${setup.underlayMtu}`, gretap(setup), 'link set tun0 up'];
  if (setup.cipher === null) lines.push('link set tun0 master lan');
  else lines.push(...guestMacsec(setup, setup.cipher), 'link set macsec0 master lan', 'link set macsec0 up');
  const fou = setup.encap === 'udp' ? `ip fou add port ${FOU_PORT} ipproto 47` : '';
  return `
ip link del tun0 2>/dev/null || true
ip fou del port ${FOU_PORT} 2>/dev/null || true
${fou}
ip -batch - <<'END'
${lines.join('\n')}
END
`;
}

function gretap(setup: TunnelSetup): string {
  const options = [
    ...(setup.key === null ? [] : [`key ${setup.key}`]),
    ...(setup.checksum ? ['csum'] : []),
    ...(setup.encap === 'udp' ? [`encap fou encap-sport ${FOU_PORT} encap-dport ${FOU_PORT}`] : []),
  ].join(' ');
  if (setup.underlay === 4) {
    return `link add tun0 type gretap local ${GUEST_WAN_IP} remote ${HOST_WAN.ip} ${options}`;
  }
  return `link add tun0 type ip6gretap local ${GUEST_WAN_IP6} remote ${HOST_WAN6} encaplimit none ${options}`;
}

function guestMacsec(setup: TunnelSetup, cipher: Cipher): string[] {
  const { guest, icvLen, ans } = setup;
  const flag = (name: string, on: boolean): string => `${name} ${on ? 'on' : 'off'}`;
  const replay = guest.replayWindow === null ? '' : `replay on window ${guest.replayWindow}`;
  const words = [
    `cipher ${cipher} icvlen ${icvLen} encodingsa ${ans[0]} validate ${guest.validate} ${replay}`,
    ...[flag('protect', guest.protect), flag('encrypt', guest.encrypt)],
    ...[flag('send_sci', guest.sendSci)],
    ...[guest.endStation ? 'end_station on' : '', guest.scb ? 'scb on' : ''],
  ];
  return [
    `link add link tun0 name macsec0 address ${GUEST_MACSEC_MAC} type macsec ${words.join(' ')}`,
    ...ans.map((an) => `macsec add macsec0 tx sa ${an} ${guestSa(setup, 'guest', an)}`),
    `macsec add macsec0 rx sci ${HOST_SCI} on`,
    ...ans.map((an) => `macsec add macsec0 rx sci ${HOST_SCI} sa ${an} ${guestSa(setup, 'host', an)}`),
  ];
}

/** `pn 1 on key 00 1010…`, as `ip macsec add … sa AN` takes it. */
export function guestSa(
  setup: TunnelSetup,
  from: 'host' | 'guest',
  an: number,
  generation: number = 0,
): string {
  const xpn = setup.cipher?.includes('xpn') === true;
  const pn = `${xpn ? 'xpn' : 'pn'} ${generation === 0 ? setup[from].pn : 1}`;
  const extended = xpn ? `ssci ${ssciOf(from)} salt ${SALT}` : '';
  return `${pn} ${extended} on key 0${an} ${keyOf(setup, from, an, generation)}`;
}
