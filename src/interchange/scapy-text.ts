/**
 * A tunnel as a Python program over Scapy (scapy.contrib.macsec): decrypts what a capture holds of it, and makes its
 * packets of frames.
 */

import { addressFamily } from '../config/fields.ts';
import type { TunnelConfig } from '../config/types.ts';
import { isXpn } from '../crypto/cipher-suite.ts';
import { ownTos } from '../encap/config.ts';
import type { MacsecConfig, SaConfig } from '../macsec/config.ts';
import { sciOf } from '../wire/sci.ts';
import { cannotSay, type Exported } from './exported.ts';
import type { Remark } from './kernel-site.ts';

const FORMAT = 'scapy';

/** Throws L2VPN_CONFIG. Without `showKeys` the program takes keys from its environment. */
export function scapyProgram(config: TunnelConfig, showKeys: boolean): Exported {
  const { macsec, mka, name, tap } = config;
  if (mka !== null)
    throw cannotSay(
      name,
      FORMAT,
      'its keys come by agreement (macsec.mka), so no file has them; "l2vpnd explain -r" decrypts them in a capture that has the agreement',
    );
  if (macsec !== null && tap.mac === null)
    throw cannotSay(name, FORMAT, 'tap.mac is null, so its SCI is another at each start: set it');
  const text = [HEAD(config), associations(macsec, tap.mac, showKeys), packetOf(config), BODY].join('\n');
  return { files: [{ name: `${name}.py`, text }], remarks: remarksOf(config) };
}

function remarksOf({ name, macsec, gre }: TunnelConfig): Remark[] {
  const said = [
    ...(macsec === null
      ? []
      : [
          'what Scapy sends takes packet numbers: with keys that are in use, give it numbers that nobody uses, and only for a test',
        ]),
    ...(addressFamily(gre.local) === 0 || addressFamily(gre.remote) === 0
      ? [
          'an end has no address here: the program takes "auto", "dynamic" and names as addresses of its own choice, so set LOCAL and REMOTE',
        ]
      : []),
  ];
  return said.map((text) => ({ where: name, text }));
}

function HEAD({ name }: TunnelConfig): string {
  return `#!/usr/bin/env python3
"""The tunnel ${name} in Scapy. Made by l2vpnd export.

    decrypt CAPTURE             prints each inner frame of the capture, either direction, as hex
    protect [PN] < FRAMES       prints for each frame (hex, one per line) the packet that this end sends, from packet number PN on
    send [PN] < FRAMES          sends them instead (root)
"""
import os
import sys

from scapy.all import GRE, IP, UDP, Ether, IPv6, Raw, raw, rdpcap, send
from scapy.contrib.macsec import MACsec, MACsecSA

`;
}

function associations(macsec: MacsecConfig | null, mac: string | null, showKeys: boolean): string {
  if (macsec === null) return 'TX = None\nRX = []\n';
  const own = sciOf(mac!, macsec.port);
  const sending = macsec.txSa.find(({ an }) => an === macsec.encodingSa);
  const tx = macsec.txSa.map((sa) => saCall(macsec, sa, own, `TX_${sa.an}`, showKeys));
  const rx = macsec.rxSc.flatMap((sc, i) =>
    sc.sa.map((sa) =>
      saCall(macsec, sa, sc.sci, macsec.rxSc.length === 1 ? `RX_${sa.an}` : `RX${i + 1}_${sa.an}`, showKeys),
    ),
  );
  return [
    `def association(sci, an, pn, key, ssci=None, salt=None):`,
    `    return MACsecSA(sci=bytes.fromhex(sci), an=an, pn=pn, key=bytes.fromhex(key), icvlen=${macsec.icvLen}, encrypt=${python(macsec.encrypt)},`,
    `                    send_sci=${python(macsec.sendSci)}, xpn_en=${python(isXpn(macsec.cipher))}, ssci=ssci, salt=salt and bytes.fromhex(salt))`,
    '',
    '',
    `SENT = [${tx.join(',\n        ')}]`,
    `RX = [${rx.join(',\n      ')}]`,
    `TX = next((sa for sa in SENT if sa.an == ${sending?.an ?? 0}), None)`,
    '',
  ].join('\n');
}

function saCall(
  macsec: MacsecConfig,
  { an, pn, sak, ssci, salt }: SaConfig,
  sci: string,
  name: string,
  showKeys: boolean,
): string {
  const key = showKeys ? `"${sak.export().toString('hex')}"` : `os.environ["${name}_KEY"]`;
  const saltText = showKeys ? `"${salt?.toString('hex')}"` : `os.environ["${name}_SALT"]`;
  const extended = isXpn(macsec.cipher) ? `, ssci=${ssci}, salt=${saltText}` : '';
  return `association("${sci}", ${an}, ${pn}, ${key}${extended})`;
}

function packetOf({ gre }: TunnelConfig): string {
  const six = gre.family === 6;
  const tos = ownTos(gre);
  const ip = six
    ? `IPv6(src=LOCAL, dst=REMOTE, hlim=${gre.ttl}, tc=${tos})`
    : `IP(src=LOCAL, dst=REMOTE, ttl=${gre.ttl}, tos=${tos}, flags="${gre.df ? 'DF' : ''}")`;
  const udp =
    gre.encap === 'udp' ? ` / UDP(sport=${gre.port}, dport=${gre.port}${six ? '' : ', chksum=0'})` : '';
  const options = [
    'proto=0x6558',
    ...(gre.checksum ? ['chksum_present=1'] : []),
    ...(gre.key === null ? [] : ['key_present=1', `key=${gre.key}`]),
  ].join(', ');
  return `LOCAL = "${gre.local}"
REMOTE = "${gre.remote}"
UDP_PORT = ${gre.encap === 'udp' ? gre.port : 'None'}


def packet_of(frame):
    return ${ip}${udp} / GRE(${options}) / Raw(raw(frame))

`;
}

function python(is: boolean): string {
  return is ? 'True' : 'False';
}

const BODY = `
def gre_of(packet):
    """The GRE packet in a captured one, or None."""
    if UDP_PORT is not None and UDP in packet and UDP_PORT in (packet[UDP].sport, packet[UDP].dport):
        return GRE(raw(packet[UDP].payload))
    return packet[GRE] if GRE in packet else None


def association_of(tag):
    """The SA that a SecTAG names. Without an SCI it may be any of either direction with that AN."""
    known = RX + (SENT if TX is not None else [])
    return [sa for sa in known if sa.an == tag.AN and (not tag.SC or sa.sci == raw(tag)[6:14])]


def opened(frame):
    if MACsec not in frame:
        return frame if TX is None else None
    for sa in association_of(frame[MACsec]):
        try:
            # Scapy takes E, C and the presence of an SCI from the association.
            sa.do_encrypt, sa.send_sci = bool(frame[MACsec].E), bool(frame[MACsec].SC)
            return sa.decap(sa.decrypt(frame))
        except Exception as error:
            if type(error).__name__ != "InvalidTag":
                raise
    return None


def decrypt(capture):
    for packet in rdpcap(capture):
        gre = gre_of(packet)
        if gre is None or gre.proto != 0x6558:
            continue
        frame = opened(Ether(raw(gre.payload)))
        print(raw(frame).hex() if frame is not None else "# not of this tunnel, or altered")


def packets(first):
    if TX is not None and first is not None:
        TX.pn = first
    for line in sys.stdin:
        frame = Ether(bytes.fromhex(line.strip()))
        if TX is not None:
            frame = TX.encrypt(TX.encap(frame))
            TX.pn += 1
        yield packet_of(frame)


def main():
    command, *args = sys.argv[1:] or ["help"]
    if command == "decrypt" and len(args) == 1:
        decrypt(args[0])
    elif command in ("protect", "send") and len(args) < 2:
        for packet in packets(int(args[0]) if args else None):
            if command == "send":
                send(packet, verbose=False)
            else:
                print(raw(packet).hex())
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
`;
