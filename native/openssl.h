/*
 * The OpenSSL 3 that this node process already runs on, found by dlsym: no headers, no link-time dependency.
 *
 * The ciphers' functions are those that the provider offers to libcrypto itself (man 7 provider-cipher): the same
 * code as behind EVP_EncryptInit and its kin, less what these ask on each call. On OpenSSL 3.0 that is the IV's
 * length, by comparing names: about 0.1 µs per frame (`npm run bench -- --part micro`, seal and open of 64 octets).
 * Prototypes are of the public API, whose ABI is stable within a major version: providers are loaded at run time.
 *
 * Only the default provider's functions are called so, since only theirs we know to need nothing of EVP. A FIPS
 * provider's stay behind EVP, where its module was validated, and so do other providers': with those there is no
 * OpenSSL here, and AES-GCM is node:crypto's work, which goes by EVP. A second way by EVP here would save little
 * over that one, and would have to be tested on its own.
 */
#ifndef L2VPND_OPENSSL_H
#define L2VPND_OPENSSL_H

#include <stddef.h>

/* Algorithms that a slot of a keyring can have. */
#define GCM_COUNT 2

typedef struct evp_cipher_st EVP_CIPHER;
typedef struct ossl_provider_st OSSL_PROVIDER;

/* man 3 OSSL_PARAM: a list of these ends with a key of NULL. */
typedef struct {
  const char *key;
  unsigned int data_type;
  void *data;
  size_t data_size;
  size_t return_size;
} OSSL_PARAM;
#define OSSL_PARAM_OCTET_STRING 5
#define OSSL_CIPHER_PARAM_AEAD_TAG "tag"

/* man 3 OSSL_DISPATCH, OSSL_ALGORITHM: lists that end with an id of 0, with names of NULL. */
typedef struct {
  int function_id;
  void (*function)(void);
} OSSL_DISPATCH;
typedef struct {
  const char *algorithm_names; /* "AES-128-GCM:id-aes128-GCM:…" */
  const char *property_definition;
  const OSSL_DISPATCH *implementation;
  const char *algorithm_description;
} OSSL_ALGORITHM;
#define OSSL_OP_CIPHER 2

/* A cipher of the provider. A context serves one direction; functions return 1 on success. */
struct gcm {
  const char *algorithm; /* as addon.ts names it: "aes-128-gcm" */
  size_t key_len;
  void *(*ctx_new)(void *provider_ctx);
  void (*ctx_free)(void *ctx); /* wipes the key schedule; NULL is fine */
  /* A key of NULL keeps the one there is, an IV of NULL likewise. */
  int (*seal_init)(void *ctx, const unsigned char *key, size_t key_len, const unsigned char *iv, size_t iv_len,
                   const OSSL_PARAM params[]);
  int (*open_init)(void *ctx, const unsigned char *key, size_t key_len, const unsigned char *iv, size_t iv_len,
                   const OSSL_PARAM params[]);
  int (*update)(void *ctx, unsigned char *out, size_t *out_len, size_t out_room, const unsigned char *in,
                size_t in_len);
  int (*final)(void *ctx, unsigned char *out, size_t *out_len, size_t out_room);
  int (*get_params)(void *ctx, OSSL_PARAM params[]);
  void *provider_ctx;
};

struct openssl {
  unsigned (*version_major)(void);
  const char *(*version)(int type);
  EVP_CIPHER *(*cipher_fetch)(void *libctx, const char *algorithm, const char *properties);
  void (*cipher_free)(EVP_CIPHER *cipher);
  const OSSL_PROVIDER *(*provider_of)(const EVP_CIPHER *cipher);
  const char *(*provider_name)(const OSSL_PROVIDER *provider);
  void *(*provider_ctx)(const OSSL_PROVIDER *provider);
  const OSSL_ALGORITHM *(*query)(const OSSL_PROVIDER *provider, int operation, int *no_cache);
  void (*unquery)(const OSSL_PROVIDER *provider, int operation, const OSSL_ALGORITHM *algorithms);
  EVP_CIPHER *fetched; /* holds the provider that the rest comes from */
  const OSSL_ALGORITHM *algorithms;
  struct gcm gcm[GCM_COUNT];
};

/* NULL where it cannot be used; `*fault` says why then, in a text that is never freed. */
struct openssl *openssl_open(const char **fault);
/* NULL is fine. No context of its ciphers is left. */
void openssl_close(struct openssl *ssl);
/* The cipher of that name, or NULL. */
const struct gcm *openssl_gcm(const struct openssl *ssl, const char *algorithm);

#endif
