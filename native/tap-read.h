/* Reading a TAP. */
#ifndef L2VPND_TAP_READ_H
#define L2VPND_TAP_READ_H

#include <node_api.h>

napi_value tap_read(napi_env env, napi_callback_info info);

#endif
