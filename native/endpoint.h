/*
 * The peer's address and port in shared memory: written by the thread that receives and by the main thread, read by those
 * that send. A sequence lock (odd: being written) keeps a reader from taking half of each of two addresses, and two
 * writers apart.
 */
#ifndef L2VPND_ENDPOINT_H
#define L2VPND_ENDPOINT_H

#include <node_api.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* Octets of the shared array, which is aligned to 4. */
#define ENDPOINT_LEN 64

/* False while no address is known, or one is being written for unusually long. */
bool endpoint_load(const uint8_t *shared, struct sockaddr_storage *out, socklen_t *len);
/* Returns whether it was another address before; false too where another thread is writing one: the next frame stores again. */
bool endpoint_store(uint8_t *shared, const struct sockaddr_storage *addr, socklen_t len);

/* An endpoint's array as an argument. Dead when the function returns. */
bool read_endpoint(napi_env env, napi_value value, uint8_t **out);

napi_value set_endpoint(napi_env env, napi_callback_info info);
napi_value copy_endpoint(napi_env env, napi_callback_info info);
napi_value endpoint_text(napi_env env, napi_callback_info info);

#endif
