/*
 * Ports: batched reads and writes at both edges of a lane.
 *
 * A port owns scratch memory for its system calls, not its descriptor. Offsets and lengths come from
 * JavaScript and are checked against the arena before the kernel sees them.
 */
#include "addon.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define PORT_MAGIC 0x706f7274u
/* Messages in one recvmmsg/sendmmsg. */
#define PORT_MSGS 128
/* What a frame that is too long for its slot ends in; only its length is of interest. */
#define SPILL_LEN 66000
#define VERDICT_TOO_LONG 255

struct scratch {
  struct mmsghdr msgs[PORT_MSGS];
  struct iovec iov[PORT_MSGS];
  uint32_t index[PORT_MSGS]; /* which frame of the batch a message is */
  uint8_t spill[SPILL_LEN];
};

struct port {
  uint32_t magic; /* 0 once closed */
  int fd;
  struct scratch *scratch;
};

static void close_scratch(struct port *port) {
  free(port->scratch);
  port->scratch = NULL;
  port->magic = 0;
}

static void free_port(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  close_scratch(data);
  free(data);
}

static napi_value open_port(napi_env env, napi_callback_info info) {
  napi_value argv[1], result;
  int32_t fd;
  if (!read_args(env, info, 1, argv) || !read_i32(env, argv[0], "fd", &fd)) return NULL;
  struct port *port = calloc(1, sizeof *port);
  if (port != NULL) port->scratch = calloc(1, sizeof *port->scratch);
  if (port == NULL || port->scratch == NULL) {
    free(port);
    return throw_errno(env, ENOMEM, "calloc", "port");
  }
  port->magic = PORT_MAGIC;
  port->fd = fd;
  if (!napi_good(env, napi_create_external(env, port, free_port, NULL, &result), "napi_create_external")) {
    free_port(env, port, NULL);
    return NULL;
  }
  return result;
}

napi_value open_tap_port(napi_env env, napi_callback_info info) { return open_port(env, info); }
napi_value open_socket_port(napi_env env, napi_callback_info info) { return open_port(env, info); }

napi_value close_port(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  void *port;
  if (!read_args(env, info, 1, argv) || !read_handle(env, argv[0], PORT_MAGIC, "port", &port)) return NULL;
  close_scratch(port);
  return make_undefined(env);
}

/* What a batched read takes: slots [0, max), each with `room` octets from at[i]. */
struct reading {
  struct port *port;
  struct frames frames;
  uint32_t max, room;
};

static bool read_reading(napi_env env, const napi_value *argv, struct reading *out) {
  void *port;
  if (!read_handle(env, argv[0], PORT_MAGIC, "port", &port) || !read_frames(env, argv[1], &out->frames) ||
      !read_u32(env, argv[2], "max", &out->max) || !read_u32(env, argv[3], "room", &out->room)) {
    return false;
  }
  out->port = port;
  const struct frames *f = &out->frames;
  bool inside = out->max <= f->n && out->room <= f->arena_len;
  for (uint32_t i = 0; inside && i < out->max; i++) inside = f->at[i] <= f->arena_len - out->room;
  if (!inside) throw_range(env, "\"max\" and \"room\" expected slots inside the arena");
  return inside;
}

/* What a batched write takes: the living frames of [from, count). */
struct writing {
  struct port *port;
  struct frames frames;
  uint32_t from, count;
  int32_t *status;
};

static bool read_writing(napi_env env, napi_callback_info info, struct writing *out) {
  napi_value argv[5];
  void *port;
  if (!read_args(env, info, 5, argv) || !read_handle(env, argv[0], PORT_MAGIC, "port", &port) ||
      !read_frames(env, argv[1], &out->frames) || !read_u32(env, argv[2], "from", &out->from) ||
      !read_u32(env, argv[3], "count", &out->count) || !read_status(env, argv[4], &out->status)) {
    return false;
  }
  out->port = port;
  const struct frames *f = &out->frames;
  bool inside = out->count <= f->n;
  for (uint32_t i = out->from; inside && i < out->count; i++) {
    inside = f->verdict[i] != 0 || (f->at[i] <= f->arena_len && f->len[i] <= f->arena_len - f->at[i]);
  }
  if (!inside) throw_range(env, "\"count\" expected frames inside the arena");
  return inside;
}

static void take_frame(const struct frames *f, uint32_t i, size_t len, uint32_t room) {
  f->len[i] = (uint32_t)len;
  f->verdict[i] = len > room ? VERDICT_TOO_LONG : 0;
}

/* HOT PATH: one readv a frame; the TAP has no batched read. */
napi_value tap_read(napi_env env, napi_callback_info info) {
  napi_value argv[4];
  struct reading r;
  if (!read_args(env, info, 4, argv) || !read_reading(env, argv, &r)) return NULL;
  struct virtio_net_hdr header;
  uint32_t i = 0;
  while (i < r.max) {
    const struct iovec iov[] = {
        {.iov_base = &header, .iov_len = sizeof header},
        {.iov_base = r.frames.arena + r.frames.at[i], .iov_len = r.room},
        {.iov_base = r.port->scratch->spill, .iov_len = SPILL_LEN},
    };
    const ssize_t n = readv(r.port->fd, iov, 3);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) break;
    if (n < 0) return throw_errno(env, errno, "readv", "TAP");
    if ((size_t)n < sizeof header) return throw_errno(env, EIO, "readv", "TAP");
    take_frame(&r.frames, i, (size_t)n - sizeof header, r.room);
    i++;
  }
  return make_i32(env, (int32_t)i);
}

/* HOT PATH: one writev a frame. */
napi_value tap_write(napi_env env, napi_callback_info info) {
  struct writing w;
  if (!read_writing(env, info, &w)) return NULL;
  struct virtio_net_hdr header = {0};
  uint32_t i = w.from;
  *w.status = 0;
  while (i < w.count) {
    const struct iovec iov[] = {
        {.iov_base = &header, .iov_len = sizeof header},
        {.iov_base = w.frames.arena + w.frames.at[i], .iov_len = w.frames.len[i]},
    };
    if (w.frames.verdict[i] == 0 && writev(w.port->fd, iov, 2) < 0) {
      if (errno == EINTR) continue;
      *w.status = errno;
      break;
    }
    i++;
  }
  return make_i32(env, (int32_t)i);
}

/*
 * HOT PATH. MSG_TRUNC makes the kernel report a packet's true length (man 2 recv). An error that it reports
 * is one an ICMP message left on the socket; reading it has cleared it.
 */
napi_value socket_receive(napi_env env, napi_callback_info info) {
  napi_value argv[5];
  struct reading r;
  int32_t *status;
  if (!read_args(env, info, 5, argv) || !read_reading(env, argv, &r) || !read_status(env, argv[4], &status)) {
    return NULL;
  }
  struct scratch *s = r.port->scratch;
  uint32_t done = 0;
  *status = 0;
  while (done < r.max) {
    const uint32_t want = r.max - done < PORT_MSGS ? r.max - done : PORT_MSGS;
    for (uint32_t i = 0; i < want; i++) {
      s->iov[i] = (struct iovec){.iov_base = r.frames.arena + r.frames.at[done + i], .iov_len = r.room};
      s->msgs[i].msg_hdr = (struct msghdr){.msg_iov = &s->iov[i], .msg_iovlen = 1};
    }
    const int n = recvmmsg(r.port->fd, s->msgs, want, MSG_DONTWAIT | MSG_TRUNC, NULL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      if (errno != EAGAIN) *status = errno;
      break;
    }
    for (uint32_t i = 0; i < (uint32_t)n; i++) take_frame(&r.frames, done + i, s->msgs[i].msg_len, r.room);
    done += (uint32_t)n;
    if ((uint32_t)n < want) break;
  }
  return make_i32(env, (int32_t)done);
}

/* Gathers up to PORT_MSGS living frames of [*next, count) into messages; moves *next past what it looked at. */
static uint32_t gather_messages(struct scratch *s, const struct frames *f, uint32_t *next, uint32_t count) {
  uint32_t msgs = 0;
  uint32_t i = *next;
  for (; i < count && msgs < PORT_MSGS; i++) {
    if (f->verdict[i] != 0) continue;
    s->iov[msgs] = (struct iovec){.iov_base = f->arena + f->at[i], .iov_len = f->len[i]};
    s->msgs[msgs].msg_hdr = (struct msghdr){.msg_iov = &s->iov[msgs], .msg_iovlen = 1};
    s->index[msgs++] = i;
  }
  *next = i;
  return msgs;
}

/* HOT PATH: sendmmsg over the living frames. */
napi_value socket_send(napi_env env, napi_callback_info info) {
  struct writing w;
  if (!read_writing(env, info, &w)) return NULL;
  struct scratch *s = w.port->scratch;
  uint32_t next = w.from;
  *w.status = 0;
  while (next < w.count) {
    const uint32_t msgs = gather_messages(s, &w.frames, &next, w.count);
    uint32_t sent = 0;
    while (sent < msgs) {
      const int n = sendmmsg(w.port->fd, s->msgs + sent, msgs - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        *w.status = errno;
        return make_i32(env, (int32_t)s->index[sent]);
      }
      sent += (uint32_t)n;
    }
  }
  return make_i32(env, (int32_t)w.count);
}
