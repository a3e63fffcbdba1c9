/* Sockets of the underlay. */
#ifndef L2VPND_SOCKET_H
#define L2VPND_SOCKET_H

#include <node_api.h>

napi_value open_gre_socket(napi_env env, napi_callback_info info);
napi_value open_udp_socket(napi_env env, napi_callback_info info);
napi_value open_door_socket(napi_env env, napi_callback_info info);
napi_value path_mtu(napi_env env, napi_callback_info info);
napi_value source_to(napi_env env, napi_callback_info info);
napi_value socket_drops(napi_env env, napi_callback_info info);

#endif
