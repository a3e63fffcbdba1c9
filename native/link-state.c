/*
 * One question to the kernel by rtnetlink (man 7 rtnetlink): what the link of an index is called, whether it is up, its
 * MTU, and the link that it is a port of. An ioctl would tell neither the last nor all of it at one moment, and /sys may
 * show another network namespace.
 */
#include "link-state.h"
#include "args.h"
#include "error.h"
#include "value.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdalign.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Statistics and what virtual functions have are left out; the rest of a link is one or two KB. */
#define ANSWER_LEN 16384

struct question {
  struct nlmsghdr head;
  struct ifinfomsg link;
  struct rtattr mask_attr;
  uint32_t mask;
};

struct state {
  char name[IFNAMSIZ];
  int32_t mtu, master;
  bool up;
};

static void take_attribute(struct state *state, const struct rtattr *attr) {
  const size_t len = RTA_PAYLOAD(attr);
  const void *data = RTA_DATA(attr);
  if (attr->rta_type == IFLA_IFNAME && len > 0 && len <= IFNAMSIZ) {
    memcpy(state->name, data, len);
    state->name[len - 1] = '\0';
  }
  if (attr->rta_type == IFLA_MTU && len == sizeof state->mtu) memcpy(&state->mtu, data, len);
  if (attr->rta_type == IFLA_MASTER && len == sizeof state->master) memcpy(&state->master, data, len);
}

/* Reads the `len` octets of an answer. Returns 0 or errno: ENODEV where there is no such link. */
static int take_answer(struct state *state, const struct nlmsghdr *head, size_t len) {
  if (len < sizeof *head || head->nlmsg_len > len || head->nlmsg_len < sizeof *head) return EPROTO;
  if (head->nlmsg_type == NLMSG_ERROR) {
    if (head->nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr))) return EPROTO;
    return -((const struct nlmsgerr *)NLMSG_DATA(head))->error;
  }
  if (head->nlmsg_type != RTM_NEWLINK || head->nlmsg_len < NLMSG_LENGTH(sizeof(struct ifinfomsg))) return EPROTO;
  const struct ifinfomsg *link = NLMSG_DATA(head);
  state->up = (link->ifi_flags & IFF_UP) != 0;
  size_t left = IFLA_PAYLOAD(head);
  for (const struct rtattr *attr = IFLA_RTA(link); RTA_OK(attr, left); attr = RTA_NEXT(attr, left)) {
    take_attribute(state, attr);
  }
  return 0;
}

/* Returns 0 or errno. */
static int ask(int32_t index, struct state *state) {
  alignas(struct nlmsghdr) char answer[ANSWER_LEN];
  const struct question question = {
      .head = {.nlmsg_len = sizeof question, .nlmsg_type = RTM_GETLINK, .nlmsg_flags = NLM_F_REQUEST},
      .link = {.ifi_family = AF_UNSPEC, .ifi_index = index},
      .mask_attr = {.rta_len = RTA_LENGTH(sizeof question.mask), .rta_type = IFLA_EXT_MASK},
      .mask = RTEXT_FILTER_SKIP_STATS,
  };
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return errno;
  int err = 0;
  ssize_t len = 0;
  if (send(fd, &question, sizeof question, 0) < 0) err = errno;
  /* The kernel has answered before send returns: nothing is waited for. */
  while (err == 0 && (len = recv(fd, answer, sizeof answer, MSG_TRUNC | MSG_DONTWAIT)) < 0) {
    if (errno != EINTR) err = errno;
  }
  close(fd);
  if (err != 0) return err;
  if ((size_t)len > sizeof answer) return EMSGSIZE;
  return take_answer(state, (const struct nlmsghdr *)answer, (size_t)len);
}

static bool put(napi_env env, napi_value object, const char *key, napi_value value) {
  return value != NULL && napi_good(env, napi_set_named_property(env, object, key, value), key);
}

napi_value link_state(napi_env env, napi_callback_info info) {
  napi_value argv[1], result;
  int32_t index;
  struct state state = {.name = ""};
  if (!read_args(env, info, 1, argv) || !read_i32(env, argv[0], "index", &index)) return NULL;
  if (index < 1) return throw_range(env, "\"index\" expected an interface's index");
  const int err = ask(index, &state);
  if (err == ENODEV) return make_null(env);
  if (err != 0) return throw_errno(env, err, "rtnetlink RTM_GETLINK", NULL);
  TRY_NAPI(env, napi_create_object(env, &result));
  return put(env, result, "ifname", make_text(env, state.name)) && put(env, result, "mtu", make_i32(env, state.mtu)) &&
                 put(env, result, "up", make_bool(env, state.up)) &&
                 put(env, result, "master", make_i32(env, state.master))
             ? result
             : NULL;
}

napi_value link_index(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  char name[IFNAMSIZ];
  if (!read_args(env, info, 1, argv) || !read_text(env, argv[0], "ifname", name, sizeof name)) return NULL;
  return make_i32(env, (int32_t)if_nametoindex(name));
}
