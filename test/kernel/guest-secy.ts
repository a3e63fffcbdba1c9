/** The guest as a receiver of crafted frames: its underlay, a gretap, a SecY on it, and what came of the frames. */
import { type SecYSetup, VALIDATE_MODES, type ValidateMode } from './cases/table-1-7.ts';
import { arpRequest, type Endpoint, isArpOf, overGre } from './craft.ts';
import { GUEST_LAN_MAC, GUEST_WAN_MAC, type Guest } from './guest.ts';
import { flatCounters, parseShow } from './macsec-show.ts';

/** On the wire: the guest and l2vpnd, and this process, which plays a peer of both, one for each validate mode. */
export const GUEST_WAN: Endpoint = { mac: GUEST_WAN_MAC, ip: '192.0.2.2' };
const CRAFTER_MAC = '02:00:00:00:03:01';
export const CRAFTERS: Record<ValidateMode, Endpoint> = {
  strict: { mac: CRAFTER_MAC, ip: '192.0.2.11' },
  check: { mac: CRAFTER_MAC, ip: '192.0.2.12' },
  disabled: { mac: CRAFTER_MAC, ip: '192.0.2.13' },
};
/** On the guest's LAN: its bridge, and this process as a host. */
export const GUEST_LAN: Endpoint = { mac: GUEST_LAN_MAC, ip: '10.9.0.2' };
export const LAN_HOST: Endpoint = { mac: '02:00:00:00:04:01', ip: '10.9.0.9' };
/** What the SecY of a mode delivers comes out of eth1 with this VLAN id. */
const VLAN: Record<ValidateMode, number> = { strict: 101, check: 102, disabled: 103 };

/** What a receiver made of the frames of a case. */
export interface Outcome {
  /** Frames that came out of the controlled port, as hex. */
  delivered: string[];
  /** Counters that are not 0: `SecY.InPktsBadTag`, `RxSc.<sci>.InPktsOK`, … */
  counters: Record<string, number>;
  /** `ip -s link`: rx packets, bytes, errors, dropped. */
  link: { packets: number; bytes: number; errors: number; dropped: number };
}

/** Neighbours, and for each mode a bridge of a VLAN of eth1 (SecYs join it later): once a boot, after `openLiveLab`. */
export async function prepareGuest(guest: Guest): Promise<void> {
  const bridges = VALIDATE_MODES.map(
    (mode) => `
    ip neigh add ${CRAFTERS[mode].ip} lladdr ${CRAFTER_MAC} dev eth0 nud permanent
    ip link add ${mode} type bridge stp_state 0 forward_delay 0 mcast_snooping 0 ageing_time 0
    ip link add link eth1 name eth1.${VLAN[mode]} type vlan id ${VLAN[mode]}
    ip link set eth1.${VLAN[mode]} master ${mode} up
    ip link set ${mode} up`,
  );
  await guest.run(`
    ip link set eth1 nomaster
    ip addr flush dev lan
    ip addr add ${GUEST_LAN.ip}/24 dev eth1
    ${bridges.join('')}`);
}

/** Gives the guest the SecY of a case, once in each mode, sends each the frames, and reads what came of them. */
export async function runOnGuest(
  guest: Guest,
  setup: SecYSetup,
  frames: readonly Buffer[],
): Promise<Record<ValidateMode, Outcome>> {
  await guest.run(createSecYs(setup));
  guest.guestLan.startCapture();
  for (const mode of VALIDATE_MODES) {
    for (const frame of frames) guest.wire.send(overGre(frame, CRAFTERS[mode], GUEST_WAN));
  }
  await settle(guest);
  const [secys = '', links = ''] = (await guest.run(READ)).split('---');
  const captured = guest.guestLan.stopCapture();
  const outcome = (mode: ValidateMode): Outcome => ({
    delivered: captured.filter((frame) => vlanOf(frame) === VLAN[mode]).map(untagged),
    counters: flatCounters(parseShow(secys, `macsec-${mode}`)),
    link: linkCounters(links, `macsec-${mode}`),
  });
  return { strict: outcome('strict'), check: outcome('check'), disabled: outcome('disabled') };
}

/** Resolves when the guest has handled all that was sent before: it answers in order, on the wire and then on the LAN. */
export async function settle(guest: Guest): Promise<void> {
  for (let round = 0; round < 2; round++) {
    const onWire = guest.wire.next("the guest's answer on the wire", (frame) => isArpOf(frame, GUEST_WAN, 2));
    guest.wire.send(arpRequest(CRAFTERS.strict, GUEST_WAN));
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

const READ = 'ip -j -s macsec show; echo ---; ip -j -s link show';

function linkCounters(text: string, ifname: string): Outcome['link'] {
  const links = JSON.parse(text) as { ifname: string; stats64: { rx: Record<string, number> } }[];
  const { rx } = links.find((link) => link.ifname === ifname)!.stats64;
  return { packets: rx.packets!, bytes: rx.bytes!, errors: rx.errors!, dropped: rx.dropped! };
}

/** The script that replaces the guest's SecYs, one a mode, by that of `setup`. */
function createSecYs(setup: SecYSetup): string {
  const removed = VALIDATE_MODES.map((mode) => `link del gre-${mode}`);
  const lines = VALIDATE_MODES.flatMap((mode) => secyLines(setup, mode));
  return `ip -force -batch - 2>/dev/null <<'END' || true
${removed.join('\n')}
END
ip -batch - <<'END'
${lines.join('\n')}
END
`;
}

function secyLines(setup: SecYSetup, mode: ValidateMode): string[] {
  const dev = `macsec-${mode}`;
  const xpn = setup.cipher.includes('xpn');
  const replay = setup.replayWindow === null ? '' : `replay on window ${setup.replayWindow}`;
  const lines = [
    `link add gre-${mode} type gretap local ${GUEST_WAN.ip} remote ${CRAFTERS[mode].ip}`,
    `link set gre-${mode} up`,
    `link add link gre-${mode} name ${dev} address 00:00:00:22:22:22 type macsec cipher ${setup.cipher} ` +
      `icvlen ${setup.icvLen} encrypt on validate ${mode} ${replay}`,
  ];
  for (const sc of setup.rxSc) {
    lines.push(`macsec add ${dev} rx sci ${sc.sci} ${sc.state}`);
    for (const sa of sc.sa) {
      const extended = xpn ? `ssci ${sa.ssci} salt ${sa.salt}` : '';
      const pn = `${xpn ? 'xpn' : 'pn'} ${sa.pn}`;
      const key = `key 0${sa.an} ${sa.key}`;
      lines.push(`macsec add ${dev} rx sci ${sc.sci} sa ${sa.an} ${pn} ${extended} ${sa.state} ${key}`);
    }
  }
  lines.push(`link set ${dev} master ${mode}`, `link set ${dev} up`);
  return lines;
}
