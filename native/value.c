/* Making the few kinds of values that functions return. */
#include "value.h"
#include "error.h"

napi_value make_i32(napi_env env, int32_t value) {
  napi_value result;
  TRY_NAPI(env, napi_create_int32(env, value, &result));
  return result;
}

napi_value make_u32(napi_env env, uint32_t value) {
  napi_value result;
  TRY_NAPI(env, napi_create_uint32(env, value, &result));
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

napi_value make_null(napi_env env) {
  napi_value result;
  TRY_NAPI(env, napi_get_null(env, &result));
  return result;
}

napi_value make_text(napi_env env, const char *text) {
  napi_value result;
  TRY_NAPI(env, napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &result));
  return result;
}
