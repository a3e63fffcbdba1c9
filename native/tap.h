/* TAP devices. */
#ifndef L2VPND_TAP_H
#define L2VPND_TAP_H

#include <node_api.h>

napi_value open_tap(napi_env env, napi_callback_info info);
napi_value set_tap_offload(napi_env env, napi_callback_info info);
napi_value set_tap_carrier(napi_env env, napi_callback_info info);
napi_value detach_tap_queue(napi_env env, napi_callback_info info);

#endif
