/* Sending over UDP. */
#ifndef L2VPND_UDP_SEND_H
#define L2VPND_UDP_SEND_H

#include <node_api.h>

napi_value udp_send(napi_env env, napi_callback_info info);

#endif
