/* Opening and closing ports, and reading the arguments of their batched calls. */
#include "port.h"

#include <errno.h>
#include <stdlib.h>

static void close_scratch(struct port *port) {
  free(port->scratch);
  port->scratch = NULL;
  port->magic = 0;
}

static void free_port(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  close_scratch(data);
  free(data);
}

napi_value port_open(napi_env env, int32_t fd, uint32_t magic, size_t scratch_size, struct port **out) {
  napi_value result;
  struct port *port = calloc(1, sizeof *port);
  if (port != NULL) port->scratch = calloc(1, scratch_size);
  if (port == NULL || port->scratch == NULL) {
    free(port);
    return throw_errno(env, ENOMEM, "calloc", "port");
  }
  port->magic = magic;
  port->fd = fd;
  if (!napi_good(env, napi_create_external(env, port, free_port, NULL, &result), "napi_create_external")) {
    free_port(env, port, NULL);
    return NULL;
  }
  *out = port;
  return result;
}

napi_value close_port(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  void *data = NULL;
  if (!read_args(env, info, 1, argv)) return NULL;
  if (napi_get_value_external(env, argv[0], &data) != napi_ok || data == NULL) {
    return throw_type(env, "\"port\" expected an open handle");
  }
  const uint32_t magic = *(uint32_t *)data;
  if (magic != PORT_TAP && magic != PORT_SOCKET && magic != PORT_UDP) {
    return throw_type(env, "\"port\" expected an open handle");
  }
  close_scratch(data);
  return make_undefined(env);
}

bool read_reading(napi_env env, const napi_value *argv, uint32_t magic, struct reading *out) {
  void *port;
  if (!read_handle(env, argv[0], magic, "port", &port) || !read_frames(env, argv[1], &out->frames) ||
      !read_u32(env, argv[2], "max", &out->max) || !read_u32(env, argv[3], "room", &out->room)) {
    return false;
  }
  out->port = port;
  const struct frames *f = &out->frames;
  bool inside = out->max <= f->n && out->room <= f->arena_len;
  for (uint32_t i = 0; inside && i < out->max; i++) inside = f->at[i] <= f->arena_len - out->room;
  if (!inside) throw_range(env, "\"max\" and \"room\" expected slots inside the arena");
  return inside;
}

bool read_writing(napi_env env, const napi_value *argv, uint32_t magic, struct writing *out) {
  void *port;
  if (!read_handle(env, argv[0], magic, "port", &port) || !read_frames(env, argv[1], &out->frames) ||
      !read_u32(env, argv[2], "from", &out->from) || !read_u32(env, argv[3], "count", &out->count) ||
      !read_status(env, argv[4], &out->status)) {
    return false;
  }
  out->port = port;
  const struct frames *f = &out->frames;
  bool inside = out->count <= f->n;
  for (uint32_t i = out->from; inside && i < out->count; i++) {
    inside = f->verdict[i] != 0 || (f->at[i] <= f->arena_len && f->len[i] <= f->arena_len - f->at[i]);
  }
  if (!inside) throw_range(env, "\"count\" expected frames inside the arena");
  return inside;
}
