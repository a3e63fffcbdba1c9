/*
 * Reading arguments; each reader returns false with an exception pending. Nothing that belongs to JavaScript
 * outlives the call that brought it: a span points into a typed array's memory and is dead when its function
 * returns.
 */
#ifndef L2VPND_ARGS_H
#define L2VPND_ARGS_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Octets of a Uint8Array (or Buffer). Dead when the function returns. */
struct span {
  uint8_t *data;
  size_t len;
};

/* Of an address or another name, its NUL included. */
#define NAME_MAX_LEN 256

bool read_args(napi_env env, napi_callback_info info, size_t want, napi_value *argv);
bool read_i32(napi_env env, napi_value value, const char *name, int32_t *out);
bool read_u32(napi_env env, napi_value value, const char *name, uint32_t *out);
bool read_bool(napi_env env, napi_value value, const char *name, bool *out);
/* `size` counts the NUL; a longer string, or one with a NUL in it, is refused. */
bool read_text(napi_env env, napi_value value, const char *name, char *out, size_t size);
/* A typed array of exactly `type`; `count` in elements. */
bool read_typed(napi_env env, napi_value value, const char *name, napi_typedarray_type type, void **data,
                size_t *count);
bool read_span(napi_env env, napi_value value, const char *name, struct span *out);
bool read_member(napi_env env, napi_value object, const char *name, napi_value *out);
/* status: an Int32Array of at least one element. */
bool read_status(napi_env env, napi_value value, int32_t **out);

#endif
