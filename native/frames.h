/* The arrays of a batch, however a caller names them: by a bound handle, or by an object of arrays. */
#ifndef L2VPND_FRAMES_H
#define L2VPND_FRAMES_H

#include "arrays.h"

bool read_frames(napi_env env, napi_value value, struct frames *out);
bool read_job(napi_env env, napi_value value, struct job_arrays *out);

#endif
