/* The process: an exclusive lock, no core dumps, and word to the service manager. */
#include "process.h"
#include "args.h"
#include "error.h"
#include "fd-message.h"
#include "value.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <unistd.h>

napi_value close_fd(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int32_t fd;
  if (!read_args(env, info, 1, argv) || !read_i32(env, argv[0], "fd", &fd)) return NULL;
  /* After EINTR Linux has closed it all the same (man 2 close). */
  if (close(fd) != 0 && errno != EINTR) return throw_errno(env, errno, "close", NULL);
  return make_undefined(env);
}

/* No mlockall: V8 gives pages back by madvise(MADV_DONTNEED), which locked memory refuses, and aborts on that. */
napi_value harden_process(napi_env env, napi_callback_info info) {
  (void)info;
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return throw_errno(env, errno, "prctl PR_SET_DUMPABLE", NULL);
  const struct rlimit none = {0, 0};
  if (setrlimit(RLIMIT_CORE, &none) != 0) return throw_errno(env, errno, "setrlimit RLIMIT_CORE", NULL);
  return make_undefined(env);
}

/* The protocol of sd_notify(3): one datagram, with descriptors beside it; `@name` is a socket in the abstract namespace. */
napi_value notify_socket(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  char text[1024];
  void *fds;
  size_t count;
  if (!read_args(env, info, 3, argv) || !read_text(env, argv[0], "path", to.sun_path, sizeof to.sun_path) ||
      !read_text(env, argv[1], "text", text, sizeof text) ||
      !read_typed(env, argv[2], "fds", napi_int32_array, &fds, &count)) {
    return NULL;
  }
  if (count > MESSAGE_FDS_MAX) return throw_range(env, "\"fds\" expected 250 elements at most");
  const size_t path_len = strlen(to.sun_path);
  const bool abstract = to.sun_path[0] == '@';
  if (abstract) to.sun_path[0] = '\0';
  const socklen_t to_len = offsetof(struct sockaddr_un, sun_path) + path_len + (abstract ? 0 : 1);
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return throw_errno(env, errno, "socket", "AF_UNIX");
  /* A manager that does not read its queue is not waited for any longer than this. */
  const struct timeval patience = {.tv_usec = 500000};
  (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  struct fd_message message;
  fd_message_to_send(&message, text, strlen(text), fds, count);
  message.header.msg_name = &to;
  message.header.msg_namelen = to_len;
  const ssize_t sent = sendmsg(fd, &message.header, MSG_NOSIGNAL);
  const int err = errno;
  close(fd);
  return sent < 0 ? throw_errno(env, err, "sendmsg", "the service manager") : make_undefined(env);
}

/* man 2 adjtimex: nothing is adjusted where no mode is set, and that needs no capability. */
napi_value clock_is_synchronised(napi_env env, napi_callback_info info) {
  (void)info;
  struct timex asked = {.modes = 0};
  const int state = adjtimex(&asked);
  if (state < 0) return throw_errno(env, errno, "adjtimex", NULL);
  return make_bool(env, state != TIME_ERROR && (asked.status & STA_UNSYNC) == 0);
}

/* exit(3) joins libuv's threads, and a thread that waits in a write to a full pipe never ends. */
napi_value exit_now(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int32_t status;
  if (!read_args(env, info, 1, argv) || !read_i32(env, argv[0], "status", &status)) return NULL;
  _exit(status);
}
