/* Control data with a type of service, and the ports that have it with every frame. */
#include "tos.h"
#include "error.h"
#include "value.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

int tos_family(int fd) {
  int family = AF_UNSPEC;
  socklen_t len = sizeof family;
  if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len) != 0) return AF_UNSPEC;
  return family == AF_INET || family == AF_INET6 ? family : AF_UNSPEC;
}

void tos_put(struct msghdr *hdr, uint8_t *octets, int family, int tos) {
  struct cmsghdr *cmsg = (struct cmsghdr *)(void *)(octets + hdr->msg_controllen);
  hdr->msg_control = octets;
  hdr->msg_controllen += TOS_CONTROL_LEN;
  memset(cmsg, 0, TOS_CONTROL_LEN);
  cmsg->cmsg_level = family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
  cmsg->cmsg_type = family == AF_INET6 ? IPV6_TCLASS : IP_TOS;
  cmsg->cmsg_len = CMSG_LEN(sizeof tos);
  memcpy(CMSG_DATA(cmsg), &tos, sizeof tos);
}

/* The kernel gives one octet of IPv4's and an int of IPv6's. */
uint8_t tos_of(struct msghdr *hdr) {
  for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(hdr); cmsg != NULL; cmsg = CMSG_NXTHDR(hdr, cmsg)) {
    if (cmsg->cmsg_level == IPPROTO_IP && cmsg->cmsg_type == IP_TOS) return *CMSG_DATA(cmsg);
    if (cmsg->cmsg_level != IPPROTO_IPV6 || cmsg->cmsg_type != IPV6_TCLASS) continue;
    int tos;
    memcpy(&tos, CMSG_DATA(cmsg), sizeof tos);
    return (uint8_t)tos;
  }
  return 0;
}

napi_value carry_tos(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  void *data;
  if (!read_args(env, info, 1, argv)) return NULL;
  const enum handle_kind kind = find_handle(env, argv[0], &data);
  if (kind != HANDLE_SOCKET && kind != HANDLE_UDP) {
    throw_expected(env, "port", "an open socket or UDP port");
    return NULL;
  }
  struct port *port = data;
  const int family = tos_family(port->fd);
  const int on = 1;
  const bool v6 = family == AF_INET6;
  const int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP, name = v6 ? IPV6_RECVTCLASS : IP_RECVTOS;
  if (family != AF_UNSPEC && setsockopt(port->fd, level, name, &on, sizeof on) != 0) {
    return throw_errno(env, errno, v6 ? "setsockopt IPV6_RECVTCLASS" : "setsockopt IP_RECVTOS", NULL);
  }
  port->tos_family = family;
  return make_undefined(env);
}
