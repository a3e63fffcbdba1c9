/* Sockets that carry one frame per packet, as batches: recvmmsg(2) and sendmmsg(2). */
#include "socket-port.h"
#include "error.h"
#include "port.h"
#include "tos.h"
#include "value.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

/* A lone packet should not have the headers of a full batch written first. */
#define EXPECTED_MIN 8

struct socket_port {
  struct port port;
  uint32_t expected; /* packets that the next call may find */
};

union control {
  struct cmsghdr align;
  uint8_t octets[TOS_CONTROL_LEN];
};

struct socket_scratch {
  struct mmsghdr msgs[PORT_MSGS];
  struct iovec iov[PORT_MSGS];
  union control control[PORT_MSGS];
  uint32_t index[PORT_MSGS]; /* which frame of the batch a message is */
};

napi_value open_socket_port(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int32_t fd;
  void *data;
  if (!read_args(env, info, 1, argv) || !read_i32(env, argv[0], "fd", &fd)) return NULL;
  struct scratch *scratch = &environment_of(env)->scratch;
  if (scratch->socket == NULL) scratch->socket = calloc(1, sizeof *scratch->socket);
  if (scratch->socket == NULL) return throw_errno(env, ENOMEM, "calloc", "socket port");
  napi_value result = handle_new(env, HANDLE_SOCKET, sizeof(struct socket_port), NULL, &data);
  if (result != NULL) ((struct socket_port *)data)->port.fd = fd;
  return result;
}

static struct socket_scratch *scratch_of(const struct socket_port *socket) {
  return socket->port.handle.environment->scratch.socket;
}

/*
 * HOT PATH. Asks for twice what the last call found, and for more when that was not enough. MSG_TRUNC makes the
 * kernel report a packet's true length (man 2 recv). An error that it reports is one an ICMP message left on the
 * socket; reading it has cleared it.
 */
napi_value socket_receive(napi_env env, napi_callback_info info) {
  napi_value argv[5];
  struct reading r;
  int32_t *status;
  if (!read_args(env, info, 5, argv) || !read_reading(env, argv, HANDLE_SOCKET, &r) ||
      !read_status(env, argv[4], &status)) {
    return NULL;
  }
  struct socket_port *socket = r.port;
  struct socket_scratch *s = scratch_of(socket);
  const bool tos = socket->port.tos_family != AF_UNSPEC && r.frames.tos != NULL;
  uint32_t done = 0;
  uint32_t room = socket->expected < EXPECTED_MIN ? EXPECTED_MIN : socket->expected;
  *status = 0;
  while (done < r.max) {
    const uint32_t want = r.max - done < room ? r.max - done : room;
    for (uint32_t i = 0; i < want; i++) {
      s->iov[i] = (struct iovec){.iov_base = r.frames.arena + r.frames.at[done + i], .iov_len = r.room};
      s->msgs[i].msg_hdr = (struct msghdr){.msg_iov = &s->iov[i], .msg_iovlen = 1};
      if (!tos) continue;
      s->msgs[i].msg_hdr.msg_control = s->control[i].octets;
      s->msgs[i].msg_hdr.msg_controllen = sizeof s->control[i];
    }
    const int n = recvmmsg(socket->port.fd, s->msgs, want, MSG_DONTWAIT | MSG_TRUNC, NULL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      if (errno != EAGAIN) *status = errno;
      break;
    }
    for (uint32_t i = 0; i < (uint32_t)n; i++) {
      take_frame(&r.frames, done + i, s->msgs[i].msg_len, r.room);
      if (tos) r.frames.tos[done + i] = tos_of(&s->msgs[i].msg_hdr);
    }
    done += (uint32_t)n;
    if ((uint32_t)n < want) break;
    room = PORT_MSGS;
  }
  socket->expected = done < PORT_MSGS / 2 ? 2 * done : PORT_MSGS;
  return make_i32(env, (int32_t)done);
}

/*
 * Gathers up to PORT_MSGS living frames of [*next, count) into messages; moves *next past what it looked at. `family`: of
 * packets that have a type of service each; AF_UNSPEC: they have the socket's.
 */
static uint32_t gather_messages(struct socket_scratch *s, const struct frames *f, uint32_t *next, uint32_t count,
                                int family) {
  uint32_t msgs = 0;
  uint32_t i = *next;
  for (; i < count && msgs < PORT_MSGS; i++) {
    if (f->verdict[i] != 0) continue;
    s->iov[msgs] = (struct iovec){.iov_base = f->arena + f->at[i], .iov_len = f->len[i]};
    s->msgs[msgs].msg_hdr = (struct msghdr){.msg_iov = &s->iov[msgs], .msg_iovlen = 1};
    if (family != AF_UNSPEC) tos_put(&s->msgs[msgs].msg_hdr, s->control[msgs].octets, family, f->tos[i]);
    s->index[msgs++] = i;
  }
  *next = i;
  return msgs;
}

/* HOT PATH: sendmmsg over the living frames. */
napi_value socket_send(napi_env env, napi_callback_info info) {
  napi_value argv[5];
  struct writing w;
  if (!read_args(env, info, 5, argv) || !read_writing(env, argv, HANDLE_SOCKET, &w)) return NULL;
  const struct socket_port *socket = w.port;
  struct socket_scratch *s = scratch_of(socket);
  const int family = w.frames.tos == NULL ? AF_UNSPEC : socket->port.tos_family;
  uint32_t next = w.from;
  *w.status = 0;
  while (next < w.count) {
    const uint32_t msgs = gather_messages(s, &w.frames, &next, w.count, family);
    uint32_t sent = 0;
    while (sent < msgs) {
      const int n = sendmmsg(socket->port.fd, s->msgs + sent, msgs - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
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
