/* Reading an object of arrays: a property and a typed array at a time. */
#include "arrays.h"

static bool read_member_span(napi_env env, napi_value object, const char *name, struct span *out) {
  napi_value member;
  return read_member(env, object, name, &member) && read_span(env, member, name, out);
}

/* Lowers `*shortest` to the array's length. */
static bool read_member_typed(napi_env env, napi_value object, const char *name, napi_typedarray_type type, void *data,
                              size_t *shortest) {
  napi_value member;
  size_t count;
  if (!read_member(env, object, name, &member)) return false;
  if (!read_typed(env, member, name, type, data, &count)) return false;
  if (count < *shortest) *shortest = count;
  return true;
}

/* As `read_member_typed`; NULL where the object has no such member. */
static bool read_optional_octets(napi_env env, napi_value object, const char *name, uint8_t **out, size_t *shortest) {
  bool has;
  *out = NULL;
  if (napi_has_named_property(env, object, name, &has) != napi_ok || !has) return true;
  return read_member_typed(env, object, name, napi_uint8_array, out, shortest);
}

bool read_frame_arrays(napi_env env, napi_value object, struct frames *out) {
  struct span arena;
  out->n = SIZE_MAX;
  if (!read_member_span(env, object, "arena", &arena)) return false;
  out->arena = arena.data;
  out->arena_len = arena.len;
  return read_member_typed(env, object, "at", napi_uint32_array, &out->at, &out->n) &&
         read_member_typed(env, object, "len", napi_uint32_array, &out->len, &out->n) &&
         read_member_typed(env, object, "verdict", napi_uint8_array, &out->verdict, &out->n) &&
         read_optional_octets(env, object, "tos", &out->tos, &out->n);
}

bool read_job_arrays(napi_env env, napi_value object, struct job_arrays *out) {
  out->n = SIZE_MAX;
  if (!read_member_span(env, object, "arena", &out->arena) ||
      !read_member_typed(env, object, "at", napi_uint32_array, &out->at, &out->n) ||
      !read_member_typed(env, object, "aadLen", napi_uint32_array, &out->aad_len, &out->n) ||
      !read_member_typed(env, object, "textLen", napi_uint32_array, &out->text_len, &out->n) ||
      !read_member_span(env, object, "iv", &out->iv) || !read_member_span(env, object, "slot", &out->slot) ||
      !read_member_span(env, object, "ok", &out->ok)) {
    return false;
  }
  const size_t shortest[] = {out->iv.len / IV_LEN, out->slot.len, out->ok.len};
  for (size_t i = 0; i < sizeof shortest / sizeof *shortest; i++) {
    if (shortest[i] < out->n) out->n = shortest[i];
  }
  return true;
}
