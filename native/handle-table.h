/*
 * Which addresses are open handles of this environment, and of what kind: a hash table with open addressing.
 * Whether a handle is ours is decided by its address alone, so that memory of others is never looked at.
 */
#ifndef L2VPND_HANDLE_TABLE_H
#define L2VPND_HANDLE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum handle_kind {
  HANDLE_NONE,
  HANDLE_TAP,
  HANDLE_SOCKET,
  HANDLE_UDP,
  HANDLE_KEYRING,
  HANDLE_FRAMES,
  HANDLE_JOB,
  HANDLE_READABLE,
};

struct handle_entry {
  const void *object; /* NULL: free */
  enum handle_kind kind;
};

/* All zero: empty. */
struct handle_table {
  struct handle_entry *entries;
  size_t capacity; /* 0, or a power of two; at most half are in use */
  size_t count;
};

/* False where there is no memory. `object` is not in it yet. */
bool handle_table_put(struct handle_table *table, const void *object, enum handle_kind kind);
void handle_table_remove(struct handle_table *table, const void *object);
void handle_table_free(struct handle_table *table);

/* Fibonacci hashing: allocations are aligned to 16 octets, and the product's upper half is well mixed. */
static inline size_t handle_table_home(const struct handle_table *table, const void *object) {
  const uint64_t product = (uint64_t)((uintptr_t)object >> 4) * UINT64_C(0x9e3779b97f4a7c15);
  return (size_t)(product >> 32) & (table->capacity - 1);
}

/* Where `object` is, or the free place where it would go. The table has a free place. */
static inline size_t handle_table_place(const struct handle_table *table, const void *object) {
  size_t i = handle_table_home(table, object);
  while (table->entries[i].object != NULL && table->entries[i].object != object) i = (i + 1) & (table->capacity - 1);
  return i;
}

/* HANDLE_NONE where it is not in it. HOT PATH. */
static inline enum handle_kind handle_table_find(const struct handle_table *table, const void *object) {
  if (table->capacity == 0 || object == NULL) return HANDLE_NONE;
  return table->entries[handle_table_place(table, object)].kind;
}

#endif
