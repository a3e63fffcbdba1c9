/*
 * The Internet checksum (RFC 1071), in the machine's own byte order: a 16-bit ones' complement sum does not
 * care, as long as its result is stored the way it was added up.
 */
#ifndef L2VPND_CHECKSUM_H
#define L2VPND_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* Adds `len` octets to `sum`. All pieces but the last must have even lengths. */
uint64_t checksum_add(uint64_t sum, const uint8_t *data, size_t len);
/* The sum in 16 bits, not complemented. */
uint16_t checksum_fold(uint64_t sum);

#endif
