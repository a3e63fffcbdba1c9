/* Network interfaces: what they are, and setting them up. */
#ifndef L2VPND_LINK_H
#define L2VPND_LINK_H

#include <node_api.h>

napi_value link_info(napi_env env, napi_callback_info info);
napi_value set_link_mac(napi_env env, napi_callback_info info);
napi_value set_link_mtu(napi_env env, napi_callback_info info);
napi_value set_link_up(napi_env env, napi_callback_info info);
napi_value add_to_bridge(napi_env env, napi_callback_info info);
napi_value take_from_bridge(napi_env env, napi_callback_info info);

#endif
