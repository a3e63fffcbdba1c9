/* Reading arguments. Each reader checks the type, and throws a TypeError that names the argument. */
#include "args.h"
#include "error.h"

#include <string.h>

bool read_args(napi_env env, napi_callback_info info, size_t want, napi_value *argv) {
  size_t argc = want;
  if (!napi_good(env, napi_get_cb_info(env, info, &argc, argv, NULL, NULL), "napi_get_cb_info")) return false;
  if (argc >= want) return true;
  throw_type(env, "too few arguments");
  return false;
}

bool read_i32(napi_env env, napi_value value, const char *name, int32_t *out) {
  return napi_get_value_int32(env, value, out) == napi_ok || throw_expected(env, name, "a number");
}

bool read_u32(napi_env env, napi_value value, const char *name, uint32_t *out) {
  return napi_get_value_uint32(env, value, out) == napi_ok || throw_expected(env, name, "a number");
}

bool read_bool(napi_env env, napi_value value, const char *name, bool *out) {
  return napi_get_value_bool(env, value, out) == napi_ok || throw_expected(env, name, "a boolean");
}

bool read_text(napi_env env, napi_value value, const char *name, char *out, size_t size) {
  size_t len = 0;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &len) != napi_ok) return throw_expected(env, name, "a string");
  if (len >= size) return throw_expected(env, name, "a shorter string");
  if (napi_get_value_string_utf8(env, value, out, size, &len) != napi_ok) return throw_expected(env, name, "a string");
  return strlen(out) == len || throw_expected(env, name, "a string without NUL");
}

static const char *type_name(napi_typedarray_type type) {
  switch (type) {
  case napi_uint8_array:
    return "a Uint8Array";
  case napi_int16_array:
    return "an Int16Array";
  case napi_int32_array:
    return "an Int32Array";
  case napi_uint32_array:
    return "a Uint32Array";
  default:
    return "a typed array";
  }
}

bool read_typed(napi_env env, napi_value value, const char *name, napi_typedarray_type type, void **data,
                size_t *count) {
  napi_typedarray_type actual;
  if (napi_get_typedarray_info(env, value, &actual, count, data, NULL, NULL) != napi_ok || actual != type) {
    return throw_expected(env, name, type_name(type));
  }
  return true;
}

bool read_span(napi_env env, napi_value value, const char *name, struct span *out) {
  void *data;
  if (!read_typed(env, value, name, napi_uint8_array, &data, &out->len)) return false;
  out->data = data;
  return true;
}

bool read_member(napi_env env, napi_value object, const char *name, napi_value *out) {
  return napi_get_named_property(env, object, name, out) == napi_ok || throw_expected(env, name, "an object around it");
}

bool read_status(napi_env env, napi_value value, int32_t **out) {
  void *data;
  size_t count;
  if (!read_typed(env, value, "status", napi_int32_array, &data, &count)) return false;
  if (count == 0) return throw_expected(env, "status", "an Int32Array of at least one element");
  *out = data;
  return true;
}
