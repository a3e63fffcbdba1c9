/*
 * Which addresses are open handles of this environment, and of what kind: a hash table with open addressing.
 * Whether a handle is ours is decided by its address alone, so that memory of others is never looked at.
 */
#ifndef L2VPND_HANDLE_TABLE_H
#define L2VPND_HANDLE_TABLE_H

#include <stdbool.h>
#include <stddef.h>

enum handle_kind {
  HANDLE_NONE,
  HANDLE_TAP,
  HANDLE_SOCKET,
  HANDLE_UDP,
  HANDLE_KEYRING,
  HANDLE_FRAMES,
  HANDLE_JOB,
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
/* HANDLE_NONE where it is not in it. HOT PATH. */
enum handle_kind handle_table_find(const struct handle_table *table, const void *object);
void handle_table_remove(struct handle_table *table, const void *object);
void handle_table_free(struct handle_table *table);

#endif
