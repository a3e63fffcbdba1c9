/*
 * Writing a TAP: frames of one flow that belong together go out in one writev, as one super-frame (coalesce.h).
 * What the TAP refuses gets a verdict and is gone: a TAP's queue is the kernel's business, so nothing waits.
 */
#include "tap-write.h"
#include "tap-port.h"
#include "value.h"

#include <errno.h>

/* Lays the train out behind the vnet header: its first frame, then payloads. Returns the pieces. */
static int gather_train(struct tap_train *out, const struct writing *w, uint32_t from, const struct train *train) {
  const struct frames *f = &w->frames;
  const uint16_t payload = train->at.payload;
  int pieces = 1;
  out->iov[pieces++] = (struct iovec){.iov_base = f->arena + f->at[train->first], .iov_len = f->len[train->first]};
  if (train->count == 1) return pieces;
  uint32_t i = out->coalescer.next[train->first - from];
  for (; i != NO_FRAME; i = out->coalescer.next[i - from]) {
    out->iov[pieces++] = (struct iovec){.iov_base = f->arena + f->at[i] + payload, .iov_len = f->len[i] - payload};
  }
  return pieces;
}

static void refuse_train(const struct tap_train *out, const struct writing *w, uint32_t from, const struct train *train,
                         uint8_t verdict) {
  uint32_t i = train->first;
  for (uint32_t n = 0; n < train->count; n++) {
    w->frames.verdict[i] = verdict;
    i = out->coalescer.next[i - from];
  }
}

static int write_train(const struct tap_port *tap, struct tap_train *out, const struct writing *w, uint32_t from,
                       const struct train *train) {
  struct virtio_net_hdr vnet;
  uint8_t *first = w->frames.arena + w->frames.at[train->first];
  coalesce_seal(train, first, &vnet);
  if (train->count == 1 && tap->mtu != 0) {
    coalesce_restore(first, w->frames.len[train->first], tap->mtu, &vnet);
  }
  out->iov[0] = (struct iovec){.iov_base = &vnet, .iov_len = sizeof vnet};
  const int pieces = gather_train(out, w, from, train);
  ssize_t n;
  do n = writev(tap->port.fd, out->iov, pieces);
  while (n < 0 && errno == EINTR);
  return n < 0 ? errno : 0;
}

/* HOT PATH: one writev per train. */
napi_value tap_write(napi_env env, napi_callback_info info) {
  napi_value argv[6];
  struct writing w;
  uint32_t verdict;
  if (!read_args(env, info, 6, argv) || !read_writing(env, argv, HANDLE_TAP, &w) ||
      !read_u32(env, argv[5], "verdict", &verdict)) {
    return NULL;
  }
  const struct tap_port *tap = w.port;
  struct tap_train *out = tap->port.handle.environment->scratch.train;
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
    const uint32_t end = coalesce_plan(&out->coalescer, &in);
    for (uint32_t i = 0; i < out->coalescer.trains; i++) {
      const struct train *train = &out->coalescer.train[i];
      const int err = write_train(tap, out, &w, from, train);
      if (err == 0) continue;
      *w.status = err;
      refuse_train(out, &w, from, train, (uint8_t)verdict);
    }
    from = end;
  }
  return make_i32(env, *w.status);
}
