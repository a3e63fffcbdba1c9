/*
 * What the kinds of ports have in common. A port owns scratch memory for its system calls, not its descriptor.
 * Offsets and lengths come from JavaScript and are checked against the arena before the kernel sees them.
 */
#ifndef L2VPND_PORT_H
#define L2VPND_PORT_H

#include "addon.h"

#define PORT_TAP 0x74617030u
#define PORT_SOCKET 0x736f6330u
#define PORT_UDP 0x75647030u

/* Messages in one recvmmsg/sendmmsg. */
#define PORT_MSGS 128

/* Verdicts of the addon's own (addon.ts, VERDICT_…). */
#define VERDICT_TOO_LONG 255
#define VERDICT_MALFORMED 254

struct port {
  uint32_t magic; /* which kind; 0 once closed */
  int fd;
  void *scratch;
};

/* The handle of a new port with `scratch_size` octets of zeroed scratch; NULL with an exception pending. */
napi_value port_open(napi_env env, int32_t fd, uint32_t magic, size_t scratch_size, struct port **out);

/* What a batched read takes: slots [0, max), each with `room` octets from at[i]. */
struct reading {
  struct port *port;
  struct frames frames;
  uint32_t max, room;
};
/* From (port, frames, max, room). */
bool read_reading(napi_env env, const napi_value *argv, uint32_t magic, struct reading *out);

/* What a batched write takes: the living frames of [from, count). */
struct writing {
  struct port *port;
  struct frames frames;
  uint32_t from, count;
  int32_t *status;
};
/* From (port, frames, from, count, status). */
bool read_writing(napi_env env, const napi_value *argv, uint32_t magic, struct writing *out);

static inline void take_frame(const struct frames *f, uint32_t i, size_t len, uint32_t room) {
  f->len[i] = (uint32_t)len;
  f->verdict[i] = len > room ? VERDICT_TOO_LONG : 0;
}

#endif
