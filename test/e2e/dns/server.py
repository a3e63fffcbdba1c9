"""A name server that answers A and AAAA from a JSON file, read anew for each question: {"name": ["1.2.3.4", "fd00::1"]}.

    server.py ADDRESS ZONE

A name that the file does not have is NXDOMAIN; one without addresses of the type that is asked for, an empty answer. A
file that is not there: no answer at all. Prints `ready`, then a line per question.
"""
import ipaddress
import json
import socket
import struct
import sys

A, AAAA = 1, 28


def question_of(packet):
    labels, at = [], 12
    while packet[at] != 0:
        labels.append(packet[at + 1 : at + 1 + packet[at]].decode("ascii"))
        at += 1 + packet[at]
    (qtype,) = struct.unpack_from("!H", packet, at + 1)
    return ".".join(labels).lower(), qtype, packet[12 : at + 5]


def answer(packet, zone):
    name, qtype, question = question_of(packet)
    known = zone.get(name)
    version = {A: 4, AAAA: 6}.get(qtype)
    found = [one for one in map(ipaddress.ip_address, known or []) if one.version == version]
    records = b"".join(
        b"\xc0\x0c" + struct.pack("!HHIH", qtype, 1, 0, len(one.packed)) + one.packed for one in found
    )
    flags = 0x8580 | (3 if known is None else 0)
    print(name, qtype, *("NXDOMAIN",) if known is None else map(str, found), flush=True)
    return packet[:2] + struct.pack("!HHHHH", flags, 1, len(found), 0, 0) + question + records


def main(address, path):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 53))
    print("ready", flush=True)
    while True:
        packet, sender = server.recvfrom(4096)
        try:
            with open(path) as file:
                zone = json.load(file)
        except FileNotFoundError:
            print("silent", flush=True)
            continue
        server.sendto(answer(packet, zone), sender)


main(*sys.argv[1:])
