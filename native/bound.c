/* Binding: the arrays are read, and referred to. */
#include "bound.h"
#include "error.h"

static void drop_references(napi_env env, struct handle *handle) {
  struct bound *bound = (struct bound *)handle;
  for (size_t i = 0; i < BOUND_REFS; i++) {
    if (bound->refs[i] != NULL) (void)!napi_delete_reference(env, bound->refs[i]);
    bound->refs[i] = NULL;
  }
}

/* A handle that keeps the members `names` of `object` alive. */
static napi_value bind(napi_env env, enum handle_kind kind, napi_value object, const char *const *names, size_t count,
                       struct bound **out) {
  void *data;
  napi_value result = handle_new(env, kind, sizeof(struct bound), drop_references, &data);
  if (result == NULL) return NULL;
  *out = data;
  for (size_t i = 0; i < count; i++) {
    napi_value member;
    if (!read_member(env, object, names[i], &member)) return NULL;
    TRY_NAPI(env, napi_create_reference(env, member, 1, &(*out)->refs[i]));
  }
  return result;
}

napi_value bind_frames(napi_env env, napi_callback_info info) {
  static const char *const names[] = {"arena", "at", "len", "verdict", "tos"};
  napi_value argv[1];
  struct frames frames;
  struct bound *bound;
  if (!read_args(env, info, 1, argv) || !read_frame_arrays(env, argv[0], &frames)) return NULL;
  const size_t count = sizeof names / sizeof *names - (frames.tos == NULL ? 1 : 0);
  napi_value result = bind(env, HANDLE_FRAMES, argv[0], names, count, &bound);
  if (result != NULL) bound->frames = frames;
  return result;
}

napi_value bind_job(napi_env env, napi_callback_info info) {
  static const char *const names[] = {"arena", "at", "aadLen", "textLen", "iv", "slot", "ok"};
  napi_value argv[1];
  struct job_arrays job;
  struct bound *bound;
  if (!read_args(env, info, 1, argv) || !read_job_arrays(env, argv[0], &job)) return NULL;
  napi_value result = bind(env, HANDLE_JOB, argv[0], names, sizeof names / sizeof *names, &bound);
  if (result != NULL) bound->job = job;
  return result;
}
