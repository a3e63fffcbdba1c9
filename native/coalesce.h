/*
 * Joining frames of one flow to a super-frame: what the kernel's GRO does (net/ipv4/tcp_offload.c,
 * inet_gro_receive, ipv6_gro_receive), over one batch. Pure: no system calls, no Node-API, no copying.
 *
 * The result is a list of trains. A train of one frame passes untouched. A longer one goes out as one
 * super-frame: its first frame, whose headers `coalesce_seal` has amended, then the payloads of the others.
 * Cut again (segment.h), it gives back the same octets.
 */
#ifndef L2VPND_COALESCE_H
#define L2VPND_COALESCE_H

#include "headers.h"

#include <linux/virtio_net.h>

/* Frames that one call can look at. */
#define COALESCE_FRAMES 512
/* Flows that can be open at once. */
#define COALESCE_FLOWS 16
#define NO_FRAME UINT32_MAX

struct train {
  uint32_t first; /* frame; the others by `next` */
  uint32_t count;
  uint32_t payload; /* octets of all its payloads */
  uint32_t mss;     /* octets of payload in every frame but the last */
  uint8_t tcp_ends; /* FIN and PSH of the last frame */
  struct headers at;
};

/* A train that may still grow. */
struct flow {
  uint32_t key;
  uint32_t train;
  uint32_t last; /* frame */
  bool open;
  bool verified; /* the first frame's checksum is right */
};

struct coalescer {
  uint32_t trains;
  struct train train[COALESCE_FRAMES];
  uint32_t next[COALESCE_FRAMES]; /* by frame − from: the next of its train, or NO_FRAME */
  struct flow flow[COALESCE_FLOWS];
  uint32_t victim; /* the flow to close when there is no room for another */
};

/* The frames to look at: those of [from, count) with verdict 0. */
struct coalesce_input {
  uint8_t *arena;
  const uint32_t *at;
  const uint32_t *len;
  const uint8_t *verdict;
  uint32_t from, count;
  bool tcp, udp; /* which to join */
};

/* Fills `c->train`. At most COALESCE_FRAMES frames are looked at; returns the first frame that was not. */
uint32_t coalesce_plan(struct coalescer *c, const struct coalesce_input *in);

/* Amends the headers of a train's first frame, and says in `vnet` what it is. Nothing for a train of one. */
void coalesce_seal(const struct train *train, uint8_t *first, struct virtio_net_hdr *vnet);

/*
 * A frame that came in clear may bear what the sending kernel left for a NIC to do, when no NIC did it, or
 * what the receiving kernel's GRO has joined: a TCP checksum that only sums the pseudo header, and more than
 * `mtu` octets of IP packet. Says so in `vnet`, so that the TAP's side can finish it; else leaves all as it is.
 */
void coalesce_restore(uint8_t *frame, size_t len, uint32_t mtu, struct virtio_net_hdr *vnet);

#endif
