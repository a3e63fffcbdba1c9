/*
 * Cutting a super-frame into the frames that it stands for: what a NIC does with TSO and USO, and what the
 * kernel does in software (net/ipv4/tcp_offload.c, udp_offload.c). Pure: no system calls, no Node-API.
 */
#ifndef L2VPND_SEGMENT_H
#define L2VPND_SEGMENT_H

#include "headers.h"

#include <linux/virtio_net.h>

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

/* A super-frame on its way to become frames. */
struct cut {
  uint8_t header[HEADERS_MAX]; /* as the super-frame had it */
  struct headers at;
  uint32_t mss;   /* octets of payload in every frame but the last */
  uint32_t left;  /* octets of payload not yet in a frame; 0: done */
  uint32_t index; /* of the next frame */
};

/*
 * Plans the cutting of a frame of `len` octets that came with `vnet`; the first `near` octets are at `frame`.
 * False: not a super-frame that can be cut. Afterwards `frame` is no longer needed.
 */
bool cut_plan(struct cut *cut, const struct virtio_net_hdr *vnet, const uint8_t *frame, size_t near, size_t len);

/* Octets of payload in the next frame. */
static inline uint32_t cut_payload(const struct cut *cut) { return cut->left < cut->mss ? cut->left : cut->mss; }

/*
 * Writes the headers of the next frame at `out`, whose payload (`cut_payload` octets) already lies behind
 * them at `out + cut->at.payload`, and all its checksums. Returns the length of the frame.
 */
size_t cut_write(struct cut *cut, uint8_t *out);
/* Passes over the next frame; returns the length that it would have. */
size_t cut_skip(struct cut *cut);

/*
 * Completes a checksum of which the field holds the pseudo header's sum (VIRTIO_NET_HDR_F_NEEDS_CSUM).
 * False where `vnet` points outside the frame, which then is as it was.
 */
bool complete_checksum(const struct virtio_net_hdr *vnet, uint8_t *frame, size_t len);

#endif
