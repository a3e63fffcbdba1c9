/* What the fuzzers share: `must` ends the run, an oracle of its own says whether checksums are right. */
#ifndef L2VPND_FUZZ_CHECK_H
#define L2VPND_FUZZ_CHECK_H

#include "../headers.h"

#include <stdio.h>
#include <stdlib.h>

#define must(condition)                                                                                                \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      fprintf(stderr, "%s:%d: must be: %s\n", __FILE__, __LINE__, #condition);                                         \
      abort();                                                                                                         \
    }                                                                                                                  \
  } while (0)

/* RFC 1071, two octets at a time. */
static inline uint32_t plain_sum(uint32_t sum, const uint8_t *data, size_t len) {
  for (size_t i = 0; i < len; i += 2) {
    sum += (uint32_t)data[i] << 8 | (i + 1 < len ? data[i + 1] : 0);
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return sum;
}

static inline uint32_t plain_pseudo(const uint8_t *frame, const struct headers *h, size_t len) {
  const uint32_t l4_len = (uint32_t)(len - h->l4);
  uint32_t sum = plain_sum(0, frame + h->l3 + (h->version == 4 ? 12 : 8), h->version == 4 ? 8 : 32);
  sum += h->protocol + (l4_len & 0xffff) + (l4_len >> 16);
  return (sum & 0xffff) + (sum >> 16);
}

static inline bool checksums_right(const uint8_t *frame, const struct headers *h, size_t len) {
  if (h->version == 4 && plain_sum(0, frame + h->l3, (size_t)(frame[h->l3] & 15) * 4) != 0xffff) return false;
  return plain_sum(plain_pseudo(frame, h, len), frame + h->l4, len - h->l4) == 0xffff;
}

#endif
