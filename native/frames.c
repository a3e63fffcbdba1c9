/* HOT PATH: with a bound handle, one look into the environment's table. */
#include "frames.h"
#include "bound.h"
#include "error.h"

/* Of `value`: the bound arrays of that kind; NULL for an object of arrays. False: it is another handle. */
static bool find_bound(napi_env env, napi_value value, enum handle_kind kind, const char *name,
                       const struct bound **out) {
  void *data = NULL;
  napi_valuetype type;
  *out = NULL;
  if (find_handle(env, value, &data) == kind) {
    *out = data;
    return true;
  }
  if (napi_typeof(env, value, &type) == napi_ok && type == napi_object) return true;
  return throw_expected(env, name, "an open handle, or an object of arrays");
}

bool read_frames(napi_env env, napi_value value, struct frames *out) {
  const struct bound *bound;
  if (!find_bound(env, value, HANDLE_FRAMES, "frames", &bound)) return false;
  if (bound == NULL) return read_frame_arrays(env, value, out);
  *out = bound->frames;
  return true;
}

bool read_job(napi_env env, napi_value value, struct job_arrays *out) {
  const struct bound *bound;
  if (!find_bound(env, value, HANDLE_JOB, "job", &bound)) return false;
  if (bound == NULL) return read_job_arrays(env, value, out);
  *out = bound->job;
  return true;
}
