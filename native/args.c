/* Reading arguments. Each reader checks the type, and throws a TypeError that names the argument. */
#include "addon.h"

#include <stdio.h>
#include <string.h>

static bool expected(napi_env env, const char *name, const char *type) {
  char text[NAME_MAX_LEN];
  snprintf(text, sizeof text, "\"%s\" expected %s", name, type);
  throw_type(env, text);
  return false;
}

bool read_args(napi_env env, napi_callback_info info, size_t want, napi_value *argv) {
  size_t argc = want;
  if (!napi_good(env, napi_get_cb_info(env, info, &argc, argv, NULL, NULL), "napi_get_cb_info")) return false;
  if (argc >= want) return true;
  throw_type(env, "too few arguments");
  return false;
}

bool read_i32(napi_env env, napi_value value, const char *name, int32_t *out) {
  return napi_get_value_int32(env, value, out) == napi_ok || expected(env, name, "a number");
}

bool read_u32(napi_env env, napi_value value, const char *name, uint32_t *out) {
  return napi_get_value_uint32(env, value, out) == napi_ok || expected(env, name, "a number");
}

bool read_bool(napi_env env, napi_value value, const char *name, bool *out) {
  return napi_get_value_bool(env, value, out) == napi_ok || expected(env, name, "a boolean");
}

bool read_text(napi_env env, napi_value value, const char *name, char *out, size_t size) {
  size_t len = 0;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &len) != napi_ok) return expected(env, name, "a string");
  if (len >= size) return expected(env, name, "a shorter string");
  if (napi_get_value_string_utf8(env, value, out, size, &len) != napi_ok) return expected(env, name, "a string");
  return strlen(out) == len || expected(env, name, "a string without NUL");
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
    return expected(env, name, type_name(type));
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
  return napi_get_named_property(env, object, name, out) == napi_ok || expected(env, name, "an object around it");
}

static bool read_member_typed(napi_env env, napi_value object, const char *name, napi_typedarray_type type,
                              void *data, size_t *shortest) {
  napi_value member;
  size_t count;
  if (!read_member(env, object, name, &member)) return false;
  if (!read_typed(env, member, name, type, data, &count)) return false;
  if (count < *shortest) *shortest = count;
  return true;
}

bool read_frames(napi_env env, napi_value value, struct frames *out) {
  const struct bound *bound = get_bound(env, value, BOUND_FRAMES);
  if (bound != NULL) {
    *out = bound->frames;
    return true;
  }
  napi_value arena;
  struct span slab;
  out->n = SIZE_MAX;
  if (!read_member(env, value, "arena", &arena) || !read_span(env, arena, "arena", &slab)) return false;
  out->arena = slab.data;
  out->arena_len = slab.len;
  return read_member_typed(env, value, "at", napi_uint32_array, &out->at, &out->n) &&
         read_member_typed(env, value, "len", napi_uint32_array, &out->len, &out->n) &&
         read_member_typed(env, value, "verdict", napi_uint8_array, &out->verdict, &out->n);
}

static bool read_member_span(napi_env env, napi_value object, const char *name, struct span *out) {
  napi_value member;
  return read_member(env, object, name, &member) && read_span(env, member, name, out);
}

#define IV_LEN 12

bool read_job_arrays(napi_env env, napi_value value, struct job_arrays *out) {
  const struct bound *bound = get_bound(env, value, BOUND_JOB);
  if (bound != NULL) {
    *out = bound->job;
    return true;
  }
  out->n = SIZE_MAX;
  if (!read_member_span(env, value, "arena", &out->arena) ||
      !read_member_typed(env, value, "at", napi_uint32_array, &out->at, &out->n) ||
      !read_member_typed(env, value, "aadLen", napi_uint32_array, &out->aad_len, &out->n) ||
      !read_member_typed(env, value, "textLen", napi_uint32_array, &out->text_len, &out->n) ||
      !read_member_span(env, value, "iv", &out->iv) || !read_member_span(env, value, "slot", &out->slot) ||
      !read_member_span(env, value, "ok", &out->ok)) {
    return false;
  }
  const size_t shortest[] = {out->iv.len / IV_LEN, out->slot.len, out->ok.len};
  for (size_t i = 0; i < sizeof shortest / sizeof *shortest; i++) {
    if (shortest[i] < out->n) out->n = shortest[i];
  }
  return true;
}

bool read_status(napi_env env, napi_value value, int32_t **out) {
  void *data;
  size_t count;
  if (!read_typed(env, value, "status", napi_int32_array, &data, &count)) return false;
  if (count == 0) return expected(env, "status", "an Int32Array of at least one element");
  *out = data;
  return true;
}

bool read_handle(napi_env env, napi_value value, uint32_t magic, const char *name, void **out) {
  void *data = NULL;
  if (napi_get_value_external(env, value, &data) != napi_ok || data == NULL || *(uint32_t *)data != magic) {
    return expected(env, name, "an open handle");
  }
  *out = data;
  return true;
}

napi_value make_i32(napi_env env, int32_t value) {
  napi_value result;
  TRY_NAPI(env, napi_create_int32(env, value, &result));
  return result;
}

napi_value make_bool(napi_env env, bool value) {
  napi_value result;
  TRY_NAPI(env, napi_get_boolean(env, value, &result));
  return result;
}

napi_value make_undefined(napi_env env) {
  napi_value result;
  TRY_NAPI(env, napi_get_undefined(env, &result));
  return result;
}
