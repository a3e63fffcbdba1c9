/*
 * An object's memory stays until its external is collected, so that no new object can come to lie at the address
 * that a closed handle still names.
 */
#include "handle.h"
#include "error.h"

#include <errno.h>
#include <stdlib.h>

void handle_close(napi_env env, struct handle *handle) {
  handle_table_remove(&handle->environment->handles, handle);
  if (handle->close != NULL) handle->close(env, handle);
}

static void free_handle(napi_env env, void *data, void *hint) {
  (void)hint;
  struct handle *handle = data;
  struct environment *environment = handle->environment;
  if (handle_table_find(&environment->handles, handle) != HANDLE_NONE) handle_close(env, handle);
  free(handle);
  environment_release(environment);
}

napi_value handle_new(napi_env env, enum handle_kind kind, size_t size,
                      void (*close)(napi_env env, struct handle *handle), void **out) {
  struct environment *environment = environment_of(env);
  napi_value result;
  struct handle *handle = calloc(1, size);
  if (handle == NULL || !handle_table_put(&environment->handles, handle, kind)) {
    free(handle);
    return throw_errno(env, ENOMEM, "calloc", "handle");
  }
  handle->environment = environment;
  handle->close = close;
  environment_hold(environment);
  if (!napi_good(env, napi_create_external(env, handle, free_handle, NULL, &result), "napi_create_external")) {
    free_handle(env, handle, NULL);
    return NULL;
  }
  *out = handle;
  return result;
}

enum handle_kind find_handle(napi_env env, napi_value value, void **out) {
  if (napi_get_value_external(env, value, out) != napi_ok) return HANDLE_NONE;
  return handle_table_find(&environment_of(env)->handles, *out);
}

bool read_handle(napi_env env, napi_value value, enum handle_kind kind, const char *name, void **out) {
  return find_handle(env, value, out) == kind || throw_expected(env, name, "an open handle");
}
