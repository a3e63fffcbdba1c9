/*
 * Telling the event loop's thread that a descriptor can be read: a libuv poll handle, which Node-API has none for. Armed,
 * it calls back once; what is not read then waits in the kernel until it is armed again.
 */
#include "readable.h"
#include "args.h"
#include "error.h"
#include "handle.h"
#include "value.h"

#include <errno.h>
#include <stdlib.h>
#include <uv.h>

/* libuv frees nothing itself and is done with a handle a turn after uv_close: it outlives the object that JavaScript holds. */
struct poll {
  uv_poll_t uv;
  napi_env env;
  napi_ref callback;
  napi_async_context context;
};

struct readable {
  struct handle handle;
  struct poll *poll;
};

static void free_poll(uv_handle_t *uv) { free(uv->data); }

static void close_readable(napi_env env, struct handle *handle) {
  struct poll *poll = ((struct readable *)handle)->poll;
  ((struct readable *)handle)->poll = NULL;
  if (poll == NULL) return;
  (void)!napi_delete_reference(env, poll->callback);
  (void)!napi_async_destroy(env, poll->context);
  uv_close((uv_handle_t *)&poll->uv, free_poll);
}

/* An exception of the callback goes the way of any other that nobody catches. */
static void call_back(uv_poll_t *uv, int status, int events) {
  (void)status;
  (void)events;
  struct poll *poll = uv->data;
  napi_handle_scope scope;
  napi_value callback, global;
  uv_poll_stop(uv);
  if (napi_open_handle_scope(poll->env, &scope) != napi_ok) return;
  if (napi_get_reference_value(poll->env, poll->callback, &callback) == napi_ok &&
      napi_get_global(poll->env, &global) == napi_ok) {
    napi_value thrown;
    const napi_env env = poll->env;
    const napi_status called = napi_make_callback(env, poll->context, global, callback, 0, NULL, NULL);
    if (called == napi_pending_exception && napi_get_and_clear_last_exception(env, &thrown) == napi_ok) {
      (void)!napi_fatal_exception(env, thrown);
    }
    (void)!napi_close_handle_scope(env, scope);
    return;
  }
  (void)!napi_close_handle_scope(poll->env, scope);
}

static bool start_poll(napi_env env, int fd, napi_value callback, struct readable *readable) {
  struct uv_loop_s *loop;
  napi_value name;
  struct poll *poll = calloc(1, sizeof *poll);
  if (poll == NULL) {
    throw_errno(env, ENOMEM, "calloc", "readable");
    return false;
  }
  poll->env = env;
  if (!napi_good(env, napi_get_uv_event_loop(env, &loop), "napi_get_uv_event_loop") ||
      !napi_good(env, napi_create_string_utf8(env, "l2vpnd readable", NAPI_AUTO_LENGTH, &name), "name") ||
      !napi_good(env, napi_create_reference(env, callback, 1, &poll->callback), "napi_create_reference")) {
    free(poll);
    return false;
  }
  const int failed = uv_poll_init(loop, &poll->uv, fd);
  if (failed != 0 || !napi_good(env, napi_async_init(env, NULL, name, &poll->context), "napi_async_init")) {
    (void)!napi_delete_reference(env, poll->callback);
    if (failed != 0) throw_errno(env, -failed, "uv_poll_init", NULL);
    poll->uv.data = poll;
    if (failed == 0) uv_close((uv_handle_t *)&poll->uv, free_poll);
    else free(poll);
    return false;
  }
  poll->uv.data = poll;
  /* It keeps no process alive. */
  uv_unref((uv_handle_t *)&poll->uv);
  readable->poll = poll;
  return true;
}

napi_value open_readable(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int32_t fd;
  napi_valuetype type;
  void *data;
  if (!read_args(env, info, 2, argv) || !read_i32(env, argv[0], "fd", &fd)) return NULL;
  TRY_NAPI(env, napi_typeof(env, argv[1], &type));
  if (type != napi_function) {
    throw_expected(env, "readable", "a function");
    return NULL;
  }
  napi_value result = handle_new(env, HANDLE_READABLE, sizeof(struct readable), close_readable, &data);
  if (result == NULL || !start_poll(env, fd, argv[1], data)) return NULL;
  return result;
}

napi_value arm_readable(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  void *data;
  if (!read_args(env, info, 1, argv) || !read_handle(env, argv[0], HANDLE_READABLE, "readable", &data)) return NULL;
  const int failed = uv_poll_start(&((struct readable *)data)->poll->uv, UV_READABLE, call_back);
  return failed != 0 ? throw_errno(env, -failed, "uv_poll_start", NULL) : make_undefined(env);
}

napi_value close_readable_handle(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  void *data;
  if (!read_args(env, info, 1, argv) || !read_handle(env, argv[0], HANDLE_READABLE, "readable", &data)) return NULL;
  handle_close(env, data);
  return make_undefined(env);
}
