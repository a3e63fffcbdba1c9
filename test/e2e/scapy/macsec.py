#!/usr/bin/python3
"""Scapy's MACsec as a judge of l2vpnd's frames: what it decrypts, we must have encrypted, and the other way round.

    macsec.py decrypt PCAP KEY SCI    prints every frame of that SCI in PCAP, decrypted, as hex
    macsec.py encrypt KEY SCI PN AN ENCRYPT SEND_SCI ICV_LEN < FRAMES    prints each frame (hex, one per line) secured
    macsec.py send LOCAL REMOTE KEY SCI PN < FRAMES    secures each frame and sends it as Scapy's IP/GRE/MACsec
"""
import sys

from scapy.all import GRE, IP, Ether, Raw, conf, raw, rdpcap, send
from scapy.contrib.macsec import MACsec, MACsecSA


def association(key, sci, pn=1, an=0, encrypt=True, send_sci=True, icv_len=16):
    return MACsecSA(sci=bytes.fromhex(sci), an=an, pn=pn, key=bytes.fromhex(key), icvlen=icv_len,
                    encrypt=encrypt, send_sci=send_sci)


def frames_of(pcap, sci):
    for packet in rdpcap(pcap):
        if GRE in packet and MACsec in packet:
            frame = packet[GRE].payload
            if frame[MACsec].SC == 0 or raw(frame)[20:28].hex() == sci:
                yield frame


def decrypt(pcap, key, sci):
    for frame in frames_of(pcap, sci):
        tag = frame[MACsec]
        sa = association(key, sci, pn=tag.PN, an=tag.AN, encrypt=bool(tag.E), send_sci=bool(tag.SC))
        print(raw(sa.decap(sa.decrypt(frame))).hex())


def secured(frames, sa):
    for line in frames:
        frame = sa.encap(Ether(bytes.fromhex(line.strip())))
        yield sa.encrypt(frame)
        sa.pn += 1


def main():
    command, *args = sys.argv[1:]
    if command == "decrypt":
        decrypt(*args)
    elif command == "encrypt":
        key, sci, pn, an, encrypt, send_sci, icv_len = args
        sa = association(key, sci, int(pn), int(an), encrypt == "1", send_sci == "1", int(icv_len))
        for frame in secured(sys.stdin, sa):
            print(raw(frame).hex())
    elif command == "send":
        local, remote, key, sci, pn = args
        conf.verb = 0
        for frame in secured(sys.stdin, association(key, sci, int(pn))):
            send(IP(src=local, dst=remote) / GRE(proto=0x6558) / Raw(raw(frame)))
        print("sent")


main()
