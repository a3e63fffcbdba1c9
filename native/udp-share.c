/*
 * Sockets that share one local UDP port: a datagram goes to the socket that is connected to its sender, which the kernel
 * scores higher than one that is connected to nobody (man 7 udp; `udp4_lib_lookup`).
 */
#include "udp-share.h"
#include "args.h"
#include "endpoint.h"
#include "error.h"
#include "value.h"

#include <errno.h>
#include <sys/socket.h>

napi_value set_reuse_port(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int32_t fd;
  bool on;
  if (!read_args(env, info, 2, argv) || !read_i32(env, argv[0], "fd", &fd) || !read_bool(env, argv[1], "on", &on)) {
    return NULL;
  }
  const int value = on;
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &value, sizeof value) != 0) {
    return throw_errno(env, errno, "setsockopt SO_REUSEPORT", NULL);
  }
  return make_undefined(env);
}

/*
 * A socket that is connected already changes its peer in one step: it hears the one or the other, never everybody. It cannot
 * be made to hear everybody again: an IPv6 socket that was disconnected goes on to hear its last peer alone (Linux 6.18).
 */
napi_value connect_udp(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int32_t fd;
  uint8_t *endpoint;
  struct sockaddr_storage to;
  socklen_t to_len;
  if (!read_args(env, info, 2, argv) || !read_i32(env, argv[0], "fd", &fd) || !read_endpoint(env, argv[1], &endpoint)) {
    return NULL;
  }
  if (!endpoint_load(endpoint, &to, &to_len)) return throw_range(env, "\"endpoint\" expected a known peer");
  if (connect(fd, (const struct sockaddr *)&to, to_len) != 0) return throw_errno(env, errno, "connect", NULL);
  return make_undefined(env);
}
