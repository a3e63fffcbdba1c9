/*
 * One request to the kernel by rtnetlink (man 7 rtnetlink) and its answer, as octets: who asks writes the one and reads the
 * other (src/host/rtnetlink.ts).
 */
#include "rtnetlink.h"
#include "args.h"
#include "error.h"
#include "value.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdalign.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A link without statistics and virtual functions is one or two KB. */
#define ANSWER_LEN 16384

/* Returns 0 or errno; `*len` octets of the first answer are in `answer`. */
static int ask(const struct span *request, char *answer, size_t *len) {
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return errno;
  int err = send(fd, request->data, request->len, 0) < 0 ? errno : 0;
  ssize_t got = 0;
  /* The kernel has answered before send returns: nothing is waited for. */
  while (err == 0 && (got = recv(fd, answer, ANSWER_LEN, MSG_TRUNC | MSG_DONTWAIT)) < 0) {
    if (errno != EINTR) err = errno;
  }
  close(fd);
  if (err == 0 && got > ANSWER_LEN) err = EMSGSIZE;
  *len = err == 0 ? (size_t)got : 0;
  return err;
}

/* What the kernel refuses is an answer of type NLMSG_ERROR with an errno. */
static int refusal(const char *answer, size_t len) {
  struct nlmsghdr head;
  struct nlmsgerr result;
  if (len < sizeof head) return EPROTO;
  memcpy(&head, answer, sizeof head);
  if (head.nlmsg_len < sizeof head || head.nlmsg_len > len) return EPROTO;
  if (head.nlmsg_type != NLMSG_ERROR) return 0;
  if (len < NLMSG_HDRLEN + sizeof result) return EPROTO;
  memcpy(&result, answer + NLMSG_HDRLEN, sizeof result);
  return -result.error;
}

napi_value rtnetlink(napi_env env, napi_callback_info info) {
  alignas(struct nlmsghdr) char answer[ANSWER_LEN];
  napi_value argv[2], result;
  struct span request;
  char what[NAME_MAX_LEN];
  size_t len = 0;
  if (!read_args(env, info, 2, argv) || !read_span(env, argv[0], "request", &request) ||
      !read_text(env, argv[1], "what", what, sizeof what)) {
    return NULL;
  }
  if (request.len < NLMSG_HDRLEN) return throw_range(env, "\"request\" expected a netlink message");
  int err = ask(&request, answer, &len);
  if (err == 0) err = refusal(answer, len);
  if (err != 0) return throw_errno(env, err, "rtnetlink", what);
  TRY_NAPI(env, napi_create_buffer_copy(env, len, answer, NULL, &result));
  return result;
}
