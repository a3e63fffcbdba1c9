/* AES-GCM over a batch. */
#ifndef L2VPND_AEAD_H
#define L2VPND_AEAD_H

#include <node_api.h>

/* Octets of an ICV. */
#define ICV_MIN 8
#define ICV_MAX 16

napi_value openssl_version(napi_env env, napi_callback_info info);
napi_value openssl_fault(napi_env env, napi_callback_info info);
napi_value open_keyring(napi_env env, napi_callback_info info);
napi_value set_key(napi_env env, napi_callback_info info);
napi_value clear_key(napi_env env, napi_callback_info info);
napi_value close_keyring(napi_env env, napi_callback_info info);
napi_value aead_seal(napi_env env, napi_callback_info info);
napi_value aead_open(napi_env env, napi_callback_info info);

#endif
