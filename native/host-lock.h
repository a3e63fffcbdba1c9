/* Locks between processes: on an open file, and on a name of this host. */
#ifndef L2VPND_HOST_LOCK_H
#define L2VPND_HOST_LOCK_H

#include <node_api.h>

/* lockFd(fd): boolean; lockName(name, holder: Int32Array of 2): number. See addon.ts. */
napi_value lock_fd(napi_env env, napi_callback_info info);
napi_value lock_name(napi_env env, napi_callback_info info);

#endif
