/*
 * The route to a peer by rtnetlink (man 7 rtnetlink): which link it leaves by, and what MTU the administrator has given it.
 * Both are asked for apart: the route that packets take has the link, but also what ICMP has made the kernel believe of the
 * path; the entry of the table that it comes from (RTM_F_FIB_MATCH) has the administrator's words alone.
 */
#include "route.h"
#include "args.h"
#include "error.h"
#include "value.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdalign.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_LEN 16384
#define ATTRS_LEN 64

struct ends {
  int family;
  uint32_t scope; /* index of the link that a link-local address names; 0: none */
  size_t len;
  uint8_t local[16], remote[16];
};

struct question {
  struct nlmsghdr head;
  struct rtmsg route;
  alignas(struct rtattr) uint8_t attrs[ATTRS_LEN];
};

struct route {
  int32_t ifindex, mtu;
  bool locked;
};

/* Returns the address family, 0 where the text is no address. */
static int read_address(const char *text, uint8_t *octets, uint32_t *scope) {
  const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_DGRAM};
  struct addrinfo *found = NULL;
  if (getaddrinfo(text, NULL, &hints, &found) != 0 || found == NULL) return 0;
  const int family = found->ai_family;
  if (family == AF_INET) memcpy(octets, &((const struct sockaddr_in *)found->ai_addr)->sin_addr, 4);
  if (family == AF_INET6) {
    const struct sockaddr_in6 *addr = (const struct sockaddr_in6 *)found->ai_addr;
    memcpy(octets, &addr->sin6_addr, 16);
    if (addr->sin6_scope_id != 0) *scope = addr->sin6_scope_id;
  }
  freeaddrinfo(found);
  return family;
}

static bool read_ends(napi_env env, napi_value *argv, struct ends *out) {
  char local[NAME_MAX_LEN], remote[NAME_MAX_LEN];
  if (!read_text(env, argv[0], "local", local, sizeof local) ||
      !read_text(env, argv[1], "remote", remote, sizeof remote)) {
    return false;
  }
  out->scope = 0;
  out->family = read_address(local, out->local, &out->scope);
  out->len = out->family == AF_INET ? 4 : 16;
  if (out->family != 0 && read_address(remote, out->remote, &out->scope) == out->family) return true;
  throw_errno(env, EINVAL, "rtnetlink RTM_GETROUTE", remote);
  return false;
}

static void put_attr(struct question *q, uint16_t type, const void *data, size_t len) {
  struct rtattr *attr = (struct rtattr *)((uint8_t *)q + NLMSG_ALIGN(q->head.nlmsg_len));
  *attr = (struct rtattr){.rta_len = (uint16_t)RTA_LENGTH(len), .rta_type = type};
  memcpy(RTA_DATA(attr), data, len);
  q->head.nlmsg_len = (uint32_t)(NLMSG_ALIGN(q->head.nlmsg_len) + RTA_ALIGN(attr->rta_len));
}

static void take_metrics(struct route *route, struct rtattr *metrics) {
  size_t left = RTA_PAYLOAD(metrics);
  uint32_t value;
  for (struct rtattr *attr = RTA_DATA(metrics); RTA_OK(attr, left); attr = RTA_NEXT(attr, left)) {
    if (RTA_PAYLOAD(attr) != sizeof value) continue;
    memcpy(&value, RTA_DATA(attr), sizeof value);
    if (attr->rta_type == RTAX_MTU) route->mtu = (int32_t)value;
    if (attr->rta_type == RTAX_LOCK) route->locked = (value & (1U << RTAX_MTU)) != 0;
  }
}

/* Reads the `len` octets of an answer: metrics of the table's entry, the link of the route taken. Returns 0 or errno. */
static int take_answer(struct route *route, struct nlmsghdr *head, size_t len, bool of_table) {
  if (len < sizeof *head || head->nlmsg_len > len || head->nlmsg_len < sizeof *head) return EPROTO;
  if (head->nlmsg_type == NLMSG_ERROR) {
    if (head->nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr))) return EPROTO;
    return -((const struct nlmsgerr *)NLMSG_DATA(head))->error;
  }
  if (head->nlmsg_type != RTM_NEWROUTE || head->nlmsg_len < NLMSG_LENGTH(sizeof(struct rtmsg))) return EPROTO;
  size_t left = RTM_PAYLOAD(head);
  for (struct rtattr *attr = RTM_RTA(NLMSG_DATA(head)); RTA_OK(attr, left); attr = RTA_NEXT(attr, left)) {
    if (of_table && attr->rta_type == RTA_METRICS) take_metrics(route, attr);
    if (!of_table && attr->rta_type == RTA_OIF && RTA_PAYLOAD(attr) == sizeof route->ifindex) {
      memcpy(&route->ifindex, RTA_DATA(attr), sizeof route->ifindex);
    }
  }
  return 0;
}

/* Returns 0 or errno. */
static int ask(int fd, const struct ends *ends, bool of_table, struct route *route) {
  alignas(struct nlmsghdr) char answer[ANSWER_LEN];
  struct question q = {
      .head = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)),
               .nlmsg_type = RTM_GETROUTE,
               .nlmsg_flags = NLM_F_REQUEST},
      .route = {.rtm_family = (uint8_t)ends->family,
                .rtm_dst_len = (uint8_t)(8 * ends->len),
                .rtm_src_len = (uint8_t)(8 * ends->len),
                .rtm_flags = of_table ? RTM_F_FIB_MATCH : 0},
  };
  put_attr(&q, RTA_DST, ends->remote, ends->len);
  put_attr(&q, RTA_SRC, ends->local, ends->len);
  if (ends->scope != 0) put_attr(&q, RTA_OIF, &ends->scope, sizeof ends->scope);
  if (send(fd, &q, q.head.nlmsg_len, 0) < 0) return errno;
  /* The kernel has answered before send returns: nothing is waited for. */
  for (;;) {
    const ssize_t len = recv(fd, answer, sizeof answer, MSG_TRUNC | MSG_DONTWAIT);
    if (len < 0 && errno == EINTR) continue;
    if (len < 0) return errno;
    if ((size_t)len > sizeof answer) return EMSGSIZE;
    return take_answer(route, (struct nlmsghdr *)answer, (size_t)len, of_table);
  }
}

static bool put(napi_env env, napi_value object, const char *key, napi_value value) {
  return value != NULL && napi_good(env, napi_set_named_property(env, object, key, value), key);
}

napi_value route_to(napi_env env, napi_callback_info info) {
  napi_value argv[2], result;
  struct ends ends;
  struct route route = {.ifindex = 0};
  if (!read_args(env, info, 2, argv) || !read_ends(env, argv, &ends)) return NULL;
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return throw_errno(env, errno, "socket", "rtnetlink");
  int err = ask(fd, &ends, false, &route);
  if (err == 0) err = ask(fd, &ends, true, &route);
  close(fd);
  if (err != 0) return throw_errno(env, err, "rtnetlink RTM_GETROUTE", NULL);
  TRY_NAPI(env, napi_create_object(env, &result));
  return put(env, result, "ifindex", make_i32(env, route.ifindex)) &&
                 put(env, result, "mtu", make_i32(env, route.mtu)) &&
                 put(env, result, "locked", make_bool(env, route.locked))
             ? result
             : NULL;
}
