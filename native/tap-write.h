/* Writing a TAP. */
#ifndef L2VPND_TAP_WRITE_H
#define L2VPND_TAP_WRITE_H

#include <node_api.h>

napi_value tap_write(napi_env env, napi_callback_info info);

#endif
