/* Telling the event loop's thread that a descriptor can be read. */
#ifndef L2VPND_READABLE_H
#define L2VPND_READABLE_H

#include <node_api.h>

napi_value open_readable(napi_env env, napi_callback_info info);
napi_value arm_readable(napi_env env, napi_callback_info info);
napi_value close_readable_handle(napi_env env, napi_callback_info info);

#endif
