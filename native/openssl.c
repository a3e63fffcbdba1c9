/* Finding OpenSSL's functions in the running process, and in its provider those of the two ciphers. */
#include "openssl.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Where functions are taken from: the first shared object that has one is the only one. */
struct source {
  const void *base; /* where it is loaded; NULL: none has been found yet */
  const char *fault;
};

/* POSIX has dlsym return a function as void *; copying the bits is its own advice (man 3 dlsym). */
static bool find(struct source *from, void *function, const char *name) {
  void *symbol = dlsym(RTLD_DEFAULT, name);
  Dl_info object;
  if (symbol == NULL || dladdr(symbol, &object) == 0) {
    from->fault = "there is no OpenSSL 3 whose functions can be reached";
    return false;
  }
  if (from->base == NULL) from->base = object.dli_fbase;
  if (from->base != object.dli_fbase) from->fault = "OpenSSL's functions are in several objects";
  memcpy(function, &symbol, sizeof symbol);
  return from->fault == NULL;
}

static bool find_all(struct openssl *s, struct source *from) {
  if (!find(from, &s->version_major, "OPENSSL_version_major")) return false;
  if (s->version_major() != 3) from->fault = "OpenSSL is of another major version than 3";
  return from->fault == NULL && find(from, &s->version, "OpenSSL_version") &&
         find(from, &s->cipher_fetch, "EVP_CIPHER_fetch") && find(from, &s->cipher_free, "EVP_CIPHER_free") &&
         find(from, &s->provider_of, "EVP_CIPHER_get0_provider") &&
         find(from, &s->provider_name, "OSSL_PROVIDER_get0_name") &&
         find(from, &s->provider_ctx, "OSSL_PROVIDER_get0_provider_ctx") &&
         find(from, &s->query, "OSSL_PROVIDER_query_operation") &&
         find(from, &s->unquery, "OSSL_PROVIDER_unquery_operation");
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
           take(d, UPDATE, &gcm->update) && take(d, FINAL, &gcm->final) && take(d, GET_CTX_PARAMS, &gcm->get_params);
  }
  return false;
}

static const struct {
  const char *algorithm, *openssl_name;
  size_t key_len;
} CIPHERS[GCM_COUNT] = {
    {"aes-128-gcm", "AES-128-GCM", 16},
    {"aes-256-gcm", "AES-256-GCM", 32},
};

/* Returns why not, or NULL. */
static const char *find_ciphers(struct openssl *s) {
  int no_cache;
  s->fetched = s->cipher_fetch(NULL, CIPHERS[0].openssl_name, NULL);
  if (s->fetched == NULL) return "OpenSSL has no AES-GCM";
  const OSSL_PROVIDER *provider = s->provider_of(s->fetched);
  if (strcmp(s->provider_name(provider), "default") != 0) {
    return "OpenSSL has AES-GCM from another provider than \"default\" (FIPS?), to be used through EVP only";
  }
  s->algorithms = s->query(provider, OSSL_OP_CIPHER, &no_cache);
  for (size_t i = 0; i < GCM_COUNT; i++) {
    s->gcm[i].algorithm = CIPHERS[i].algorithm;
    s->gcm[i].key_len = CIPHERS[i].key_len;
    if (!find_cipher(s, CIPHERS[i].openssl_name, &s->gcm[i])) return "OpenSSL has no AES-GCM with all its functions";
  }
  return NULL;
}

struct openssl *openssl_open(const char **fault) {
  struct source from = {0};
  struct openssl *s = calloc(1, sizeof *s);
  if (s == NULL) *fault = "out of memory";
  else if (!find_all(s, &from)) *fault = from.fault;
  else *fault = find_ciphers(s);
  if (*fault == NULL) return s;
  openssl_close(s);
  return NULL;
}

void openssl_close(struct openssl *s) {
  if (s == NULL) return;
  if (s->algorithms != NULL) s->unquery(s->provider_of(s->fetched), OSSL_OP_CIPHER, s->algorithms);
  if (s->fetched != NULL) s->cipher_free(s->fetched);
  free(s);
}

const struct gcm *openssl_gcm(const struct openssl *s, const char *algorithm) {
  for (size_t i = 0; i < GCM_COUNT; i++) {
    if (strcmp(s->gcm[i].algorithm, algorithm) == 0) return &s->gcm[i];
  }
  return NULL;
}
