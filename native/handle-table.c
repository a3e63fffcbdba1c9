/* Linear probing; removal moves what follows back (Knuth, TAOCP 3, 6.4, algorithm R), so there are no tombstones. */
#include "handle-table.h"

#include <stdlib.h>

#define FIRST_CAPACITY 64

static bool grow(struct handle_table *table) {
  struct handle_table wider = {.capacity = table->capacity == 0 ? FIRST_CAPACITY : 2 * table->capacity};
  wider.entries = calloc(wider.capacity, sizeof *wider.entries);
  if (wider.entries == NULL) return false;
  wider.count = table->count;
  for (size_t i = 0; i < table->capacity; i++) {
    const struct handle_entry *entry = &table->entries[i];
    if (entry->object != NULL) wider.entries[handle_table_place(&wider, entry->object)] = *entry;
  }
  free(table->entries);
  *table = wider;
  return true;
}

bool handle_table_put(struct handle_table *table, const void *object, enum handle_kind kind) {
  if (2 * (table->count + 1) > table->capacity && !grow(table)) return false;
  table->entries[handle_table_place(table, object)] = (struct handle_entry){.object = object, .kind = kind};
  table->count++;
  return true;
}

void handle_table_remove(struct handle_table *table, const void *object) {
  if (handle_table_find(table, object) == HANDLE_NONE) return;
  const size_t mask = table->capacity - 1;
  size_t hole = handle_table_place(table, object);
  for (size_t i = (hole + 1) & mask; table->entries[i].object != NULL; i = (i + 1) & mask) {
    const size_t home = handle_table_home(table, table->entries[i].object);
    /* An entry may move to the hole unless its home lies behind it. */
    if (((i - home) & mask) < ((i - hole) & mask)) continue;
    table->entries[hole] = table->entries[i];
    hole = i;
  }
  table->entries[hole] = (struct handle_entry){0};
  table->count--;
}

void handle_table_free(struct handle_table *table) {
  free(table->entries);
  *table = (struct handle_table){0};
}
