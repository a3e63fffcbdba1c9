/*
 * Arrays that stay the same for every batch of a lane, read once: looking at eleven properties and typed arrays
 * costs more than a lone frame's system call. A bound handle holds references to its arrays, and with them their
 * memory, until it is collected: the one exception to "nothing of JavaScript outlives its call".
 */
#ifndef L2VPND_BOUND_H
#define L2VPND_BOUND_H

#include "arrays.h"
#include "handle.h"

/* Arrays of one object. */
#define BOUND_REFS 7

/* HANDLE_FRAMES or HANDLE_JOB. */
struct bound {
  struct handle handle;
  union {
    struct frames frames;
    struct job_arrays job;
  };
  napi_ref refs[BOUND_REFS];
};

napi_value bind_frames(napi_env env, napi_callback_info info);
napi_value bind_job(napi_env env, napi_callback_info info);

#endif
