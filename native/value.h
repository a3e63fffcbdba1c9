/* What functions return. NULL: an exception is pending. */
#ifndef L2VPND_VALUE_H
#define L2VPND_VALUE_H

#include <node_api.h>
#include <stdbool.h>
#include <stdint.h>

napi_value make_i32(napi_env env, int32_t value);
napi_value make_u32(napi_env env, uint32_t value);
napi_value make_bool(napi_env env, bool value);
napi_value make_undefined(napi_env env);
napi_value make_null(napi_env env);
napi_value make_text(napi_env env, const char *text);

#endif
