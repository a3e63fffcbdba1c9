/* Sending one packet by a socket that lanes send by too, with another DSCP than theirs: it goes with the packet. */
#include "packet-send.h"
#include "args.h"
#include "endpoint.h"
#include "error.h"
#include "tos.h"
#include "value.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

union tos_control {
  struct cmsghdr align;
  uint8_t octets[TOS_CONTROL_LEN];
};

struct packet {
  int32_t fd, tos;
  struct span octets;
  uint8_t *endpoint; /* NULL: the socket is connected */
};

static bool read_packet(napi_env env, napi_callback_info info, struct packet *out) {
  napi_value argv[4];
  napi_valuetype type;
  out->endpoint = NULL;
  if (!read_args(env, info, 4, argv) || !read_i32(env, argv[0], "fd", &out->fd) ||
      !read_span(env, argv[1], "packet", &out->octets) || !read_i32(env, argv[2], "tos", &out->tos)) {
    return false;
  }
  if (out->tos < 0 || out->tos > UINT8_MAX) {
    throw_range(env, "\"tos\" expected 0 to 255");
    return false;
  }
  if (napi_typeof(env, argv[3], &type) != napi_ok) return false;
  return type == napi_null || read_endpoint(env, argv[3], &out->endpoint);
}

napi_value send_packet(napi_env env, napi_callback_info info) {
  struct packet p;
  struct sockaddr_storage to;
  socklen_t to_len = 0;
  union tos_control control;
  if (!read_packet(env, info, &p)) return NULL;
  if (p.endpoint != NULL && !endpoint_load(p.endpoint, &to, &to_len)) return make_i32(env, EDESTADDRREQ);
  const int family = tos_family(p.fd);
  struct iovec iov = {.iov_base = p.octets.data, .iov_len = p.octets.len};
  struct msghdr hdr = {.msg_iov = &iov, .msg_iovlen = 1};
  if (p.endpoint != NULL) {
    hdr.msg_name = &to;
    hdr.msg_namelen = to_len;
  }
  if (family != AF_UNSPEC) tos_put(&hdr, control.octets, family, p.tos);
  for (;;) {
    if (sendmsg(p.fd, &hdr, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return make_i32(env, 0);
    if (errno != EINTR) return make_i32(env, errno);
  }
}
