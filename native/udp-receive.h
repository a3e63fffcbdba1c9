/* Receiving over UDP, and learning where a frame came from. */
#ifndef L2VPND_UDP_RECEIVE_H
#define L2VPND_UDP_RECEIVE_H

#include <node_api.h>

napi_value udp_receive(napi_env env, napi_callback_info info);
napi_value udp_learn(napi_env env, napi_callback_info info);

#endif
