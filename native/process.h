/* The process: its descriptors, its core dumps, and its service manager. */
#ifndef L2VPND_PROCESS_H
#define L2VPND_PROCESS_H

#include <node_api.h>

napi_value close_fd(napi_env env, napi_callback_info info);
napi_value harden_process(napi_env env, napi_callback_info info);
napi_value notify_socket(napi_env env, napi_callback_info info);
napi_value clock_is_synchronised(napi_env env, napi_callback_info info);
napi_value exit_now(napi_env env, napi_callback_info info);

#endif
