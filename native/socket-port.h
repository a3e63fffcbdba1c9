/* Sockets that carry one frame per packet. */
#ifndef L2VPND_SOCKET_PORT_H
#define L2VPND_SOCKET_PORT_H

#include <node_api.h>

napi_value open_socket_port(napi_env env, napi_callback_info info);
napi_value socket_receive(napi_env env, napi_callback_info info);
napi_value socket_send(napi_env env, napi_callback_info info);

#endif
