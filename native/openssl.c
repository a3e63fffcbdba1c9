/* Finding OpenSSL's functions in the running process, and in its provider those of the two ciphers. */
#include "openssl.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* POSIX has dlsym return a function as void *; copying the bits is its own advice (man 3 dlsym). */
static bool find(void *function, const char *name) {
  void *symbol = dlsym(RTLD_DEFAULT, name);
  memcpy(function, &symbol, sizeof symbol);
  return symbol != NULL;
}

static bool find_all(struct openssl *s) {
  return find(&s->version, "OpenSSL_version") && find(&s->cipher_fetch, "EVP_CIPHER_fetch") &&
         find(&s->cipher_free, "EVP_CIPHER_free") && find(&s->provider_of, "EVP_CIPHER_get0_provider") &&
         find(&s->provider_ctx, "OSSL_PROVIDER_get0_provider_ctx") &&
         find(&s->query, "OSSL_PROVIDER_query_operation") &&
         find(&s->unquery, "OSSL_PROVIDER_unquery_operation");
}

/* Whether `name` is one of "a:b:c". */
static bool is_named(const char *names, const char *name) {
  const size_t len = strlen(name);
  for (const char *at = names; at != NULL; at = strchr(at, ':')) {
    if (*at == ':') at++;
    if (strncmp(at, name, len) == 0 && (at[len] == ':' || at[len] == '\0')) return true;
  }
  return false;
}

/* Function `id` of an implementation, into the function pointer at `function`. */
static bool take(const OSSL_DISPATCH *implementation, int id, void *function) {
  for (const OSSL_DISPATCH *d = implementation; d->function_id != 0; d++) {
    if (d->function_id != id) continue;
    memcpy(function, &d->function, sizeof d->function);
    return true;
  }
  return false;
}

/* The numbers of man 7 provider-cipher (openssl/core_dispatch.h). */
enum { NEWCTX = 1, ENCRYPT_INIT, DECRYPT_INIT, UPDATE, FINAL, FREECTX = 7, GET_CTX_PARAMS = 10 };

static bool find_cipher(const struct openssl *s, const char *name, struct gcm *gcm) {
  for (const OSSL_ALGORITHM *a = s->algorithms; a != NULL && a->algorithm_names != NULL; a++) {
    if (!is_named(a->algorithm_names, name)) continue;
    gcm->provider_ctx = s->provider_ctx(s->provider_of(s->fetched));
    const OSSL_DISPATCH *d = a->implementation;
    return take(d, NEWCTX, &gcm->ctx_new) && take(d, FREECTX, &gcm->ctx_free) &&
           take(d, ENCRYPT_INIT, &gcm->seal_init) && take(d, DECRYPT_INIT, &gcm->open_init) &&
           take(d, UPDATE, &gcm->update) && take(d, FINAL, &gcm->final) &&
           take(d, GET_CTX_PARAMS, &gcm->get_params);
  }
  return false;
}

static bool find_ciphers(struct openssl *s) {
  int no_cache;
  s->fetched = s->cipher_fetch(NULL, "AES-128-GCM", NULL);
  if (s->fetched == NULL) return false;
  s->algorithms = s->query(s->provider_of(s->fetched), OSSL_OP_CIPHER, &no_cache);
  return find_cipher(s, "AES-128-GCM", &s->aes_128) && find_cipher(s, "AES-256-GCM", &s->aes_256);
}

struct openssl *openssl_open(void) {
  struct openssl *s = calloc(1, sizeof *s);
  if (s == NULL) return NULL;
  if (!find_all(s)) {
    free(s);
    return NULL;
  }
  s->holders = 1;
  if (find_ciphers(s)) return s;
  openssl_release(s);
  return NULL;
}

struct openssl *openssl_hold(struct openssl *s) {
  s->holders++;
  return s;
}

void openssl_release(struct openssl *s) {
  if (s == NULL || --s->holders > 0) return;
  if (s->algorithms != NULL) s->unquery(s->provider_of(s->fetched), OSSL_OP_CIPHER, s->algorithms);
  if (s->fetched != NULL) s->cipher_free(s->fetched);
  free(s);
}
