/*
 * Sending one packet by a socket that lanes send by too, with another DSCP than theirs: the type of service goes with the
 * packet (IP_TOS, man 7 ip; IPV6_TCLASS, RFC 3542 6.5), and the socket's own stays as it is. On a raw socket with
 * IP_HDRINCL the packet's own header says it, and the kernel goes by the control message only for its queues.
 */
#include "packet-send.h"
#include "args.h"
#include "endpoint.h"
#include "error.h"
#include "value.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

union tos_control {
  struct cmsghdr align;
  uint8_t octets[CMSG_SPACE(sizeof(int))];
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

static void put_tos(struct msghdr *hdr, union tos_control *control, int family, int tos) {
  memset(control, 0, sizeof *control);
  hdr->msg_control = control->octets;
  hdr->msg_controllen = sizeof control->octets;
  struct cmsghdr *cmsg = CMSG_FIRSTHDR(hdr);
  cmsg->cmsg_level = family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
  cmsg->cmsg_type = family == AF_INET6 ? IPV6_TCLASS : IP_TOS;
  cmsg->cmsg_len = CMSG_LEN(sizeof tos);
  memcpy(CMSG_DATA(cmsg), &tos, sizeof tos);
}

napi_value send_packet(napi_env env, napi_callback_info info) {
  struct packet p;
  struct sockaddr_storage to;
  socklen_t to_len = 0;
  union tos_control control;
  int family = 0;
  socklen_t family_len = sizeof family;
  if (!read_packet(env, info, &p)) return NULL;
  if (p.endpoint != NULL && !endpoint_load(p.endpoint, &to, &to_len)) return make_i32(env, EDESTADDRREQ);
  if (getsockopt(p.fd, SOL_SOCKET, SO_DOMAIN, &family, &family_len) != 0) return make_i32(env, errno);
  struct iovec iov = {.iov_base = p.octets.data, .iov_len = p.octets.len};
  struct msghdr hdr = {.msg_iov = &iov, .msg_iovlen = 1};
  if (p.endpoint != NULL) {
    hdr.msg_name = &to;
    hdr.msg_namelen = to_len;
  }
  if (family == AF_INET || family == AF_INET6) put_tos(&hdr, &control, family, p.tos);
  for (;;) {
    if (sendmsg(p.fd, &hdr, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return make_i32(env, 0);
    if (errno != EINTR) return make_i32(env, errno);
  }
}
