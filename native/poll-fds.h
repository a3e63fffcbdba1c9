/* Waiting for a few descriptors: poll(2). */
#ifndef L2VPND_POLL_FDS_H
#define L2VPND_POLL_FDS_H

#include <node_api.h>

napi_value poll_fds(napi_env env, napi_callback_info info);

#endif
