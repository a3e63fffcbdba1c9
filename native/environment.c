/* The life of an environment's state. */
#include "environment.h"
#include "error.h"

#include <errno.h>
#include <stdlib.h>

void environment_hold(struct environment *environment) { environment->holders++; }

void environment_release(struct environment *environment) {
  if (--environment->holders > 0) return;
  openssl_close(environment->ssl);
  scratch_free(&environment->scratch);
  handle_table_free(&environment->handles);
  free(environment);
}

static void drop_instance(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  environment_release(data);
}

struct environment *environment_open(napi_env env) {
  struct environment *environment = calloc(1, sizeof *environment);
  if (environment == NULL) {
    throw_errno(env, ENOMEM, "calloc", "environment");
    return NULL;
  }
  environment->holders = 1;
  environment->ssl = openssl_open(&environment->ssl_fault);
  if (napi_good(env, napi_set_instance_data(env, environment, drop_instance, NULL), "napi_set_instance_data")) {
    return environment;
  }
  environment_release(environment);
  return NULL;
}

/* napi_get_instance_data fails for arguments of NULL only. */
struct environment *environment_of(napi_env env) {
  void *data = NULL;
  (void)!napi_get_instance_data(env, &data);
  return data;
}
