#!/usr/bin/python3
"""Puts octets on a wire, for the tests of l2vpnd. Nothing but the standard library.

    send.py gre LOCAL REMOTE    a raw socket of protocol 47; octets begin with the GRE header
    send.py udp LOCAL REMOTE    a UDP socket, addresses as 1.2.3.4:4754 or [::1]:4754; octets are the datagram's
    send.py link IFNAME         a packet socket; octets are whole Ethernet frames

Commands on standard input, one per line, each answered by one line on standard output:

    send HEX            sends the octets                                   -> sent 1
    repeat N HEX        sends the octets so often, at full rate            -> sent N
    options HEX         IPv4 options for what follows; none: no options    -> ok
    noise SECONDS SEED  random packets at full rate                        -> sent N
    flood SECONDS PER_SECOND HEX...  these in turn, so many per second at most  -> sent N
"""
import random
import socket
import sys
import time


def open_socket(kind, args):
    if kind == "link":
        link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        link.bind((args[0], 0))
        return link
    if kind == "udp":
        (local, local_port), (remote, remote_port) = (end.rsplit(":", 1) for end in args)
        udp = socket.socket(socket.AF_INET6 if ":" in local else socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind((local.strip("[]"), int(local_port)))
        udp.connect((remote.strip("[]"), int(remote_port)))
        return udp
    family = socket.AF_INET6 if ":" in args[0] else socket.AF_INET
    gre = socket.socket(family, socket.SOCK_RAW, 47)
    if family == socket.AF_INET:  # IP_MTU_DISCOVER, IP_PMTUDISC_DONT: big packets go as fragments.
        gre.setsockopt(socket.IPPROTO_IP, 10, 0)
    gre.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    gre.bind((args[0], 0))
    gre.connect((args[1], 0))
    return gre


def noise(wire, seconds, seed):
    """A third is octets without any sense, a third has a good GRE header, a third a SecTAG, too."""
    rng = random.Random(seed)
    heads = [b"", b"\x00\x00\x65\x58", b"\x00\x00\x65\x58" + bytes(12) + b"\x88\xe5"]
    pool = [heads[i % 3] + rng.randbytes(rng.randrange(0, 1400)) for i in range(4096)]
    end = time.monotonic() + seconds
    sent = 0
    while time.monotonic() < end:
        for packet in pool:
            try:
                wire.send(packet)
                sent += 1
            except OSError:  # A full queue, a refusal by ICMP: the next one, then.
                pass
            if sent % 256 == 0 and time.monotonic() >= end:
                break
    return sent


def flood(wire, seconds, per_second, packets):
    begun = time.monotonic()
    sent = 0
    while True:
        elapsed = time.monotonic() - begun
        if elapsed >= seconds:
            return sent
        for _ in range(min(512, int(elapsed * per_second) - sent)):
            try:
                wire.send(packets[sent % len(packets)])
            except OSError:
                pass
            sent += 1


def repeat(wire, count, packet):
    sent = 0
    for _ in range(count):
        try:
            wire.send(packet)
            sent += 1
        except OSError:  # A full queue: the next one, then.
            pass
    return sent


def main():
    wire = open_socket(sys.argv[1], sys.argv[2:])
    print("ready", flush=True)
    for line in sys.stdin:
        command, *args = line.split()
        if command == "send":
            try:
                wire.send(bytes.fromhex(args[0]) if args else b"")
                print("sent 1", flush=True)
            except OSError as error:
                print(f"refused {error}", flush=True)
        elif command == "repeat":
            print(f"sent {repeat(wire, int(args[0]), bytes.fromhex(args[1]))}", flush=True)
        elif command == "options":
            wire.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, bytes.fromhex(args[0]) if args else b"")
            print("ok", flush=True)
        elif command == "noise":
            print(f"sent {noise(wire, float(args[0]), int(args[1]))}", flush=True)
        elif command == "flood":
            packets = [bytes.fromhex(packet) for packet in args[2:]]
            print(f"sent {flood(wire, float(args[0]), float(args[1]), packets)}", flush=True)


main()
