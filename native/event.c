/* Waking a worker from another thread: eventfd(2); and a pair of sockets that stands for a device. */
#include "event.h"
#include "args.h"
#include "error.h"
#include "value.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

napi_value open_event(napi_env env, napi_callback_info info) {
  (void)info;
  const int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return fd < 0 ? throw_errno(env, errno, "eventfd", NULL) : make_i32(env, fd);
}

/* SOCK_SEQPACKET keeps the borders of what is written, as a TAP does. */
napi_value open_pair(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  void *data;
  size_t count;
  if (!read_args(env, info, 1, argv) || !read_typed(env, argv[0], "fds", napi_int32_array, &data, &count)) return NULL;
  if (count < 2) return throw_range(env, "\"fds\" expected two elements");
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0) {
    return throw_errno(env, errno, "socketpair", NULL);
  }
  ((int32_t *)data)[0] = fds[0];
  ((int32_t *)data)[1] = fds[1];
  return make_undefined(env);
}

napi_value signal_event(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int32_t fd;
  if (!read_args(env, info, 1, argv) || !read_i32(env, argv[0], "fd", &fd)) return NULL;
  const uint64_t one = 1;
  ssize_t n;
  do n = write(fd, &one, sizeof one);
  while (n < 0 && errno == EINTR);
  /* EAGAIN: the count is at its limit, so whoever polls is awake already. */
  if (n < 0 && errno != EAGAIN) return throw_errno(env, errno, "write", "eventfd");
  return make_undefined(env);
}

napi_value clear_event(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int32_t fd;
  if (!read_args(env, info, 1, argv) || !read_i32(env, argv[0], "fd", &fd)) return NULL;
  uint64_t count;
  ssize_t n;
  do n = read(fd, &count, sizeof count);
  while (n < 0 && errno == EINTR);
  if (n < 0 && errno != EAGAIN) return throw_errno(env, errno, "read", "eventfd");
  return make_bool(env, n > 0);
}
