/*
 * Locks between processes. A name in the abstract namespace (man 7 unix) belongs to one socket at a time in its network
 * namespace, and is free when its process ends, however that ends. The socket listens, so that another process can ask
 * the kernel who holds it; nobody accepts, so what strangers connect stays a few in the kernel's backlog.
 */
#include "host-lock.h"

#include "args.h"
#include "error.h"
#include "value.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

napi_value lock_fd(napi_env env, napi_callback_info info) {
  napi_value argv[1], locked;
  int32_t fd;
  if (!read_args(env, info, 1, argv) || !read_i32(env, argv[0], "fd", &fd)) return NULL;
  const bool got = flock(fd, LOCK_EX | LOCK_NB) == 0;
  if (!got && errno != EWOULDBLOCK) return throw_errno(env, errno, "flock", NULL);
  TRY_NAPI(env, napi_get_boolean(env, got, &locked));
  return locked;
}

/* Pid and uid of whoever listens at `at`; both stay -1 where the kernel does not say. */
static void ask_holder(const struct sockaddr_un *at, socklen_t at_len, int32_t *holder) {
  struct ucred cred;
  socklen_t len = sizeof cred;
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return;
  if (connect(fd, (const struct sockaddr *)at, at_len) == 0 &&
      getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0) {
    holder[0] = (int32_t)cred.pid;
    holder[1] = (int32_t)cred.uid;
  }
  close(fd);
}

napi_value lock_name(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  void *data;
  size_t count;
  if (!read_args(env, info, 2, argv) || !read_text(env, argv[0], "name", at.sun_path + 1, sizeof at.sun_path - 1) ||
      !read_typed(env, argv[1], "holder", napi_int32_array, &data, &count)) {
    return NULL;
  }
  if (count < 2) return throw_range(env, "\"holder\" expected 2 elements");
  int32_t *holder = data;
  holder[0] = holder[1] = -1;
  const socklen_t at_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(at.sun_path + 1));
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return throw_errno(env, errno, "socket", "AF_UNIX");
  if (bind(fd, (struct sockaddr *)&at, at_len) == 0 && listen(fd, 1) == 0) return make_i32(env, fd);
  const int err = errno;
  close(fd);
  if (err != EADDRINUSE) return throw_errno(env, err, "bind", at.sun_path + 1);
  ask_holder(&at, at_len, holder);
  return make_i32(env, -1);
}
