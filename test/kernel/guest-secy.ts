/** The guest as a receiver of crafted frames: for each place a gretap, a SecY on it, and what came of the frames. */
import type { SecYSetup } from './cases/receive-table.ts';
import { arpRequest, type Endpoint, isArpOf, overGre } from './craft.ts';
import { GUEST_LAN_MAC, GUEST_WAN_MAC, type Guest } from './guest.ts';
import { flatCounters, parseShow } from './macsec-show.ts';
import { PLACES, type Place, peerOf } from './places.ts';

/** On the wire: the guest, and this process, who asks it whether it is done. */
export const GUEST_WAN: Endpoint = { mac: GUEST_WAN_MAC, ip: '192.0.2.2' };
const ASKER_WAN: Endpoint = { mac: '02:00:00:00:03:02', ip: '192.0.2.3' };
/** On the guest's LAN: its own address, and this process as a host. */
const GUEST_LAN: Endpoint = { mac: GUEST_LAN_MAC, ip: '10.9.0.2' };
const LAN_HOST: Endpoint = { mac: '02:00:00:00:04:01', ip: '10.9.0.9' };
/** What the SecY of place 0 delivers comes out of eth1 with this VLAN id, that of place 1 with the next. */
const FIRST_VLAN = 100;
/** Links of a round, for `ip link del group`. */
const LINK_GROUP = 7;

/** What a receiver made of the frames of a place. */
export interface Outcome {
  /** Frames that came out of the controlled port, as hex. */
  delivered: string[];
  /** Counters that are not 0: `SecY.InPktsBadTag`, `RxSc.<sci>.InPktsOK`, … */
  counters: Record<string, number>;
  /** `ip -s link`: rx packets, bytes, errors, dropped. */
  link: { packets: number; bytes: number; errors: number; dropped: number };
}

/** For each place a bridge of a VLAN of eth1 (SecYs join it later): once a boot, after `openLiveLab`. */
export async function prepareGuest(guest: Guest): Promise<void> {
  const bridges = Array.from({ length: PLACES }, (_, place) => {
    const vlan = FIRST_VLAN + place;
    return [
      `link add p${place} type bridge stp_state 0 forward_delay 0 mcast_snooping 0 ageing_time 0`,
      `link add link eth1 name eth1.${vlan} type vlan id ${vlan}`,
      `link set eth1.${vlan} master p${place} up`,
      `link set p${place} up`,
    ].join('\n');
  });
  await guest.run(`
ip -batch - <<'END'
link set eth1 nomaster
addr flush dev lan
addr add ${GUEST_LAN.ip}/24 dev eth1
${bridges.join('\n')}
END
`);
}

/** Gives the guest the SecYs of all places, sends each its frames, and reads what came of them, place by place. */
export async function runOnGuest(guest: Guest, places: readonly Place[]): Promise<Outcome[]> {
  await guest.run(createSecYs(places));
  guest.guestLan.startCapture();
  for (const [i, { frames }] of places.entries()) {
    for (const frame of frames) guest.wire.send(overGre(frame, peerOf(i), GUEST_WAN));
  }
  await settle(guest);
  const [secys = '', links = ''] = (await guest.run(READ)).split('---');
  const captured = guest.guestLan.stopCapture();
  return places.map((_, i) => ({
    delivered: captured.filter((frame) => vlanOf(frame) === FIRST_VLAN + i).map(untagged),
    counters: flatCounters(parseShow(secys, `m${i}`)),
    link: linkCounters(links, `m${i}`),
  }));
}

/** Resolves when the guest has handled all that was sent before: it answers in order, on the wire and then on the LAN. */
async function settle(guest: Guest): Promise<void> {
  for (let round = 0; round < 2; round++) {
    const onWire = guest.wire.next("the guest's answer on the wire", (frame) => isArpOf(frame, GUEST_WAN, 2));
    guest.wire.send(arpRequest(ASKER_WAN, GUEST_WAN));
    await onWire;
    const onLan = guest.guestLan.next("the guest's answer on its LAN", (frame) =>
      isArpOf(frame, GUEST_LAN, 2),
    );
    guest.guestLan.send(arpRequest(LAN_HOST, GUEST_LAN));
    await onLan;
  }
}

function vlanOf(frame: Buffer): number | null {
  return frame.readUInt16BE(12) === 0x8100 ? frame.readUInt16BE(14) & 0xfff : null;
}

function untagged(frame: Buffer): string {
  return Buffer.concat([frame.subarray(0, 12), frame.subarray(16)]).toString('hex');
}

const READ = 'ip -j -s macsec show; echo ---; ip -j -s link show type macsec';

function linkCounters(text: string, ifname: string): Outcome['link'] {
  const links = JSON.parse(text) as { ifname: string; stats64: { rx: Record<string, number> } }[];
  const { rx } = links.find((link) => link.ifname === ifname)!.stats64;
  return { packets: rx.packets!, bytes: rx.bytes!, errors: rx.errors!, dropped: rx.dropped! };
}

/** The script that replaces the guest's SecYs by those of `places`. */
function createSecYs(places: readonly Place[]): string {
  return `
ip link del group ${LINK_GROUP} 2>/dev/null || true
ip -batch - <<'END'
${places.flatMap((place, i) => secyLines(place, i)).join('\n')}
END
`;
}

function secyLines({ setup, mode }: Place, i: number): string[] {
  const replay = setup.replayWindow === null ? '' : `replay on window ${setup.replayWindow}`;
  return [
    `link add g${i} group ${LINK_GROUP} type gretap local ${GUEST_WAN.ip} remote ${peerOf(i).ip}`,
    `link set g${i} up`,
    `link add link g${i} name m${i} address 00:00:00:22:22:22 type macsec cipher ${setup.cipher} ` +
      `icvlen ${setup.icvLen} encrypt on validate ${mode} ${replay}`,
    ...receiveLines(setup, `m${i}`),
    `link set m${i} master p${i} up`,
  ];
}

function receiveLines(setup: SecYSetup, dev: string): string[] {
  const xpn = setup.cipher.includes('xpn');
  return setup.rxSc.flatMap((sc) => [
    `macsec add ${dev} rx sci ${sc.sci} ${sc.state}`,
    ...sc.sa.map((sa) => {
      const extended = xpn ? `ssci ${sa.ssci} salt ${sa.salt}` : '';
      const pn = `${xpn ? 'xpn' : 'pn'} ${sa.pn}`;
      return `macsec add ${dev} rx sci ${sc.sci} sa ${sa.an} ${pn} ${extended} ${sa.state} key 0${sa.an} ${sa.key}`;
    }),
  ]);
}
