/* What C and TypeScript both count on. */
#ifndef L2VPND_CONSTANTS_H
#define L2VPND_CONSTANTS_H

#include <node_api.h>

/* The frozen object `constants` of addon.ts. NULL: an exception is pending. */
napi_value make_constants(napi_env env);

#endif
