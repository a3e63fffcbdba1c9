/*
 * Arrays that stay the same for every batch of a lane, read once: looking at eleven properties and typed arrays
 * costs more than a lone frame's system call. A bound handle holds references to its arrays, and with them their
 * memory, until it is collected: the one exception to "nothing of JavaScript outlives its call".
 */
#include "addon.h"

#include <errno.h>
#include <stdlib.h>

static void free_bound(napi_env env, void *data, void *hint) {
  (void)hint;
  struct bound *bound = data;
  for (size_t i = 0; i < bound->ref_count; i++) {
    if (bound->refs[i] != NULL) napi_delete_reference(env, bound->refs[i]);
  }
  free(bound);
}

/* Keeps the members `names` of `object` alive with the handle that it returns. */
static napi_value bind(napi_env env, napi_value object, struct bound *bound, const char *const *names, size_t count) {
  napi_value result;
  for (size_t i = 0; i < count; i++) {
    napi_value member;
    if (!read_member(env, object, names[i], &member) ||
        !napi_good(env, napi_create_reference(env, member, 1, &bound->refs[i]), "napi_create_reference")) {
      free_bound(env, bound, NULL);
      return NULL;
    }
    bound->ref_count = i + 1;
  }
  if (napi_good(env, napi_create_external(env, bound, free_bound, NULL, &result), "napi_create_external")) return result;
  free_bound(env, bound, NULL);
  return NULL;
}

static struct bound *new_bound(napi_env env, uint32_t magic) {
  struct bound *bound = calloc(1, sizeof *bound);
  if (bound == NULL) throw_errno(env, ENOMEM, "calloc", "bound arrays");
  else bound->magic = magic;
  return bound;
}

napi_value bind_frames(napi_env env, napi_callback_info info) {
  static const char *const names[] = {"arena", "at", "len", "verdict"};
  napi_value argv[1];
  struct frames frames;
  if (!read_args(env, info, 1, argv) || !read_frames(env, argv[0], &frames)) return NULL;
  struct bound *bound = new_bound(env, BOUND_FRAMES);
  if (bound == NULL) return NULL;
  bound->frames = frames;
  return bind(env, argv[0], bound, names, sizeof names / sizeof *names);
}

napi_value bind_job(napi_env env, napi_callback_info info) {
  static const char *const names[] = {"arena", "at", "aadLen", "textLen", "iv", "slot", "ok"};
  napi_value argv[1];
  struct job_arrays job;
  if (!read_args(env, info, 1, argv) || !read_job_arrays(env, argv[0], &job)) return NULL;
  struct bound *bound = new_bound(env, BOUND_JOB);
  if (bound == NULL) return NULL;
  bound->job = job;
  return bind(env, argv[0], bound, names, sizeof names / sizeof *names);
}

/* The bound arrays behind `value`; NULL where it is an object of arrays instead. */
const struct bound *get_bound(napi_env env, napi_value value, uint32_t magic) {
  void *data = NULL;
  if (napi_get_value_external(env, value, &data) != napi_ok || data == NULL) return NULL;
  const struct bound *bound = data;
  return bound->magic == magic ? bound : NULL;
}
