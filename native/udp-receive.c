/*
 * Receiving over UDP: the kernel hands over datagrams of one sender as trains (UDP_GRO, man 7 udp), which are
 * received into areas of the arena and told apart by offset alone.
 */
#include "udp-receive.h"
#include "endpoint.h"
#include "error.h"
#include "udp-port.h"
#include "value.h"

#include <errno.h>
#include <string.h>

/* The length of each datagram of a message, or of the whole where it is no train. */
static uint32_t segment_len(struct msghdr *hdr, uint32_t whole) {
  for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(hdr); cmsg != NULL; cmsg = CMSG_NXTHDR(hdr, cmsg)) {
    if (cmsg->cmsg_level != IPPROTO_UDP || cmsg->cmsg_type != UDP_GRO) continue;
    int len;
    memcpy(&len, CMSG_DATA(cmsg), sizeof len);
    if (len > 0 && (uint32_t)len < whole) return (uint32_t)len;
  }
  return whole;
}

/* Areas [area, area + count) of the arena, one per message. */
static void prepare(struct udp_scratch *s, const struct frames *f, uint32_t area, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t m = area + i;
    s->iov[m] = (struct iovec){.iov_base = f->arena + (size_t)m * UDP_AREA_LEN, .iov_len = UDP_AREA_LEN};
    s->msgs[m].msg_hdr = (struct msghdr){
        .msg_name = &s->source[m],
        .msg_namelen = sizeof s->source[m],
        .msg_iov = &s->iov[m],
        .msg_iovlen = 1,
        .msg_control = s->control[m].octets,
        .msg_controllen = sizeof s->control[m],
    };
  }
}

/*
 * Cuts message `m` into frames from `done` on; there is room for a train of UDP_TRAIN_MAX, and what a peer with
 * longer ones puts behind that is lost. Returns the next free frame.
 */
static uint32_t take_message(struct udp_scratch *s, const struct frames *f, uint32_t m, uint32_t done, uint32_t max,
                             bool tos) {
  struct msghdr *hdr = &s->msgs[m].msg_hdr;
  const uint32_t whole = s->msgs[m].msg_len;
  const uint32_t area_at = m * UDP_AREA_LEN;
  s->source_len[m] = hdr->msg_namelen;
  const uint32_t segment = segment_len(hdr, whole);
  /* A train has one: the kernel joins no datagrams of different ones. */
  const bool has_tos = tos && f->tos != NULL;
  const uint8_t train_tos = has_tos ? tos_of(hdr) : 0;
  for (uint32_t at = 0; at < whole && done < max; at += segment, done++) {
    f->at[done] = area_at + at;
    f->len[done] = whole - at < segment ? whole - at : segment;
    f->verdict[done] = 0;
    if (has_tos) f->tos[done] = train_tos;
    s->source_of[done] = (uint8_t)m;
  }
  return done;
}

struct receiving {
  struct udp_port *udp;
  struct frames frames;
  uint32_t areas, max;
  int32_t *status;
};

static bool read_receiving(napi_env env, napi_callback_info info, struct receiving *out) {
  napi_value argv[5];
  void *port;
  if (!read_args(env, info, 5, argv) || !read_handle(env, argv[0], HANDLE_UDP, "port", &port) ||
      !read_frames(env, argv[1], &out->frames) || !read_u32(env, argv[2], "areas", &out->areas) ||
      !read_u32(env, argv[3], "max", &out->max) || !read_status(env, argv[4], &out->status)) {
    return false;
  }
  out->udp = port;
  if ((uint64_t)UDP_AREA_LEN * out->areas <= out->frames.arena_len && out->areas <= UDP_AREAS_MAX && out->areas >= 1 &&
      out->max <= out->frames.n && out->max <= UDP_FRAMES && out->max >= UDP_TRAIN_MAX) {
    return true;
  }
  throw_range(env, "\"areas\" and \"max\" expected 1 to 128 areas inside the arena, and 64 to 1024 frames");
  return false;
}

/* HOT PATH: recvmmsg of as many messages as there is room for, were each a full train. */
napi_value udp_receive(napi_env env, napi_callback_info info) {
  struct receiving r;
  if (!read_receiving(env, info, &r)) return NULL;
  struct udp_scratch *s = udp_scratch_of(r.udp);
  const bool tos = r.udp->port.tos_family != AF_UNSPEC;
  uint32_t area = 0, done = 0;
  *r.status = 0;
  while (area < r.areas) {
    const uint32_t trains = (r.max - done) / UDP_TRAIN_MAX;
    const uint32_t want = trains < r.areas - area ? trains : r.areas - area;
    if (want == 0) break;
    prepare(s, &r.frames, area, want);
    const int n = recvmmsg(r.udp->port.fd, s->msgs + area, want, MSG_DONTWAIT, NULL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      if (errno != EAGAIN) *r.status = errno;
      break;
    }
    for (uint32_t i = 0; i < (uint32_t)n; i++) {
      done = take_message(s, &r.frames, area + i, done, r.max, tos);
    }
    area += (uint32_t)n;
    if ((uint32_t)n < want) break;
  }
  s->owner = r.udp;
  s->received = done;
  return make_i32(env, (int32_t)done);
}

napi_value udp_learn(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  void *data;
  uint32_t frame;
  uint8_t *endpoint;
  if (!read_args(env, info, 3, argv) || !read_handle(env, argv[0], HANDLE_UDP, "port", &data) ||
      !read_u32(env, argv[1], "frame", &frame) || !read_endpoint(env, argv[2], &endpoint)) {
    return NULL;
  }
  const struct udp_port *udp = data;
  const struct udp_scratch *s = udp_scratch_of(udp);
  if (s->owner != udp) return throw_range(env, "\"port\" expected the port of the last udpReceive");
  if (frame >= s->received) return throw_range(env, "\"frame\" expected a frame of the last udpReceive");
  const uint8_t m = s->source_of[frame];
  return make_bool(env, endpoint_store(endpoint, &s->source[m], s->source_len[m]));
}
