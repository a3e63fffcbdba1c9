/* Waking another thread, and a pair of sockets that stands for a device. */
#ifndef L2VPND_EVENT_H
#define L2VPND_EVENT_H

#include <node_api.h>

napi_value open_event(napi_env env, napi_callback_info info);
napi_value open_pair(napi_env env, napi_callback_info info);
napi_value signal_event(napi_env env, napi_callback_info info);
napi_value clear_event(napi_env env, napi_callback_info info);

#endif
