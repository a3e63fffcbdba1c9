#!/bin/bash
# Two sites over a WAN, each in a network namespace, as a howto has them.
set -e
KEY_A=0a1b2c3d4e5f60718293a4b5c6d7e8f9   # of nsra
export KEY_B="f9e8d7c6b5a4938271605f4e3d2c1b0a"
MAC_A=00:00:00:11:11:11; MAC_B=00:00:00:22:22:22

ip netns add nsra
ip netns add nsrb
ip link add vra type veth peer name wan1
ip link set vra netns nsra
ip link set wan1 up
ip netns exec nsra ip addr add 1.1.1.1/24 dev vra
ip netns exec nsra ip route add default via 1.1.1.254

# --- site A
ip netns exec nsra ip link add gretap1 type gretap local 1.1.1.1 remote 2.2.2.2
ip netns exec nsra ip link set gretap1 address $MAC_A up
ip netns exec nsra ip link add link gretap1 macsec1 type macsec encrypt on
ip netns exec nsra ip macsec add macsec1 tx sa 0 pn 1 on key 01 $KEY_A
ip netns exec nsra ip macsec add macsec1 rx port 1 address $MAC_B
ip netns exec nsra ip macsec add macsec1 rx port 1 address ${MAC_B} sa 0 pn 1 on key 02 "$KEY_B"
ip netns exec nsra brctl addbr br0
ip netns exec nsra brctl addif br0 macsec1
ip netns exec nsra brctl addif br0 veth11
ip netns exec nsra ip link set macsec1 mtu 1400
ip netns exec nsra ip link set macsec1 up

# --- site B, in the short spelling
ip -n nsrb l a gretap1 type gretap local 2.2.2.2 remote 1.1.1.1
ip -n nsrb l s dev gretap1 address ${MAC_B} \
   up
ip -n nsrb link add link gretap1 name macsec1 type macsec port 1 encrypt on
ip -n nsrb macsec add macsec1 tx sa 0 pn 1 on key 02 $KEY_B && ip -n nsrb macsec add macsec1 rx address $MAC_A port 1
ip -n nsrb macsec add macsec1 rx address $MAC_A port 1 sa 0 pn 1 on key 01 $KEY_A
ip -n nsrb link add br0 type bridge
ip -n nsrb link set macsec1 master br0 up
