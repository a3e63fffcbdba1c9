/* Throwing. What throws returns NULL or false, so that its caller can return that. */
#ifndef L2VPND_ERROR_H
#define L2VPND_ERROR_H

#include <node_api.h>
#include <stdbool.h>

/* Throws a SystemError: message "<what> [<subject>]: <strerror>", code, errno, syscall. Returns NULL. */
napi_value throw_errno(napi_env env, int err, const char *syscall_name, const char *subject);
napi_value throw_type(napi_env env, const char *what);
napi_value throw_range(napi_env env, const char *what);
/* A TypeError: "<name>" expected <type>. Returns false. */
bool throw_expected(napi_env env, const char *name, const char *type);
/* False (and an exception is pending) unless `status` is napi_ok. */
bool napi_good(napi_env env, napi_status status, const char *what);

#define TRY_NAPI(env, call)                                                                                            \
  do {                                                                                                                 \
    if (!napi_good((env), (call), #call)) return NULL;                                                                 \
  } while (0)

#endif
