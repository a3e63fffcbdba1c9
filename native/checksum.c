/* The Internet checksum, 4 octets a step so that the compiler can make it 32 at a time. */
#include "checksum.h"

#include <string.h>

/* One function for this machine's vector unit and one for any; the linker's resolver picks (glibc only). */
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(L2VPND_NO_CLONES)
#define FOR_EACH_CPU __attribute__((target_clones("avx2", "default")))
#else
#define FOR_EACH_CPU
#endif
#if defined(__GNUC__) && !defined(__clang__)
#define VECTORIZED __attribute__((optimize("O3")))
#else
#define VECTORIZED
#endif

/* Up to 2^32 words of 32 bits fit the 64-bit sum without losing a carry. */
FOR_EACH_CPU VECTORIZED uint64_t checksum_add(uint64_t sum, const uint8_t *data, size_t len) {
  const size_t words = len / 4;
  uint64_t total = 0;
  for (size_t i = 0; i < words; i++) {
    uint32_t word;
    memcpy(&word, data + 4 * i, 4);
    total += word;
  }
  if ((len & 3) != 0) {
    uint32_t rest = 0;
    memcpy(&rest, data + 4 * words, len & 3);
    total += rest;
  }
  return sum + (total & 0xffffffff) + (total >> 32);
}

uint16_t checksum_fold(uint64_t sum) {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)sum;
}
