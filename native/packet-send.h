/* One packet with a DSCP of its own. */
#ifndef L2VPND_PACKET_SEND_H
#define L2VPND_PACKET_SEND_H

#include <node_api.h>

napi_value send_packet(napi_env env, napi_callback_info info);

#endif
