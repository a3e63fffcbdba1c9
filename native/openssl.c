/* Finding OpenSSL's functions in the running process, and fetching the two ciphers once. */
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
         find(&s->cipher_free, "EVP_CIPHER_free") && find(&s->ctx_new, "EVP_CIPHER_CTX_new") &&
         find(&s->ctx_free, "EVP_CIPHER_CTX_free") && find(&s->get_params, "EVP_CIPHER_CTX_get_params") &&
         find(&s->set_params, "EVP_CIPHER_CTX_set_params") &&
         find(&s->cipher_init, "EVP_CipherInit_ex2") && find(&s->seal_update, "EVP_EncryptUpdate") &&
         find(&s->seal_final, "EVP_EncryptFinal_ex") && find(&s->open_update, "EVP_DecryptUpdate") &&
         find(&s->open_final, "EVP_DecryptFinal_ex");
}

struct openssl *openssl_open(void) {
  struct openssl *s = calloc(1, sizeof *s);
  if (s == NULL) return NULL;
  if (!find_all(s)) {
    free(s);
    return NULL;
  }
  s->aes_128_gcm = s->cipher_fetch(NULL, "AES-128-GCM", NULL);
  s->aes_256_gcm = s->cipher_fetch(NULL, "AES-256-GCM", NULL);
  s->holders = 1;
  if (s->aes_128_gcm != NULL && s->aes_256_gcm != NULL) return s;
  openssl_release(s);
  return NULL;
}

struct openssl *openssl_hold(struct openssl *s) {
  s->holders++;
  return s;
}

void openssl_release(struct openssl *s) {
  if (s == NULL || --s->holders > 0) return;
  s->cipher_free(s->aes_128_gcm);
  s->cipher_free(s->aes_256_gcm);
  free(s);
}
