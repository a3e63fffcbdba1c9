/* What a link is at the moment, whatever it is called. */
#ifndef L2VPND_LINK_STATE_H
#define L2VPND_LINK_STATE_H

#include <node_api.h>

napi_value link_state(napi_env env, napi_callback_info info);
napi_value link_index(napi_env env, napi_callback_info info);

#endif
