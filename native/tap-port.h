/* The scratch of a TAP port: a super-frame on its way in, and what is joined on its way out. */
#ifndef L2VPND_TAP_PORT_H
#define L2VPND_TAP_PORT_H

#include "coalesce.h"
#include "port.h"
#include "segment.h"

#include <sys/uio.h>

/* The longest frame a TAP gives: a 65535-octet IP packet, Ethernet, tags. */
#define TAP_SPILL 66000
/* Slots that one read is scattered over. */
#define TAP_SCATTER 64

struct tap {
  struct cut cut;
  const uint8_t *carry; /* payload of `cut` that has no slot yet: in `spill` or `linear` */
  uint32_t guess_header, guess_mss, guess_reads;
  bool join_tcp, join_udp;
  uint32_t mtu; /* 0, or: frames beyond it are what the peer's kernel joined (addon.ts, openTapPort) */
  uint8_t spill[TAP_SPILL];
  uint8_t linear[TAP_SPILL];
  struct coalescer coalescer;
  struct iovec iov[COALESCE_FRAMES + 1];
};

#endif
