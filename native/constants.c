/* Each constant is defined where it is used; here it only gets to the other side. */
#include "constants.h"
#include "aead.h"
#include "arrays.h"
#include "endpoint.h"
#include "error.h"
#include "poller.h"
#include "tap-port.h"
#include "udp-port.h"
#include "value.h"

static const struct {
  const char *name;
  int32_t value;
} CONSTANTS[] = {
    {"IV_LEN", IV_LEN},
    {"ICV_MIN", ICV_MIN},
    {"ICV_MAX", ICV_MAX},
    {"NO_SLOT", NO_SLOT},
    {"VERDICT_TOO_LONG", VERDICT_TOO_LONG},
    {"VERDICT_MALFORMED", VERDICT_MALFORMED},
    {"JOIN_TCP", JOIN_TCP},
    {"JOIN_UDP", JOIN_UDP},
    {"UDP_AREA_LEN", UDP_AREA_LEN},
    {"UDP_AREAS_MAX", UDP_AREAS_MAX},
    {"UDP_TRAIN_MAX", UDP_TRAIN_MAX},
    {"ENDPOINT_LEN", ENDPOINT_LEN},
    {"READY_MAX", READY_MAX},
};

napi_value make_constants(napi_env env) {
  napi_value result;
  TRY_NAPI(env, napi_create_object(env, &result));
  for (size_t i = 0; i < sizeof CONSTANTS / sizeof *CONSTANTS; i++) {
    napi_value value = make_i32(env, CONSTANTS[i].value);
    if (value == NULL) return NULL;
    TRY_NAPI(env, napi_set_named_property(env, result, CONSTANTS[i].name, value));
  }
  TRY_NAPI(env, napi_object_freeze(env, result));
  return result;
}
