/* Closing ports, and reading the arguments of their batched calls. */
#include "port.h"
#include "error.h"
#include "value.h"

napi_value close_port(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  void *port;
  if (!read_args(env, info, 1, argv)) return NULL;
  switch (find_handle(env, argv[0], &port)) {
  case HANDLE_TAP:
  case HANDLE_SOCKET:
  case HANDLE_UDP:
    handle_close(env, port);
    return make_undefined(env);
  default:
    throw_expected(env, "port", "an open handle");
    return NULL;
  }
}

bool read_reading(napi_env env, const napi_value *argv, enum handle_kind kind, struct reading *out) {
  if (!read_handle(env, argv[0], kind, "port", &out->port) || !read_frames(env, argv[1], &out->frames) ||
      !read_u32(env, argv[2], "max", &out->max) || !read_u32(env, argv[3], "room", &out->room)) {
    return false;
  }
  const struct frames *f = &out->frames;
  bool inside = out->max <= f->n && out->room <= f->arena_len;
  for (uint32_t i = 0; inside && i < out->max; i++) inside = f->at[i] <= f->arena_len - out->room;
  if (!inside) throw_range(env, "\"max\" and \"room\" expected slots inside the arena");
  return inside;
}

bool read_writing(napi_env env, const napi_value *argv, enum handle_kind kind, struct writing *out) {
  if (!read_handle(env, argv[0], kind, "port", &out->port) || !read_frames(env, argv[1], &out->frames) ||
      !read_u32(env, argv[2], "from", &out->from) || !read_u32(env, argv[3], "count", &out->count) ||
      !read_status(env, argv[4], &out->status)) {
    return false;
  }
  const struct frames *f = &out->frames;
  bool inside = out->count <= f->n;
  for (uint32_t i = out->from; inside && i < out->count; i++) {
    inside = f->verdict[i] != 0 || (f->at[i] <= f->arena_len && f->len[i] <= f->arena_len - f->at[i]);
  }
  if (!inside) throw_range(env, "\"count\" expected frames inside the arena");
  return inside;
}
