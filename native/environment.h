/*
 * State of one Node environment: the main thread, or a worker. There are no globals, since each thread loads the
 * addon; all that is here belongs to the environment's own thread.
 */
#ifndef L2VPND_ENVIRONMENT_H
#define L2VPND_ENVIRONMENT_H

#include "handle-table.h"
#include "openssl.h"
#include "scratch.h"

#include <node_api.h>

struct environment {
  struct handle_table handles;
  struct scratch scratch;
  struct openssl *ssl;   /* NULL where OpenSSL cannot be used */
  const char *ssl_fault; /* why not; NULL where it can */
  unsigned holders;      /* Node's instance data and every handle: they are finalized in any order */
};

/* Makes this environment's state and hands it to Node. NULL: an exception is pending. */
struct environment *environment_open(napi_env env);
/* This environment's state; always there for a function of the addon. HOT PATH. */
struct environment *environment_of(napi_env env);
void environment_hold(struct environment *environment);
/* Frees it with the last holder. */
void environment_release(struct environment *environment);

#endif
