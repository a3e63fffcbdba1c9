/* What the routing table says of a destination. */
#ifndef L2VPND_ROUTE_H
#define L2VPND_ROUTE_H

#include <node_api.h>

napi_value route_to(napi_env env, napi_callback_info info);

#endif
