/*
 * AES-GCM over a batch (NIST SP 800-38D), in place. One pair of contexts a key: the key schedule is made once,
 * a frame only brings its IV. A frame that fails gets ok = 0; nothing throws for what a frame holds.
 *
 * OpenSSL decrypts before it knows whether the ICV is right: after ok = 0 the text in the arena is garbage,
 * and the caller must not act on it.
 */
#include "addon.h"
#include "openssl.h"

#include <errno.h>
#include <stdlib.h>

#define RING_MAGIC 0x72696e67u
#define IV_LEN 12
#define NO_SLOT 255
#define ICV_MIN 8
#define ICV_MAX 16

struct slot {
  const struct gcm *gcm; /* NULL: no key */
  void *seal;
  void *open;
};

struct ring {
  uint32_t magic; /* 0 once closed */
  uint32_t count;
  struct openssl *ssl;
  struct slot *slots;
};

/* OpenSSL wipes a context's key schedule as it frees it. */
static void free_slot(struct slot *slot) {
  if (slot->gcm == NULL) return;
  slot->gcm->ctx_free(slot->seal);
  slot->gcm->ctx_free(slot->open);
  *slot = (struct slot){0};
}

static void close_ring(struct ring *ring) {
  for (uint32_t i = 0; i < ring->count; i++) free_slot(&ring->slots[i]);
  free(ring->slots);
  openssl_release(ring->ssl);
  *ring = (struct ring){0};
}

static void free_ring(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  close_ring(data);
  free(data);
}

static struct openssl *get_openssl(napi_env env) {
  void *data = NULL;
  if (!napi_good(env, napi_get_instance_data(env, &data), "napi_get_instance_data") || data == NULL) return NULL;
  return ((struct addon *)data)->ssl;
}

napi_value openssl_version(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value result;
  const struct openssl *ssl = get_openssl(env);
  if (ssl == NULL) TRY_NAPI(env, napi_get_null(env, &result));
  else TRY_NAPI(env, napi_create_string_utf8(env, ssl->version(0), NAPI_AUTO_LENGTH, &result));
  return result;
}

napi_value open_keyring(napi_env env, napi_callback_info info) {
  napi_value argv[1], result;
  uint32_t slots;
  if (!read_args(env, info, 1, argv) || !read_u32(env, argv[0], "slots", &slots)) return NULL;
  if (slots == 0 || slots > NO_SLOT) return throw_range(env, "\"slots\" expected 1 to 255");
  struct openssl *ssl = get_openssl(env);
  if (ssl == NULL) return throw_errno(env, ENOSYS, "dlsym", "OpenSSL");
  struct ring *ring = calloc(1, sizeof *ring);
  if (ring != NULL) ring->slots = calloc(slots, sizeof *ring->slots);
  if (ring == NULL || ring->slots == NULL) {
    free(ring);
    return throw_errno(env, ENOMEM, "calloc", "keyring");
  }
  ring->magic = RING_MAGIC;
  ring->count = slots;
  ring->ssl = openssl_hold(ssl);
  if (!napi_good(env, napi_create_external(env, ring, free_ring, NULL, &result), "napi_create_external")) {
    free_ring(env, ring, NULL);
    return NULL;
  }
  return result;
}

napi_value close_keyring(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  void *ring;
  if (!read_args(env, info, 1, argv) || !read_handle(env, argv[0], RING_MAGIC, "ring", &ring)) return NULL;
  close_ring(ring);
  return make_undefined(env);
}

/* Reads (ring, slot) from the first two arguments. */
static struct slot *read_slot(napi_env env, const napi_value *argv, struct ring **ring) {
  void *data;
  uint32_t index;
  if (!read_handle(env, argv[0], RING_MAGIC, "ring", &data) || !read_u32(env, argv[1], "slot", &index)) return NULL;
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

napi_value set_key(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  struct ring *ring;
  struct span key; /* dead when this function returns; OpenSSL keeps a key schedule of its own */
  if (!read_args(env, info, 3, argv)) return NULL;
  struct slot *slot = read_slot(env, argv, &ring);
  if (slot == NULL || !read_span(env, argv[2], "key", &key)) return NULL;
  if (key.len != 16 && key.len != 32) return throw_range(env, "\"key\" expected 16 or 32 octets");
  struct slot fresh = {0};
  if (!key_slot(&fresh, key.len == 32 ? &ring->ssl->aes_256 : &ring->ssl->aes_128, &key)) {
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

static bool read_job(napi_env env, napi_callback_info info, struct job *job) {
  napi_value argv[4];
  void *ring;
  if (!read_args(env, info, 4, argv) || !read_handle(env, argv[0], RING_MAGIC, "ring", &ring) ||
      !read_job_arrays(env, argv[1], &job->arrays) || !read_u32(env, argv[2], "count", &job->count) ||
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

/* The ICV as a parameter list. */
#define ICV_PARAM(f)                                                                        \
  {                                                                                         \
    {OSSL_CIPHER_PARAM_AEAD_TAG, OSSL_PARAM_OCTET_STRING, (f)->icv, (f)->icv_len, 0}, {0},  \
  }

/* AAD and text, either way; nothing to do for a length of 0. */
static bool update(const struct gcm *gcm, void *ctx, const struct frame *f) {
  size_t n;
  return gcm->update(ctx, NULL, &n, f->aad_len, f->aad, f->aad_len) == 1 &&
         gcm->update(ctx, f->text, &n, f->text_len, f->text, f->text_len) == 1;
}

static bool seal_frame(const struct slot *slot, const struct frame *f) {
  const struct gcm *gcm = slot->gcm;
  size_t n;
  OSSL_PARAM icv[] = ICV_PARAM(f);
  return gcm != NULL && gcm->seal_init(slot->seal, NULL, 0, f->iv, IV_LEN, NULL) == 1 &&
         update(gcm, slot->seal, f) && gcm->final(slot->seal, f->icv, &n, f->icv_len) == 1 &&
         gcm->get_params(slot->seal, icv) == 1;
}

static bool open_frame(const struct slot *slot, const struct frame *f) {
  const struct gcm *gcm = slot->gcm;
  size_t n;
  uint8_t none[ICV_MAX];
  const OSSL_PARAM icv[] = ICV_PARAM(f);
  return gcm != NULL && gcm->open_init(slot->open, NULL, 0, f->iv, IV_LEN, icv) == 1 &&
         update(gcm, slot->open, f) && gcm->final(slot->open, none, &n, sizeof none) == 1;
}

/* HOT PATH: allocates nothing. */
static napi_value run_job(napi_env env, napi_callback_info info, bool seal) {
  struct job job;
  struct frame frame;
  if (!read_job(env, info, &job)) return NULL;
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
