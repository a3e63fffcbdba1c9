/* The arrays of a batch, as the objects of addon.ts bring them. */
#ifndef L2VPND_ARRAYS_H
#define L2VPND_ARRAYS_H

#include "args.h"

/* Octets of an IV, and the slot of a frame that has nothing to seal or open. */
#define IV_LEN 12
#define NO_SLOT 255

/* `FrameArrays`, see addon.ts. `n` is the length of the shortest array. Dead when the function returns. */
struct frames {
  uint8_t *arena;
  size_t arena_len;
  uint32_t *at;
  uint32_t *len;
  uint8_t *verdict;
  uint8_t *tos; /* NULL where the object has none */
  size_t n;
};

/* `AeadJobArrays`, see addon.ts. `n` is how many frames the arrays have room for. Dead like `struct frames`. */
struct job_arrays {
  struct span arena, iv, slot, ok;
  uint32_t *at, *aad_len, *text_len;
  size_t n;
};

bool read_frame_arrays(napi_env env, napi_value object, struct frames *out);
bool read_job_arrays(napi_env env, napi_value object, struct job_arrays *out);

#endif
