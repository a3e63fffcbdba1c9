/* A TAP port; and its scratch: a super-frame on its way in, and what is joined on its way out. */
#ifndef L2VPND_TAP_PORT_H
#define L2VPND_TAP_PORT_H

#include "coalesce.h"
#include "port.h"
#include "segment.h"

#include <sys/uio.h>

/* What tapWrite may join. */
enum { JOIN_TCP = 1, JOIN_UDP = 2 };

/* The longest frame a TAP gives: a 65535-octet IP packet, Ethernet, tags. */
#define TAP_FRAME_MAX 66000

/* A super-frame that is being cut. */
struct tap_super {
  struct cut cut;
  const uint8_t *carry; /* payload of `cut` that has no slot yet: in `spill` or `linear` */
  uint8_t spill[TAP_FRAME_MAX];
  uint8_t linear[TAP_FRAME_MAX];
};

/* Trains that are being written. */
struct tap_train {
  struct coalescer coalescer;
  struct iovec iov[COALESCE_FRAMES + 1];
};

struct tap_port {
  struct port port;
  struct tap_super *super; /* NULL between calls, unless something of a super-frame is left */
  uint32_t guess_header, guess_mss, guess_reads;
  bool join_tcp, join_udp;
  bool resting; /* nothing more is read: what waits is for who gets the descriptor next */
  uint32_t mtu; /* 0, or: frames beyond it are what the peer's kernel joined (addon.ts, openTapPort) */
};

/* Gives `tap` a super to work with, the environment's spare one if there is one. False: no memory. HOT PATH. */
bool tap_borrow(struct tap_port *tap);
/* Takes it back when nothing is left in it. HOT PATH. */
void tap_return(struct tap_port *tap);

napi_value open_tap_port(napi_env env, napi_callback_info info);
napi_value rest_tap_port(napi_env env, napi_callback_info info);

#endif
