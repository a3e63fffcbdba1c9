/*
 * What the kinds of ports have in common. A port owns neither its descriptor nor the memory for system calls.
 * Offsets and lengths come from JavaScript and are checked against the arena before the kernel sees them.
 */
#ifndef L2VPND_PORT_H
#define L2VPND_PORT_H

#include "frames.h"
#include "handle.h"

/* Messages in one recvmmsg/sendmmsg. */
#define PORT_MSGS 128

/* Verdicts of the addon's own (addon.ts, `constants`). */
#define VERDICT_TOO_LONG 255
#define VERDICT_MALFORMED 254

/* How every port begins. */
struct port {
  struct handle handle;
  int fd;
  int tos_family; /* each frame has a type of service, of packets of this family; AF_UNSPEC (0): it has none */
};

/* What a batched read takes: slots [0, max), each with `room` octets from at[i]. */
struct reading {
  void *port;
  struct frames frames;
  uint32_t max, room;
};
/* From (port, frames, max, room). */
bool read_reading(napi_env env, const napi_value *argv, enum handle_kind kind, struct reading *out);

/* What a batched write takes: the living frames of [from, count). */
struct writing {
  void *port;
  struct frames frames;
  uint32_t from, count;
  int32_t *status;
};
/* From (port, frames, from, count, status). */
bool read_writing(napi_env env, const napi_value *argv, enum handle_kind kind, struct writing *out);

static inline void take_frame(const struct frames *f, uint32_t i, size_t len, uint32_t room) {
  f->len[i] = (uint32_t)len;
  f->verdict[i] = len > room ? VERDICT_TOO_LONG : 0;
}

napi_value close_port(napi_env env, napi_callback_info info);

#endif
