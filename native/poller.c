/* Waiting for many descriptors: epoll(7), level-triggered. What is ready comes back as pairs of numbers. And poll(2) for one. */
#include "poller.h"
#include "args.h"
#include "error.h"
#include "value.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>

napi_value open_epoll(napi_env env, napi_callback_info info) {
  (void)info;
  const int fd = epoll_create1(EPOLL_CLOEXEC);
  return fd < 0 ? throw_errno(env, errno, "epoll_create1", NULL) : make_i32(env, fd);
}

/* 0 takes `fd` out; one that was closed meanwhile is out already. */
static int set_interest(int epoll, int fd, uint32_t events) {
  struct epoll_event event = {.events = events, .data.fd = fd};
  if (events == 0) {
    if (epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL) == 0 || errno == ENOENT || errno == EBADF) return 0;
    return errno;
  }
  if (epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event) == 0) return 0;
  if (errno != ENOENT) return errno;
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : errno;
}

napi_value epoll_set(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  int32_t epoll, fd;
  uint32_t events;
  if (!read_args(env, info, 3, argv) || !read_i32(env, argv[0], "epoll", &epoll) ||
      !read_i32(env, argv[1], "fd", &fd) || !read_u32(env, argv[2], "events", &events)) {
    return NULL;
  }
  const int err = set_interest(epoll, fd, events);
  return err != 0 ? throw_errno(env, err, "epoll_ctl", NULL) : make_undefined(env);
}

/* HOT PATH: once per turn of a worker's loop. */
napi_value epoll_ready(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  void *data;
  size_t len;
  int32_t epoll, timeout_ms;
  if (!read_args(env, info, 3, argv) || !read_i32(env, argv[0], "epoll", &epoll) ||
      !read_typed(env, argv[1], "ready", napi_int32_array, &data, &len) ||
      !read_i32(env, argv[2], "timeoutMs", &timeout_ms)) {
    return NULL;
  }
  if (len < 2) return throw_range(env, "\"ready\" expected room for a descriptor and its events");
  int32_t *ready = data;
  struct epoll_event events[READY_MAX];
  const size_t room = len / 2 < READY_MAX ? len / 2 : READY_MAX;
  const int n = epoll_wait(epoll, events, (int)room, timeout_ms);
  if (n < 0 && errno != EINTR) return throw_errno(env, errno, "epoll_wait", NULL);
  for (int i = 0; i < n; i++) {
    ready[2 * i] = events[i].data.fd;
    ready[2 * i + 1] = (int32_t)events[i].events;
  }
  return make_i32(env, n < 0 ? 0 : n);
}

napi_value wait_for(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  int32_t fd, events, timeout_ms;
  if (!read_args(env, info, 3, argv) || !read_i32(env, argv[0], "fd", &fd) ||
      !read_i32(env, argv[1], "events", &events) || !read_i32(env, argv[2], "timeoutMs", &timeout_ms)) {
    return NULL;
  }
  struct pollfd set = {.fd = fd, .events = (short)events};
  const int ready = poll(&set, 1, timeout_ms);
  if (ready < 0 && errno != EINTR) return throw_errno(env, errno, "poll", NULL);
  return make_bool(env, ready > 0);
}
