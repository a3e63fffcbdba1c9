/* A request by rtnetlink. */
#ifndef L2VPND_RTNETLINK_H
#define L2VPND_RTNETLINK_H

#include <node_api.h>

napi_value rtnetlink(napi_env env, napi_callback_info info);

#endif
