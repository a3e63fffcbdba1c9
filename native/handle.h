/*
 * Native objects that JavaScript holds: an external each. Which kind an external is, and whether it is open and
 * ours at all, the environment's table knows. (napi_check_object_type_tag would too, but at 20 ns a call on Node
 * 20.20 and 26, and 90 ns on Node 20.11, six times per lone frame; the table takes about 3.)
 */
#ifndef L2VPND_HANDLE_H
#define L2VPND_HANDLE_H

#include "environment.h"

/* How every such object begins. */
struct handle {
  struct environment *environment;
  /* Frees what the object owns, but not itself. Called once, NULL: nothing to do. */
  void (*close)(napi_env env, struct handle *handle);
};

/*
 * A zeroed object of `size` octets behind a new external, which owns it: it is closed, if it is open still, and
 * freed when the external is collected. NULL: an exception is pending.
 */
napi_value handle_new(napi_env env, enum handle_kind kind, size_t size,
                      void (*close)(napi_env env, struct handle *handle), void **out);
/* Closes an open handle; its external is no handle any more. */
void handle_close(napi_env env, struct handle *handle);

/* The kind of an open handle and its object, or HANDLE_NONE for any other value. Throws nothing. HOT PATH. */
enum handle_kind find_handle(napi_env env, napi_value value, void **out);
/* An open handle of that kind; else false, and a TypeError is pending. HOT PATH. */
bool read_handle(napi_env env, napi_value value, enum handle_kind kind, const char *name, void **out);

#endif
