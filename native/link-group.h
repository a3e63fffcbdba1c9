/* Many network interfaces deleted in one step of the kernel's. */
#ifndef L2VPND_LINK_GROUP_H
#define L2VPND_LINK_GROUP_H

#include <node_api.h>

napi_value delete_links(napi_env env, napi_callback_info info);

#endif
