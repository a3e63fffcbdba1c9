/* What the process may do: capabilities, and that it never gets more of them. */
#ifndef L2VPND_PRIVILEGES_H
#define L2VPND_PRIVILEGES_H

#include <node_api.h>

napi_value keep_capabilities(napi_env env, napi_callback_info info);
napi_value lend_capabilities(napi_env env, napi_callback_info info);

#endif
