#!/usr/bin/python3
"""Scapy and Python's cryptography as judges of l2vpnd's MKPDUs. Frames come as hex, one per line.

    mka.py decode < FRAMES             prints for each frame, as JSON, what Scapy's MKAPDU reads in it
    mka.py open CAK CKN < FRAMES       prints for each frame, as JSON, whether its ICV is right, and the SAK that it holds
"""
import json
import sys

from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap
from scapy.all import Ether
from scapy.layers.eap import (EAPOL, MKADistributedSAKParamSet, MKAICVSet, MKALivePeerListParamSet, MKAPDU,
                              MKAPotentialPeerListParamSet, MKASAKUseParamSet)


def frames():
    return (bytes.fromhex(line.strip()) for line in sys.stdin)


def peers_of(peer_list):
    return [[peer.member_id.hex(), int.from_bytes(peer.message_number, "big")] for peer in peer_list.member_id_message_num]


def used(sak_use, which):
    def get(name):
        return getattr(sak_use, f"{which}_key_{name}")
    return [get("key_server_member_id").hex(), int.from_bytes(get("key_number"), "big"), get("an"), get("tx"), get("rx"),
            int.from_bytes(get("lowest_acceptable_pn"), "big")]


def described(param_set):
    if isinstance(param_set, MKALivePeerListParamSet):
        return ["live", peers_of(param_set)]
    if isinstance(param_set, MKAPotentialPeerListParamSet):
        return ["potential", peers_of(param_set)]
    if isinstance(param_set, MKASAKUseParamSet):
        flags = [param_set.plain_tx, param_set.plain_rx, param_set.delay_protect]
        return ["sak use", used(param_set, "latest"), used(param_set, "old"), flags]
    if isinstance(param_set, MKADistributedSAKParamSet):
        number = int.from_bytes(param_set.key_number, "big")
        return ["sak", param_set.distributed_an, param_set.confidentiality_offset, number, param_set.sak_aes_key_wrap.hex()]
    return ["icv" if isinstance(param_set, MKAICVSet) else param_set.summary()]


def decoded(frame):
    packet = Ether(frame)
    basic = packet[MKAPDU].basic_param_set
    return {
        "eapol": [packet[EAPOL].version, packet[EAPOL].type, packet[EAPOL].len],
        "basic": [basic.mka_version_id, basic.key_server_priority, basic.key_server, basic.macsec_desired,
                  basic.macsec_capability, basic.SCI.system_identifier, basic.SCI.port_identifier,
                  basic.actor_member_id.hex(), basic.actor_message_number, basic.algorithm_agility, basic.cak_name.hex()],
        "sets": [described(param_set) for param_set in packet[MKAPDU].parameter_sets],
    }


def cmac(key, octets):
    mac = CMAC(AES(key))
    mac.update(octets)
    return mac.finalize()


def derived(cak, label, ckn):
    bits = len(cak) * 8
    end = b"\0" + ckn[:16].ljust(16, b"\0") + bits.to_bytes(2, "big")
    return b"".join(cmac(cak, bytes([i]) + label + end) for i in range(1, bits // 128 + 1))


def sak_in(frame, kek):
    """Walks the sets by their lengths; the wrapped SAK is the end of set 4."""
    at = 18
    while at < len(frame) - 16 and not (at > 18 and frame[at] == 255):
        length = int.from_bytes(frame[at + 2:at + 4], "big") & 0xfff
        if at > 18 and frame[at] == 4:
            return aes_key_unwrap(kek, frame[at + 4 + length - (24 if length < 52 else 40):at + 4 + length]).hex()
        at += 4 + (length + 3) // 4 * 4
    return None


def main():
    command, *args = sys.argv[1:]
    if command == "decode":
        for frame in frames():
            print(json.dumps(decoded(frame)))
    elif command == "open":
        cak, ckn = (bytes.fromhex(arg) for arg in args)
        ick, kek = (derived(cak, label, ckn) for label in (b"IEEE8021 ICK", b"IEEE8021 KEK"))
        for frame in frames():
            print(json.dumps({"icv": cmac(ick, frame[:-16]) == frame[-16:], "sak": sak_in(frame, kek)}))


main()
