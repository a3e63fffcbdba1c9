/*
 * Writing a TAP: frames of one flow that belong together go out in one writev, as one super-frame (coalesce.h).
 * What the TAP refuses gets a verdict and is gone: a TAP's queue is the kernel's business, so nothing waits.
 */
#include "tap-port.h"

#include <errno.h>

enum { JOIN_TCP = 1, JOIN_UDP = 2 };

napi_value open_tap_port(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  int32_t fd;
  uint32_t join, mtu;
  struct port *port;
  if (!read_args(env, info, 3, argv) || !read_i32(env, argv[0], "fd", &fd) ||
      !read_u32(env, argv[1], "join", &join) || !read_u32(env, argv[2], "mtu", &mtu)) {
    return NULL;
  }
  napi_value result = port_open(env, fd, PORT_TAP, sizeof(struct tap), &port);
  if (result == NULL) return NULL;
  struct tap *tap = port->scratch;
  tap->join_tcp = (join & JOIN_TCP) != 0;
  tap->join_udp = (join & JOIN_UDP) != 0;
  tap->mtu = mtu;
  return result;
}

/* Lays the train out behind the vnet header: its first frame, then payloads. Returns the pieces. */
static int gather_train(struct tap *tap, const struct writing *w, uint32_t from, const struct train *train) {
  const struct frames *f = &w->frames;
  const uint16_t payload = train->at.payload;
  int pieces = 1;
  tap->iov[pieces++] = (struct iovec){.iov_base = f->arena + f->at[train->first], .iov_len = f->len[train->first]};
  if (train->count == 1) return pieces;
  uint32_t i = tap->coalescer.next[train->first - from];
  for (; i != NO_FRAME; i = tap->coalescer.next[i - from]) {
    tap->iov[pieces++] =
        (struct iovec){.iov_base = f->arena + f->at[i] + payload, .iov_len = f->len[i] - payload};
  }
  return pieces;
}

static void refuse_train(const struct tap *tap, const struct writing *w, uint32_t from, const struct train *train,
                         uint8_t verdict) {
  uint32_t i = train->first;
  for (uint32_t n = 0; n < train->count; n++) {
    w->frames.verdict[i] = verdict;
    i = tap->coalescer.next[i - from];
  }
}

static int write_train(struct tap *tap, const struct writing *w, uint32_t from, const struct train *train) {
  struct virtio_net_hdr vnet;
  uint8_t *first = w->frames.arena + w->frames.at[train->first];
  coalesce_seal(train, first, &vnet);
  if (train->count == 1 && tap->mtu != 0) {
    coalesce_restore(first, w->frames.len[train->first], tap->mtu, &vnet);
  }
  tap->iov[0] = (struct iovec){.iov_base = &vnet, .iov_len = sizeof vnet};
  const int pieces = gather_train(tap, w, from, train);
  ssize_t n;
  do n = writev(w->port->fd, tap->iov, pieces);
  while (n < 0 && errno == EINTR);
  return n < 0 ? errno : 0;
}

/* HOT PATH: one writev a train. */
napi_value tap_write(napi_env env, napi_callback_info info) {
  napi_value argv[6];
  struct writing w;
  uint32_t verdict;
  if (!read_args(env, info, 6, argv) || !read_writing(env, argv, PORT_TAP, &w) ||
      !read_u32(env, argv[5], "verdict", &verdict)) {
    return NULL;
  }
  struct tap *tap = w.port->scratch;
  *w.status = 0;
  for (uint32_t from = w.from; from < w.count;) {
    const struct coalesce_input in = {
        .arena = w.frames.arena,
        .at = w.frames.at,
        .len = w.frames.len,
        .verdict = w.frames.verdict,
        .from = from,
        .count = w.count,
        .tcp = tap->join_tcp,
        .udp = tap->join_udp,
    };
    const uint32_t end = coalesce_plan(&tap->coalescer, &in);
    for (uint32_t i = 0; i < tap->coalescer.trains; i++) {
      const struct train *train = &tap->coalescer.train[i];
      const int err = write_train(tap, &w, from, train);
      if (err == 0) continue;
      *w.status = err;
      refuse_train(tap, &w, from, train, (uint8_t)verdict);
    }
    from = end;
  }
  return make_i32(env, *w.status);
}
