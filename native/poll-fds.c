/* poll(2) over parallel arrays. */
#include "poll-fds.h"
#include "args.h"
#include "error.h"
#include "value.h"

#include <errno.h>
#include <poll.h>

#define POLL_MAX 256

/* HOT PATH: once per turn of a worker's loop. */
napi_value poll_fds(napi_env env, napi_callback_info info) {
  napi_value argv[5];
  void *fds, *events, *revents;
  size_t fds_len, events_len, revents_len;
  uint32_t count;
  int32_t timeout_ms;
  if (!read_args(env, info, 5, argv) || !read_typed(env, argv[0], "fds", napi_int32_array, &fds, &fds_len) ||
      !read_typed(env, argv[1], "events", napi_int16_array, &events, &events_len) ||
      !read_typed(env, argv[2], "revents", napi_int16_array, &revents, &revents_len) ||
      !read_u32(env, argv[3], "count", &count) || !read_i32(env, argv[4], "timeoutMs", &timeout_ms)) {
    return NULL;
  }
  if (count > fds_len || count > events_len || count > revents_len || count > POLL_MAX) {
    return throw_range(env, "\"count\" expected at most the length of the arrays, and 256");
  }
  struct pollfd set[POLL_MAX];
  for (uint32_t i = 0; i < count; i++) {
    set[i] = (struct pollfd){.fd = ((int32_t *)fds)[i], .events = ((int16_t *)events)[i]};
  }
  const int ready = poll(set, count, timeout_ms);
  if (ready < 0 && errno != EINTR) return throw_errno(env, errno, "poll", NULL);
  for (uint32_t i = 0; i < count; i++) ((int16_t *)revents)[i] = ready < 0 ? 0 : set[i].revents;
  return make_i32(env, ready < 0 ? 0 : ready);
}
