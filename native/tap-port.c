/*
 * Opening and closing a TAP port, and who has which super. There is one per environment, and another one for each
 * port that carries something over to its next call.
 */
#include "tap-port.h"
#include "error.h"
#include "value.h"

#include <errno.h>
#include <stdlib.h>

bool tap_borrow(struct tap_port *tap) {
  if (tap->super != NULL) return true;
  struct scratch *scratch = &tap->port.handle.environment->scratch;
  tap->super = scratch->super;
  scratch->super = NULL;
  if (tap->super == NULL) tap->super = calloc(1, sizeof *tap->super);
  return tap->super != NULL;
}

/* One spare is enough, since one port at a time is read. */
static void give_back(struct tap_port *tap) {
  struct scratch *scratch = &tap->port.handle.environment->scratch;
  if (scratch->super == NULL) scratch->super = tap->super;
  else free(tap->super);
  tap->super = NULL;
}

void tap_return(struct tap_port *tap) {
  if (tap->super->cut.left == 0) give_back(tap);
}

static void close_tap_port(napi_env env, struct handle *handle) {
  (void)env;
  struct tap_port *tap = (struct tap_port *)handle;
  if (tap->super == NULL) return;
  tap->super->cut.left = 0;
  give_back(tap);
}

/* So that no call needs memory but where ports carry. */
static bool reserve(struct scratch *scratch) {
  if (scratch->train == NULL) scratch->train = calloc(1, sizeof *scratch->train);
  if (scratch->super == NULL) scratch->super = calloc(1, sizeof *scratch->super);
  return scratch->train != NULL && scratch->super != NULL;
}

napi_value open_tap_port(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  int32_t fd;
  uint32_t join, mtu;
  void *data;
  if (!read_args(env, info, 3, argv) || !read_i32(env, argv[0], "fd", &fd) || !read_u32(env, argv[1], "join", &join) ||
      !read_u32(env, argv[2], "mtu", &mtu)) {
    return NULL;
  }
  if (!reserve(&environment_of(env)->scratch)) return throw_errno(env, ENOMEM, "calloc", "TAP port");
  napi_value result = handle_new(env, HANDLE_TAP, sizeof(struct tap_port), close_tap_port, &data);
  if (result == NULL) return NULL;
  struct tap_port *tap = data;
  tap->port.fd = fd;
  tap->join_tcp = (join & JOIN_TCP) != 0;
  tap->join_udp = (join & JOIN_UDP) != 0;
  tap->mtu = mtu;
  return result;
}

napi_value rest_tap_port(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  void *data;
  if (!read_args(env, info, 1, argv) || !read_handle(env, argv[0], HANDLE_TAP, "port", &data)) return NULL;
  ((struct tap_port *)data)->resting = true;
  return make_undefined(env);
}
