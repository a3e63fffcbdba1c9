/*
 * The peer's address and port in shared memory: written by the thread that receives, read by those that send.
 * A sequence lock (odd: being written) keeps a reader from taking half of each of two addresses.
 */
#ifndef L2VPND_ENDPOINT_H
#define L2VPND_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* Octets of the shared array, which is aligned to 4. */
#define ENDPOINT_LEN 64

/* False while no address is known, or one is being written for unusually long. */
bool endpoint_load(const uint8_t *shared, struct sockaddr_storage *out, socklen_t *len);
/* One writer at a time. Returns whether it was another address before. */
bool endpoint_store(uint8_t *shared, const struct sockaddr_storage *addr, socklen_t len);

#endif
