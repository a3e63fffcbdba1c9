/* Sockets that share one local UDP port. */
#ifndef L2VPND_UDP_SHARE_H
#define L2VPND_UDP_SHARE_H

#include <node_api.h>

napi_value set_reuse_port(napi_env env, napi_callback_info info);
napi_value connect_udp(napi_env env, napi_callback_info info);

#endif
