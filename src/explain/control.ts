/**
 * What the daemon would make of a control frame between two l2vpnd, with the keys of a configuration: its own reader says
 * it. Whether the sender is live, and its message number new, only a running daemon knows.
 */
import type { TunnelConfig } from '../config/types.ts';
import {
  describeControlFrame,
  LINK_VERSION,
  type LinkKey,
  peekControlFrame,
  readControlFrame,
} from '../link/frame.ts';
import { linkKeyOfCak, linkKeyOfSak } from '../link/keys.ts';
import { LINK_REFUSAL_TEXTS, type LinkRefusal } from '../link/refusal.ts';
import type { MacsecConfig } from '../macsec/config.ts';
import { ETHERNET_LEN } from '../wire/ethernet.ts';
import type { Decoded } from './layers.ts';
import { caksOf, type MkpduVerdict } from './mka.ts';

/** The layer behind the Ethernet header at `at`; others may experiment with the EtherType, and get none. */
export function decodeControl(packet: Buffer, at: number, decoded: Decoded): void {
  const frame = packet.subarray(at, decoded.end);
  const found = peekControlFrame(frame, frame.length);
  const [name, from] = ['control frame', at + ETHERNET_LEN];
  if (found === 'NotOurs') return;
  if (typeof found === 'string') {
    const fault = LINK_REFUSAL_TEXTS[found];
    decoded.layers.push({ name, at: from, len: decoded.end - from, fields: [], fault });
    return;
  }
  const fields = describeControlFrame(frame, found);
  decoded.layers.push({ name, at: from, len: found.icvAt + 16 - ETHERNET_LEN, fields });
}

/** What becomes of `frame`; `macsec`: what validates the frames of its sender, with static keys. */
export function judgeControl(frame: Buffer, tunnel: TunnelConfig, macsec: MacsecConfig | null): MkpduVerdict {
  const keys = keysOf(tunnel, macsec);
  const found = peekControlFrame(frame, frame.length);
  if (typeof found === 'string') return refused(found, []);
  const key = keys.find(({ name }) => name === found.keyName);
  if (key === undefined) {
    const names = keys.map(({ name }) => name).join(', ');
    return refused('UnknownKey', [`its key name is ${found.keyName}; the keys here make ${names || 'none'}`]);
  }
  const said = readControlFrame(frame, found, key.icvKey);
  if (typeof said === 'string') return refused(said, []);
  const explanation = `the ICV is right; it is for the daemon itself (control frames, version ${LINK_VERSION}) and never reaches the bridge`;
  return { accepted: true, reason: 'control frame', explanation, hints: [] };
}

function keysOf(tunnel: TunnelConfig, macsec: MacsecConfig | null): LinkKey[] {
  if (tunnel.mka !== null) return caksOf(tunnel).map(({ cak, ckn }) => linkKeyOfCak(cak, ckn));
  return (macsec?.rxSc ?? []).flatMap(({ sci, sa }) => sa.map(({ sak }) => linkKeyOfSak(sak, sci)));
}

function refused(refusal: LinkRefusal, hints: string[]): MkpduVerdict {
  return { accepted: false, reason: refusal, explanation: LINK_REFUSAL_TEXTS[refusal], hints };
}
