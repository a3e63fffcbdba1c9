/* Descriptors and memory for another process: what a daemon hands on to the one that takes its place. */
#ifndef L2VPND_HAND_OVER_H
#define L2VPND_HAND_OVER_H

#include <node_api.h>

napi_value open_memory(napi_env env, napi_callback_info info);
napi_value listen_unix(napi_env env, napi_callback_info info);
napi_value accept_unix(napi_env env, napi_callback_info info);
napi_value connect_unix(napi_env env, napi_callback_info info);
napi_value unix_peer(napi_env env, napi_callback_info info);
napi_value send_fds(napi_env env, napi_callback_info info);
napi_value receive_fds(napi_env env, napi_callback_info info);
napi_value close_on_exec(napi_env env, napi_callback_info info);
napi_value listen_again(napi_env env, napi_callback_info info);

#endif
