/*
 * libFuzzer: any order of opening and closing handles, against a plain array. Input: two octets a step, which name
 * an address of 1024 and what happens to it.
 */
#include "../handle-table.h"
#include "check.h"

#define ADDRESSES 1024

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct handle_table table = {0};
  uint8_t kinds[ADDRESSES] = {0};
  static const uint8_t memory[ADDRESSES * 16];
  size_t open = 0;
  for (size_t i = 0; i + 1 < size; i += 2) {
    const size_t n = (size_t)(data[i] | (data[i + 1] & 3) << 8);
    const void *object = memory + 16 * n;
    if (kinds[n] != HANDLE_NONE) {
      handle_table_remove(&table, object);
      kinds[n] = HANDLE_NONE;
      open--;
    } else {
      kinds[n] = (uint8_t)(1 + (data[i + 1] >> 2) % HANDLE_JOB);
      must(handle_table_put(&table, object, (enum handle_kind)kinds[n]));
      open++;
    }
    must(table.count == open);
  }
  for (size_t n = 0; n < ADDRESSES; n++) must(handle_table_find(&table, memory + 16 * n) == kinds[n]);
  handle_table_remove(&table, &table);
  must(handle_table_find(&table, &table) == HANDLE_NONE && table.count == open);
  handle_table_free(&table);
  return 0;
}
