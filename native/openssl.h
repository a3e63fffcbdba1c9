/*
 * The OpenSSL that this node process already runs on, found by dlsym: no headers, no link-time dependency.
 * The prototypes are those of the public API of OpenSSL 3 (man 3 EVP_EncryptInit), whose ABI is stable.
 */
#ifndef L2VPND_OPENSSL_H
#define L2VPND_OPENSSL_H

#include <stddef.h>

typedef struct evp_cipher_st EVP_CIPHER;
typedef struct evp_cipher_ctx_st EVP_CIPHER_CTX;

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

struct openssl {
  const char *(*version)(int type);
  EVP_CIPHER *(*cipher_fetch)(void *libctx, const char *algorithm, const char *properties);
  void (*cipher_free)(EVP_CIPHER *cipher);
  EVP_CIPHER_CTX *(*ctx_new)(void);
  void (*ctx_free)(EVP_CIPHER_CTX *ctx);
  int (*get_params)(EVP_CIPHER_CTX *ctx, OSSL_PARAM params[]);
  int (*set_params)(EVP_CIPHER_CTX *ctx, const OSSL_PARAM params[]);
  int (*cipher_init)(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher, const unsigned char *key,
                     const unsigned char *iv, int enc, const void *params);
  int (*seal_update)(EVP_CIPHER_CTX *ctx, unsigned char *out, int *out_len, const unsigned char *in, int in_len);
  int (*seal_final)(EVP_CIPHER_CTX *ctx, unsigned char *out, int *out_len);
  int (*open_update)(EVP_CIPHER_CTX *ctx, unsigned char *out, int *out_len, const unsigned char *in, int in_len);
  int (*open_final)(EVP_CIPHER_CTX *ctx, unsigned char *out, int *out_len);
  EVP_CIPHER *aes_128_gcm;
  EVP_CIPHER *aes_256_gcm;
  unsigned holders; /* the environment and each of its keyrings, in whatever order they go; one thread */
};

/* With one holder. NULL where a function or a cipher is missing. */
struct openssl *openssl_open(void);
struct openssl *openssl_hold(struct openssl *ssl);
/* Frees it with the last holder. */
void openssl_release(struct openssl *ssl);

#endif
