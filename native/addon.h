/*
 * What the files of the addon share: per-environment state, reading arguments, throwing errors.
 *
 * Rules. Nothing that belongs to JavaScript outlives the call that brought it: every `struct span` and
 * `struct frames` points into a typed array's memory and is dead when its function returns. There are no
 * globals, since each worker thread loads the addon: state hangs on napi_set_instance_data.
 */
#ifndef L2VPND_ADDON_H
#define L2VPND_ADDON_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct openssl;

/* One a Node environment (main thread, each worker). */
struct addon {
  struct openssl *ssl; /* NULL where OpenSSL cannot be reached */
};

/* --- error.c ------------------------------------------------------------------------------------- */

/* Throws a SystemError: message "<what> [<subject>]: <strerror>", code, errno, syscall. Returns NULL. */
napi_value throw_errno(napi_env env, int err, const char *syscall_name, const char *subject);
napi_value throw_type(napi_env env, const char *what);
napi_value throw_range(napi_env env, const char *what);
/* False (and an exception is pending) unless `status` is napi_ok. */
bool napi_good(napi_env env, napi_status status, const char *what);

#define TRY_NAPI(env, call)                                                                            \
  do {                                                                                                 \
    if (!napi_good((env), (call), #call)) return NULL;                                                 \
  } while (0)

/* --- args.c: each returns false with an exception pending ---------------------------------------- */

/* Octets of a Uint8Array (or Buffer). Dead when the function returns. */
struct span {
  uint8_t *data;
  size_t len;
};

/* `FrameArrays`, see addon.ts. `n` is the length of the shortest array. Dead when the function returns. */
struct frames {
  uint8_t *arena;
  size_t arena_len;
  uint32_t *at;
  uint32_t *len;
  uint8_t *verdict;
  size_t n;
};

/* `AeadJobArrays`, see addon.ts. `n` is how many frames the arrays have room for. Dead like `struct frames`. */
struct job_arrays {
  struct span arena, iv, slot, ok;
  uint32_t *at, *aad_len, *text_len;
  size_t n;
};

#define NAME_MAX_LEN 256

bool read_args(napi_env env, napi_callback_info info, size_t want, napi_value *argv);
bool read_i32(napi_env env, napi_value value, const char *name, int32_t *out);
bool read_u32(napi_env env, napi_value value, const char *name, uint32_t *out);
bool read_bool(napi_env env, napi_value value, const char *name, bool *out);
/* `size` counts the NUL; a longer string, or one with a NUL in it, is refused. */
bool read_text(napi_env env, napi_value value, const char *name, char *out, size_t size);
/* A typed array of exactly `type`; `count` in elements. */
bool read_typed(napi_env env, napi_value value, const char *name, napi_typedarray_type type, void **data,
                size_t *count);
bool read_span(napi_env env, napi_value value, const char *name, struct span *out);
bool read_member(napi_env env, napi_value object, const char *name, napi_value *out);
bool read_frames(napi_env env, napi_value value, struct frames *out);
bool read_job_arrays(napi_env env, napi_value value, struct job_arrays *out);
/* status: an Int32Array of at least one element. */
bool read_status(napi_env env, napi_value value, int32_t **out);
/* The native object behind a handle, whose first member is a uint32_t equal to `magic`. */
bool read_handle(napi_env env, napi_value value, uint32_t magic, const char *name, void **out);

/* --- bound.c ------------------------------------------------------------------------------------- */

#define BOUND_FRAMES 0x626e6466u
#define BOUND_JOB 0x626e646au
#define BOUND_REFS 7

struct bound {
  uint32_t magic;
  union {
    struct frames frames;
    struct job_arrays job;
  };
  napi_ref refs[BOUND_REFS];
  size_t ref_count;
};

const struct bound *get_bound(napi_env env, napi_value value, uint32_t magic);
napi_value bind_frames(napi_env env, napi_callback_info info);
napi_value bind_job(napi_env env, napi_callback_info info);

/* --- values -------------------------------------------------------------------------------------- */
napi_value make_i32(napi_env env, int32_t value);
napi_value make_bool(napi_env env, bool value);
napi_value make_undefined(napi_env env);

/* --- each file's functions ----------------------------------------------------------------------- */
napi_value open_tap(napi_env env, napi_callback_info info);
napi_value set_tap_offload(napi_env env, napi_callback_info info);
napi_value detach_tap_queue(napi_env env, napi_callback_info info);
napi_value link_info(napi_env env, napi_callback_info info);
napi_value set_link_mac(napi_env env, napi_callback_info info);
napi_value set_link_mtu(napi_env env, napi_callback_info info);
napi_value set_link_up(napi_env env, napi_callback_info info);
napi_value add_to_bridge(napi_env env, napi_callback_info info);
napi_value open_gre_socket(napi_env env, napi_callback_info info);
napi_value open_udp_socket(napi_env env, napi_callback_info info);
napi_value path_mtu(napi_env env, napi_callback_info info);
napi_value close_fd(napi_env env, napi_callback_info info);
napi_value open_event(napi_env env, napi_callback_info info);
napi_value open_pair(napi_env env, napi_callback_info info);
napi_value signal_event(napi_env env, napi_callback_info info);
napi_value clear_event(napi_env env, napi_callback_info info);
napi_value wait_for(napi_env env, napi_callback_info info);
napi_value open_epoll(napi_env env, napi_callback_info info);
napi_value epoll_set(napi_env env, napi_callback_info info);
napi_value epoll_ready(napi_env env, napi_callback_info info);
napi_value open_tap_port(napi_env env, napi_callback_info info);
napi_value open_socket_port(napi_env env, napi_callback_info info);
napi_value tap_read(napi_env env, napi_callback_info info);
napi_value tap_write(napi_env env, napi_callback_info info);
napi_value udp_send(napi_env env, napi_callback_info info);
napi_value udp_receive(napi_env env, napi_callback_info info);
napi_value udp_learn(napi_env env, napi_callback_info info);
napi_value open_udp_port(napi_env env, napi_callback_info info);
napi_value set_endpoint(napi_env env, napi_callback_info info);
napi_value endpoint_text(napi_env env, napi_callback_info info);
napi_value socket_receive(napi_env env, napi_callback_info info);
napi_value socket_send(napi_env env, napi_callback_info info);
napi_value close_port(napi_env env, napi_callback_info info);
napi_value openssl_version(napi_env env, napi_callback_info info);
napi_value open_keyring(napi_env env, napi_callback_info info);
napi_value set_key(napi_env env, napi_callback_info info);
napi_value clear_key(napi_env env, napi_callback_info info);
napi_value close_keyring(napi_env env, napi_callback_info info);
napi_value aead_seal(napi_env env, napi_callback_info info);
napi_value aead_open(napi_env env, napi_callback_info info);
napi_value lock_file(napi_env env, napi_callback_info info);
napi_value harden_process(napi_env env, napi_callback_info info);
napi_value notify_socket(napi_env env, napi_callback_info info);
napi_value exit_now(napi_env env, napi_callback_info info);

#endif
