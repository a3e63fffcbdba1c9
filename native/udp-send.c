/*
 * Sending over UDP: neighbours of equal length, the last of which may be shorter, and of one type of service leave as one
 * train (UDP_SEGMENT, man 7 udp). Where the device or the path does not take trains, as single datagrams.
 */
#include "udp-send.h"
#include "endpoint.h"
#include "udp-port.h"
#include "value.h"

#include <errno.h>
#include <string.h>

/* What of the batch is sent as single datagrams: frames below this index. */
struct sending {
  const struct writing *w;
  struct udp_port *udp;
  struct udp_scratch *scratch;
  struct sockaddr_storage to;
  socklen_t to_len;
  uint32_t single_below;
  int tos_family; /* AF_UNSPEC: frames have the socket's type of service */
};

/* Behind the control data that `hdr` has already. */
static void put_segment_len(struct msghdr *hdr, union control *control, uint16_t len) {
  struct cmsghdr *cmsg = (struct cmsghdr *)(void *)(control->octets + hdr->msg_controllen);
  hdr->msg_control = control->octets;
  hdr->msg_controllen += CMSG_SPACE(sizeof len);
  cmsg->cmsg_level = IPPROTO_UDP;
  cmsg->cmsg_type = UDP_SEGMENT;
  cmsg->cmsg_len = CMSG_LEN(sizeof len);
  memcpy(CMSG_DATA(cmsg), &len, sizeof len);
}

/* Whether a frame of `len` octets may join a train of `count` frames, `total` octets, made of `segment`s. */
static bool may_join(uint32_t len, uint32_t segment, uint32_t last, uint32_t count, size_t total) {
  return len > 0 && len <= segment && last == segment && count < UDP_TRAIN_MAX && total + len <= UDP_TRAIN_LEN;
}

/* Makes messages of the living frames of [*next, count), moves *next on. Returns how many. */
static uint32_t gather_trains(struct sending *s, uint32_t *next) {
  const struct frames *f = &s->w->frames;
  struct udp_scratch *scratch = s->scratch;
  uint32_t msgs = 0, pieces = 0, i = *next;
  uint32_t segment = 0, last = 0, count = 0;
  uint8_t train_tos = 0;
  size_t total = 0;
  for (; i < s->w->count && pieces < UDP_FRAMES; i++) {
    if (f->verdict[i] != 0) continue;
    const uint32_t len = f->len[i];
    const uint8_t tos = s->tos_family == AF_UNSPEC ? 0 : f->tos[i];
    const bool joins = msgs > 0 && s->udp->gso && i >= s->single_below && tos == train_tos &&
                       may_join(len, segment, last, count, total);
    if (!joins && msgs == PORT_MSGS) break;
    scratch->iov[pieces] = (struct iovec){.iov_base = f->arena + f->at[i], .iov_len = len};
    if (!joins) {
      scratch->index[msgs] = i;
      scratch->msgs[msgs++].msg_hdr = (struct msghdr){
          .msg_name = &s->to, .msg_namelen = s->to_len, .msg_iov = &scratch->iov[pieces], .msg_iovlen = 0};
      segment = len;
      count = 0;
      total = 0;
      train_tos = tos;
    }
    struct msghdr *hdr = &scratch->msgs[msgs - 1].msg_hdr;
    if (!joins && s->tos_family != AF_UNSPEC) tos_put(hdr, scratch->control[msgs - 1].octets, s->tos_family, tos);
    hdr->msg_iovlen++;
    if (joins && hdr->msg_iovlen == 2) put_segment_len(hdr, &scratch->control[msgs - 1], (uint16_t)segment);
    count++;
    total += len;
    last = len;
    pieces++;
  }
  *next = i;
  return msgs;
}

/* The first frame behind message `m`, the last of which is `msgs − 1`. */
static uint32_t behind(const struct udp_scratch *s, uint32_t m, uint32_t msgs, uint32_t next) {
  return m + 1 < msgs ? s->index[m + 1] : next;
}

/*
 * HOT PATH: sendmmsg over trains. A train that is refused is tried once more as single datagrams, so that the
 * frame at fault can be told from its neighbours. EIO: the device cannot; no trains from then on.
 */
napi_value udp_send(napi_env env, napi_callback_info info) {
  napi_value argv[6];
  struct writing w;
  uint8_t *endpoint;
  if (!read_args(env, info, 6, argv) || !read_writing(env, argv, HANDLE_UDP, &w) ||
      !read_endpoint(env, argv[5], &endpoint)) {
    return NULL;
  }
  struct sending s = {.w = &w, .udp = w.port, .scratch = udp_scratch_of(w.port)};
  if (w.frames.tos != NULL) s.tos_family = s.udp->port.tos_family;
  *w.status = 0;
  if (!endpoint_load(endpoint, &s.to, &s.to_len)) {
    *w.status = EDESTADDRREQ;
    return make_i32(env, (int32_t)w.from);
  }
  for (uint32_t next = w.from; next < w.count;) {
    const uint32_t msgs = gather_trains(&s, &next);
    uint32_t sent = 0;
    while (sent < msgs) {
      const int n = sendmmsg(s.udp->port.fd, s.scratch->msgs + sent, msgs - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n >= 0) {
        sent += (uint32_t)n;
        continue;
      }
      if (errno == EINTR) continue;
      const int err = errno;
      const uint32_t first = s.scratch->index[sent];
      if (s.scratch->msgs[sent].msg_hdr.msg_iovlen > 1 && (err == EIO || err == EINVAL || err == EMSGSIZE)) {
        if (err == EIO) s.udp->gso = false;
        s.single_below = behind(s.scratch, sent, msgs, next);
        next = first;
        break;
      }
      *w.status = err;
      return make_i32(env, (int32_t)first);
    }
  }
  return make_i32(env, (int32_t)w.count);
}
