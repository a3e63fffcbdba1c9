/* Opening and closing a UDP port. */
#include "udp-port.h"
#include "error.h"

#include <errno.h>
#include <stdlib.h>

static void close_udp_port(napi_env env, struct handle *handle) {
  (void)env;
  struct udp_scratch *s = handle->environment->scratch.udp;
  if (s->owner == (struct udp_port *)handle) s->owner = NULL;
}

napi_value open_udp_port(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int32_t fd;
  void *data;
  if (!read_args(env, info, 1, argv) || !read_i32(env, argv[0], "fd", &fd)) return NULL;
  struct scratch *scratch = &environment_of(env)->scratch;
  if (scratch->udp == NULL) scratch->udp = calloc(1, sizeof *scratch->udp);
  if (scratch->udp == NULL) return throw_errno(env, ENOMEM, "calloc", "UDP port");
  napi_value result = handle_new(env, HANDLE_UDP, sizeof(struct udp_port), close_udp_port, &data);
  if (result == NULL) return NULL;
  struct udp_port *udp = data;
  udp->port.fd = fd;
  /* Kernels before 5.0 lack it; datagrams then come one by one. */
  const int on = 1;
  (void)!setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on);
  /* Whether the socket layer knows trains at all; whether the device does, the first send says. */
  int segment = 0;
  socklen_t len = sizeof segment;
  udp->gso = getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, &len) == 0;
  return result;
}
