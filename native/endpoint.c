/* The sequence lock over an address, and what JavaScript does with it: set it, and print it. */
#include "endpoint.h"
#include "args.h"
#include "error.h"
#include "value.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define ADDR_WORDS 8 /* sockaddr_in6 is 28 octets */
#define LOAD_TRIES 1000

struct shared {
  _Atomic uint32_t sequence;
  _Atomic uint32_t len; /* 0: unknown */
  _Atomic uint32_t word[ADDR_WORDS];
};
_Static_assert(sizeof(struct shared) <= ENDPOINT_LEN, "an endpoint fits its array");

bool endpoint_load(const uint8_t *memory, struct sockaddr_storage *out, socklen_t *len) {
  struct shared *s = (struct shared *)(uintptr_t)memory;
  uint32_t words[ADDR_WORDS];
  for (int tries = 0; tries < LOAD_TRIES; tries++) {
    const uint32_t before = atomic_load_explicit(&s->sequence, memory_order_acquire);
    if ((before & 1) != 0) continue;
    const uint32_t octets = atomic_load_explicit(&s->len, memory_order_relaxed);
    for (int i = 0; i < ADDR_WORDS; i++) words[i] = atomic_load_explicit(&s->word[i], memory_order_relaxed);
    atomic_thread_fence(memory_order_acquire);
    if (atomic_load_explicit(&s->sequence, memory_order_relaxed) != before) continue;
    if (octets == 0 || octets > sizeof words) return false;
    memset(out, 0, sizeof *out);
    memcpy(out, words, octets);
    *len = octets;
    return true;
  }
  return false;
}

bool endpoint_store(uint8_t *memory, const struct sockaddr_storage *addr, socklen_t len) {
  struct shared *s = (struct shared *)memory;
  struct sockaddr_storage known;
  socklen_t known_len;
  uint32_t words[ADDR_WORDS] = {0};
  if (len > sizeof words) return false;
  if (endpoint_load(memory, &known, &known_len) && known_len == len && memcmp(&known, addr, len) == 0) return false;
  memcpy(words, addr, len);
  uint32_t sequence = atomic_load_explicit(&s->sequence, memory_order_relaxed);
  if ((sequence & 1) != 0 || !atomic_compare_exchange_strong_explicit(&s->sequence, &sequence, sequence + 1,
                                                                      memory_order_acquire, memory_order_relaxed)) {
    return false;
  }
  atomic_thread_fence(memory_order_release);
  atomic_store_explicit(&s->len, len, memory_order_relaxed);
  for (int i = 0; i < ADDR_WORDS; i++) atomic_store_explicit(&s->word[i], words[i], memory_order_relaxed);
  atomic_store_explicit(&s->sequence, sequence + 2, memory_order_release);
  return true;
}

bool read_endpoint(napi_env env, napi_value value, uint8_t **out) {
  struct span span;
  if (!read_span(env, value, "endpoint", &span)) return false;
  if (span.len != ENDPOINT_LEN || (uintptr_t)span.data % sizeof(uint32_t) != 0) {
    throw_range(env, "\"endpoint\" expected 64 octets, aligned to 4");
    return false;
  }
  *out = span.data;
  return true;
}

napi_value set_endpoint(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  uint8_t *endpoint;
  char address[NAME_MAX_LEN], service[8];
  uint32_t port;
  if (!read_args(env, info, 3, argv) || !read_endpoint(env, argv[0], &endpoint) ||
      !read_text(env, argv[1], "address", address, sizeof address) || !read_u32(env, argv[2], "port", &port)) {
    return NULL;
  }
  if (port == 0 || port > UINT16_MAX) return throw_range(env, "\"port\" expected 1 to 65535");
  snprintf(service, sizeof service, "%u", port);
  const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_DGRAM};
  struct addrinfo *found = NULL;
  if (getaddrinfo(address, service, &hints, &found) != 0 || found == NULL) {
    return throw_errno(env, EINVAL, "getaddrinfo", address);
  }
  struct sockaddr_storage addr = {0};
  memcpy(&addr, found->ai_addr, found->ai_addrlen);
  const bool changed = endpoint_store(endpoint, &addr, found->ai_addrlen);
  freeaddrinfo(found);
  return make_bool(env, changed);
}

napi_value copy_endpoint(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  uint8_t *to, *from;
  struct sockaddr_storage addr;
  socklen_t len;
  if (!read_args(env, info, 2, argv) || !read_endpoint(env, argv[0], &to) || !read_endpoint(env, argv[1], &from)) {
    return NULL;
  }
  return make_bool(env, endpoint_load(from, &addr, &len) && endpoint_store(to, &addr, len));
}

napi_value endpoint_text(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  uint8_t *endpoint;
  struct sockaddr_storage addr;
  socklen_t len;
  char host[NI_MAXHOST], port[NI_MAXSERV], text[NI_MAXHOST + NI_MAXSERV + 4];
  if (!read_args(env, info, 1, argv) || !read_endpoint(env, argv[0], &endpoint)) return NULL;
  if (!endpoint_load(endpoint, &addr, &len) || getnameinfo((const struct sockaddr *)&addr, len, host, sizeof host, port,
                                                           sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return make_null(env);
  }
  snprintf(text, sizeof text, addr.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
  return make_text(env, text);
}
