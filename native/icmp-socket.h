/* Raw sockets that hear that a packet was too big. */
#ifndef L2VPND_ICMP_SOCKET_H
#define L2VPND_ICMP_SOCKET_H

#include <node_api.h>

napi_value open_icmp_socket(napi_env env, napi_callback_info info);
napi_value receive_icmp(napi_env env, napi_callback_info info);

#endif
