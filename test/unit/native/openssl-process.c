/*
 * Says in one line what native/openssl.c makes of a process's OpenSSL. This program is that process: it exports
 * OpenSSL's functions itself, as a node does that was linked with it, in the way that is to be refused.
 *   -DMAJOR=<n>        exports OPENSSL_version_major, which returns n
 *   -DPROVIDER=<name>  exports the others, whose AES-GCM comes from the provider of that name
 */
#include "../../../native/openssl.h"

#include <stdio.h>

#ifdef MAJOR
unsigned OPENSSL_version_major(void) { return MAJOR; }
#endif

#ifdef PROVIDER
static const OSSL_ALGORITHM NONE[1];
static int fetched;

const char *OpenSSL_version(int type) {
  (void)type;
  return "OpenSSL of a test";
}
EVP_CIPHER *EVP_CIPHER_fetch(void *libctx, const char *algorithm, const char *properties) {
  (void)libctx;
  (void)algorithm;
  (void)properties;
  fetched++;
  return (EVP_CIPHER *)&fetched;
}
void EVP_CIPHER_free(EVP_CIPHER *cipher) {
  (void)cipher;
  fetched--;
}
const OSSL_PROVIDER *EVP_CIPHER_get0_provider(const EVP_CIPHER *cipher) { return (const OSSL_PROVIDER *)cipher; }
const char *OSSL_PROVIDER_get0_name(const OSSL_PROVIDER *provider) {
  (void)provider;
  return PROVIDER;
}
void *OSSL_PROVIDER_get0_provider_ctx(const OSSL_PROVIDER *provider) {
  (void)provider;
  return NULL;
}
const OSSL_ALGORITHM *OSSL_PROVIDER_query_operation(const OSSL_PROVIDER *provider, int operation, int *no_cache) {
  (void)provider;
  (void)operation;
  *no_cache = 0;
  return NONE;
}
void OSSL_PROVIDER_unquery_operation(const OSSL_PROVIDER *provider, int operation, const OSSL_ALGORITHM *algorithms) {
  (void)provider;
  (void)operation;
  (void)algorithms;
}
#endif

#ifndef LIBRARY
int main(void) {
  const char *fault = NULL;
  const struct openssl *ssl = openssl_open(&fault);
  puts(ssl == NULL ? fault : "usable");
#ifdef PROVIDER
  if (fetched != 0) puts("a cipher was not freed");
#endif
  return 0;
}
#endif
