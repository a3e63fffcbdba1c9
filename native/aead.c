/*
 * AES-GCM over a batch (NIST SP 800-38D), in place. One pair of contexts per key: the key schedule is made once,
 * a frame only brings its IV. A frame that fails gets ok = 0; nothing throws for what a frame holds.
 *
 * OpenSSL decrypts before it knows whether the ICV is right: after ok = 0 the text in the arena is garbage,
 * and the caller must not act on it.
 */
#include "aead.h"
#include "error.h"
#include "frames.h"
#include "handle.h"
#include "value.h"

#include <errno.h>
#include <stdlib.h>

/* Octets of an algorithm's name, its NUL included. */
#define ALGORITHM_MAX 32

struct slot {
  const struct gcm *gcm; /* NULL: no key */
  void *seal;
  void *open;
};

struct ring {
  struct handle handle;
  uint32_t count;
  struct slot *slots;
};

/* OpenSSL wipes a context's key schedule as it frees it. */
static void free_slot(struct slot *slot) {
  if (slot->gcm == NULL) return;
  slot->gcm->ctx_free(slot->seal);
  slot->gcm->ctx_free(slot->open);
  *slot = (struct slot){0};
}

static void close_ring(napi_env env, struct handle *handle) {
  (void)env;
  struct ring *ring = (struct ring *)handle;
  for (uint32_t i = 0; i < ring->count; i++) free_slot(&ring->slots[i]);
  free(ring->slots);
  ring->slots = NULL;
  ring->count = 0;
}

napi_value openssl_version(napi_env env, napi_callback_info info) {
  (void)info;
  const struct openssl *ssl = environment_of(env)->ssl;
  return ssl == NULL ? make_null(env) : make_text(env, ssl->version(0));
}

napi_value openssl_fault(napi_env env, napi_callback_info info) {
  (void)info;
  const char *fault = environment_of(env)->ssl_fault;
  return fault == NULL ? make_null(env) : make_text(env, fault);
}

napi_value open_keyring(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  uint32_t count;
  void *data;
  if (!read_args(env, info, 1, argv) || !read_u32(env, argv[0], "slots", &count)) return NULL;
  if (count == 0 || count > NO_SLOT) return throw_range(env, "\"slots\" expected 1 to 255");
  if (environment_of(env)->ssl == NULL) return throw_errno(env, ENOSYS, "dlsym", "OpenSSL");
  struct slot *slots = calloc(count, sizeof *slots);
  if (slots == NULL) return throw_errno(env, ENOMEM, "calloc", "keyring");
  napi_value result = handle_new(env, HANDLE_KEYRING, sizeof(struct ring), close_ring, &data);
  if (result == NULL) {
    free(slots);
    return NULL;
  }
  struct ring *ring = data;
  ring->count = count;
  ring->slots = slots;
  return result;
}

napi_value close_keyring(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  void *ring;
  if (!read_args(env, info, 1, argv) || !read_handle(env, argv[0], HANDLE_KEYRING, "ring", &ring)) return NULL;
  handle_close(env, ring);
  return make_undefined(env);
}

/* Reads (ring, slot) from the first two arguments. */
static struct slot *read_slot(napi_env env, const napi_value *argv, struct ring **ring) {
  void *data;
  uint32_t index;
  if (!read_handle(env, argv[0], HANDLE_KEYRING, "ring", &data) || !read_u32(env, argv[1], "slot", &index)) return NULL;
  *ring = data;
  if (index < (*ring)->count) return &(*ring)->slots[index];
  throw_range(env, "\"slot\" expected a slot of the keyring");
  return NULL;
}

/* False where OpenSSL refuses; the slot is to be freed all the same. */
static bool key_slot(struct slot *slot, const struct gcm *gcm, const struct span *key) {
  slot->gcm = gcm;
  slot->seal = gcm->ctx_new(gcm->provider_ctx);
  slot->open = gcm->ctx_new(gcm->provider_ctx);
  return slot->seal != NULL && slot->open != NULL &&
         gcm->seal_init(slot->seal, key->data, key->len, NULL, 0, NULL) == 1 &&
         gcm->open_init(slot->open, key->data, key->len, NULL, 0, NULL) == 1;
}

/* The algorithm named by `value`, whose keys are of `key`'s length. NULL: an exception is pending. */
static const struct gcm *read_algorithm(napi_env env, napi_value value, const struct span *key) {
  char name[ALGORITHM_MAX];
  if (!read_text(env, value, "algorithm", name, sizeof name)) return NULL;
  const struct gcm *gcm = openssl_gcm(environment_of(env)->ssl, name);
  if (gcm == NULL) throw_range(env, "\"algorithm\" expected aes-128-gcm or aes-256-gcm");
  else if (key->len == gcm->key_len) return gcm;
  else throw_range(env, gcm->key_len == 16 ? "\"key\" expected 16 octets" : "\"key\" expected 32 octets");
  return NULL;
}

napi_value set_key(napi_env env, napi_callback_info info) {
  napi_value argv[4];
  struct ring *ring;
  struct span key; /* dead when this function returns; OpenSSL keeps a key schedule of its own */
  if (!read_args(env, info, 4, argv)) return NULL;
  struct slot *slot = read_slot(env, argv, &ring);
  if (slot == NULL || !read_span(env, argv[3], "key", &key)) return NULL;
  const struct gcm *gcm = read_algorithm(env, argv[2], &key);
  if (gcm == NULL) return NULL;
  struct slot fresh = {0};
  if (!key_slot(&fresh, gcm, &key)) {
    free_slot(&fresh);
    return throw_errno(env, ENOMEM, "AES-GCM", NULL);
  }
  free_slot(slot);
  *slot = fresh;
  return make_undefined(env);
}

napi_value clear_key(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  struct ring *ring;
  if (!read_args(env, info, 2, argv)) return NULL;
  struct slot *slot = read_slot(env, argv, &ring);
  if (slot == NULL) return NULL;
  free_slot(slot);
  return make_undefined(env);
}

struct job {
  const struct ring *ring;
  struct job_arrays arrays;
  uint32_t count;
  int icv_len;
};

static bool read_work(napi_env env, napi_callback_info info, struct job *job) {
  napi_value argv[4];
  void *ring;
  if (!read_args(env, info, 4, argv) || !read_handle(env, argv[0], HANDLE_KEYRING, "ring", &ring) ||
      !read_job(env, argv[1], &job->arrays) || !read_u32(env, argv[2], "count", &job->count) ||
      !read_i32(env, argv[3], "icvLen", &job->icv_len)) {
    return false;
  }
  job->ring = ring;
  if (job->icv_len < ICV_MIN || job->icv_len > ICV_MAX) throw_range(env, "\"icvLen\" expected 8 to 16");
  else if (job->count > job->arrays.n) throw_range(env, "\"count\" expected at most the length of the arrays");
  else return true;
  return false;
}

/* One frame's octets: AAD, text and ICV one after another. */
struct frame {
  uint8_t *aad, *text, *icv;
  const uint8_t *iv;
  size_t aad_len, text_len, icv_len;
};

/* False where the frame does not lie in the arena. */
static bool locate(const struct job *job, uint32_t i, struct frame *f) {
  const uint64_t at = job->arrays.at[i], aad = job->arrays.aad_len[i], text = job->arrays.text_len[i];
  if (at + aad + text + (uint64_t)job->icv_len > job->arrays.arena.len) return false;
  f->aad = job->arrays.arena.data + at;
  f->text = f->aad + aad;
  f->icv = f->text + text;
  f->iv = job->arrays.iv.data + (size_t)i * IV_LEN;
  f->aad_len = aad;
  f->text_len = text;
  f->icv_len = (size_t)job->icv_len;
  return true;
}

/* The ICV as a parameter list, which ends with an empty one. */
#define ICV_PARAM(f)                                                                                                   \
  { OSSL_CIPHER_PARAM_AEAD_TAG, OSSL_PARAM_OCTET_STRING, (f)->icv, (f)->icv_len, 0 }

/* AAD and text, either way; nothing to do for a length of 0. */
static bool update(const struct gcm *gcm, void *ctx, const struct frame *f) {
  size_t n;
  return gcm->update(ctx, NULL, &n, f->aad_len, f->aad, f->aad_len) == 1 &&
         gcm->update(ctx, f->text, &n, f->text_len, f->text, f->text_len) == 1;
}

static bool seal_frame(const struct slot *slot, const struct frame *f) {
  const struct gcm *gcm = slot->gcm;
  size_t n;
  OSSL_PARAM icv[] = {ICV_PARAM(f), {0}};
  return gcm != NULL && gcm->seal_init(slot->seal, NULL, 0, f->iv, IV_LEN, NULL) == 1 && update(gcm, slot->seal, f) &&
         gcm->final(slot->seal, f->icv, &n, f->icv_len) == 1 && gcm->get_params(slot->seal, icv) == 1;
}

static bool open_frame(const struct slot *slot, const struct frame *f) {
  const struct gcm *gcm = slot->gcm;
  size_t n;
  uint8_t none[ICV_MAX];
  const OSSL_PARAM icv[] = {ICV_PARAM(f), {0}};
  return gcm != NULL && gcm->open_init(slot->open, NULL, 0, f->iv, IV_LEN, icv) == 1 && update(gcm, slot->open, f) &&
         gcm->final(slot->open, none, &n, sizeof none) == 1;
}

/* HOT PATH: allocates nothing. */
static napi_value run_job(napi_env env, napi_callback_info info, bool seal) {
  struct job job;
  struct frame frame;
  if (!read_work(env, info, &job)) return NULL;
  int32_t passed = 0;
  for (uint32_t i = 0; i < job.count; i++) {
    const uint8_t index = job.arrays.slot.data[i];
    if (index == NO_SLOT) continue;
    job.arrays.ok.data[i] = 0;
    if (index >= job.ring->count || !locate(&job, i, &frame)) continue;
    const struct slot *slot = &job.ring->slots[index];
    const bool ok = seal ? seal_frame(slot, &frame) : open_frame(slot, &frame);
    job.arrays.ok.data[i] = ok;
    passed += ok;
  }
  return make_i32(env, passed);
}

napi_value aead_seal(napi_env env, napi_callback_info info) { return run_job(env, info, true); }
napi_value aead_open(napi_env env, napi_callback_info info) { return run_job(env, info, false); }
