/*
 * Interfaces deleted together by rtnetlink (man 7 rtnetlink), as `ip link delete group N` does it: the kernel waits for a
 * grace period once per step and not once per interface (net/core/rtnetlink.c, rtnl_group_dellink), which is a
 * sixtieth of a second each.
 */
#include "link-group.h"
#include "args.h"
#include "error.h"
#include "value.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A request about links of `group`: header, link, one attribute. */
struct group_request {
  struct nlmsghdr head;
  struct ifinfomsg link;
  struct rtattr attribute;
  uint32_t group;
};

/* Sends `request` and waits for the kernel's answer to it. Returns 0 or errno. */
static int ask(int fd, const struct group_request *request) {
  char answer[NLMSG_SPACE(sizeof(struct nlmsgerr) + sizeof *request)];
  struct nlmsghdr head;
  struct nlmsgerr result;
  if (send(fd, request, sizeof *request, 0) < 0) return errno;
  const ssize_t len = recv(fd, answer, sizeof answer, 0);
  if (len < 0) return errno;
  if ((size_t)len < NLMSG_HDRLEN + sizeof result) return EBADMSG;
  memcpy(&head, answer, sizeof head);
  memcpy(&result, answer + NLMSG_HDRLEN, sizeof result);
  return head.nlmsg_type == NLMSG_ERROR ? -result.error : EBADMSG;
}

/* Index 0: all links of the group. */
static int ask_about(int fd, uint16_t type, int32_t ifindex, uint32_t group) {
  struct group_request request = {
      .head = {.nlmsg_len = sizeof request, .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
      .link = {.ifi_family = AF_UNSPEC, .ifi_index = ifindex},
      .attribute = {.rta_len = RTA_LENGTH(sizeof group), .rta_type = IFLA_GROUP},
      .group = group,
  };
  return ask(fd, &request);
}

napi_value delete_links(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  void *indexes;
  size_t count;
  uint32_t group;
  if (!read_args(env, info, 2, argv) || !read_typed(env, argv[0], "ifindexes", napi_int32_array, &indexes, &count) ||
      !read_u32(env, argv[1], "group", &group)) {
    return NULL;
  }
  if (group == 0) return throw_errno(env, EINVAL, "group 0 has every interface", NULL);
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return throw_errno(env, errno, "socket NETLINK_ROUTE", NULL);
  int moved = 0;
  /* One that has left meanwhile is no fault: it is gone. */
  for (size_t i = 0; i < count; i++) {
    if (ask_about(fd, RTM_SETLINK, ((const int32_t *)indexes)[i], group) == 0) moved++;
  }
  const int err = moved == 0 ? 0 : ask_about(fd, RTM_DELLINK, 0, group);
  close(fd);
  return err != 0 ? throw_errno(env, err, "RTM_DELLINK", NULL) : make_i32(env, moved);
}
