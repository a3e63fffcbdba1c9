/*
 * What a daemon hands on to the one that takes its place: descriptors by messages on a Unix socket (man 7 unix,
 * SCM_RIGHTS), and octets in memory that has a descriptor and no name (man 2 memfd_create). Keys go that way, and never to
 * a disk.
 */
#include "hand-over.h"
#include "args.h"
#include "error.h"
#include "fd-message.h"
#include "value.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

/* Linux before 6.3 does not know that nobody wants to run it. */
static int create_memory(const char *name) {
  const int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
  return fd >= 0 || errno != EINVAL ? fd : memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

/* Returns 0 or errno. */
static int write_all(int fd, const struct span *octets) {
  for (size_t at = 0; at < octets->len;) {
    const ssize_t n = write(fd, octets->data + at, octets->len - at);
    if (n < 0 && errno != EINTR) return errno;
    if (n > 0) at += (size_t)n;
  }
  return 0;
}

/* Nobody writes to it any more; who has read it may take what is in it away for all. */
napi_value open_memory(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  char name[NAME_MAX_LEN];
  struct span octets;
  if (!read_args(env, info, 2, argv) || !read_text(env, argv[0], "name", name, sizeof name) ||
      !read_span(env, argv[1], "octets", &octets)) {
    return NULL;
  }
  const int fd = create_memory(name);
  if (fd < 0) return throw_errno(env, errno, "memfd_create", name);
  int err = write_all(fd, &octets);
  if (err == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_GROW | F_SEAL_WRITE) != 0) err = errno;
  if (err == 0) return make_i32(env, fd);
  close(fd);
  return throw_errno(env, err, "memfd", name);
}

/* A name in the abstract namespace. */
struct place {
  struct sockaddr_un at;
  socklen_t len;
};

static bool read_place(napi_env env, napi_value value, struct place *place) {
  *place = (struct place){.at = {.sun_family = AF_UNIX}};
  if (!read_text(env, value, "name", place->at.sun_path + 1, sizeof place->at.sun_path - 1)) return false;
  place->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(place->at.sun_path + 1));
  return true;
}

static int open_unix(void) { return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); }

napi_value listen_unix(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  struct place place;
  if (!read_args(env, info, 1, argv) || !read_place(env, argv[0], &place)) return NULL;
  const int fd = open_unix();
  if (fd < 0) return throw_errno(env, errno, "socket", "AF_UNIX");
  if (bind(fd, (struct sockaddr *)&place.at, place.len) == 0 && listen(fd, 1) == 0) return make_i32(env, fd);
  const int err = errno;
  close(fd);
  return throw_errno(env, err, "bind", place.at.sun_path + 1);
}

napi_value connect_unix(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  struct place place;
  if (!read_args(env, info, 1, argv) || !read_place(env, argv[0], &place)) return NULL;
  const int fd = open_unix();
  if (fd < 0) return throw_errno(env, errno, "socket", "AF_UNIX");
  if (connect(fd, (struct sockaddr *)&place.at, place.len) == 0) return make_i32(env, fd);
  const int err = errno;
  close(fd);
  return throw_errno(env, err, "connect", place.at.sun_path + 1);
}

napi_value accept_unix(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int32_t fd;
  if (!read_args(env, info, 1, argv) || !read_i32(env, argv[0], "fd", &fd)) return NULL;
  const int taken = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (taken < 0 && errno != EAGAIN && errno != EINTR) return throw_errno(env, errno, "accept", NULL);
  return make_i32(env, taken);
}

napi_value unix_peer(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int32_t fd;
  void *data;
  size_t count;
  struct ucred cred;
  socklen_t len = sizeof cred;
  if (!read_args(env, info, 2, argv) || !read_i32(env, argv[0], "fd", &fd) ||
      !read_typed(env, argv[1], "peer", napi_int32_array, &data, &count)) {
    return NULL;
  }
  if (count < 2) return throw_range(env, "\"peer\" expected 2 elements");
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0) return throw_errno(env, errno, "SO_PEERCRED", NULL);
  ((int32_t *)data)[0] = (int32_t)cred.pid;
  ((int32_t *)data)[1] = (int32_t)cred.uid;
  return make_undefined(env);
}

napi_value send_fds(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  int32_t fd;
  struct span octets;
  void *fds;
  size_t count;
  struct fd_message message;
  if (!read_args(env, info, 3, argv) || !read_i32(env, argv[0], "fd", &fd) ||
      !read_span(env, argv[1], "octets", &octets) || !read_typed(env, argv[2], "fds", napi_int32_array, &fds, &count)) {
    return NULL;
  }
  if (count > MESSAGE_FDS_MAX) return throw_range(env, "\"fds\" expected 250 elements at most");
  fd_message_to_send(&message, octets.data, octets.len, fds, count);
  ssize_t n;
  do n = sendmsg(fd, &message.header, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  if (n < 0 && errno != EAGAIN) return throw_errno(env, errno, "sendmsg", NULL);
  return make_bool(env, n >= 0);
}

/* What was cut is not whole, and nobody can say what is missing: its descriptors are closed. */
static napi_value refuse_cut(napi_env env, const int32_t *fds, size_t count) {
  for (size_t i = 0; i < count; i++) close(fds[i]);
  return throw_errno(env, EMSGSIZE, "recvmsg", NULL);
}

napi_value receive_fds(napi_env env, napi_callback_info info) {
  napi_value argv[4];
  int32_t fd, *came;
  struct span octets;
  void *fds;
  size_t room;
  struct fd_message message;
  if (!read_args(env, info, 4, argv) || !read_i32(env, argv[0], "fd", &fd) ||
      !read_span(env, argv[1], "octets", &octets) || !read_typed(env, argv[2], "fds", napi_int32_array, &fds, &room) ||
      !read_status(env, argv[3], &came)) {
    return NULL;
  }
  if (room < MESSAGE_FDS_MAX) return throw_range(env, "\"fds\" expected 250 elements");
  fd_message_to_receive(&message, octets.data, octets.len);
  ssize_t n;
  do n = recvmsg(fd, &message.header, MSG_CMSG_CLOEXEC);
  while (n < 0 && errno == EINTR);
  *came = 0;
  if (n < 0) return errno == EAGAIN ? make_i32(env, -1) : throw_errno(env, errno, "recvmsg", NULL);
  const size_t count = fd_message_fds(&message, fds);
  if ((message.header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) return refuse_cut(env, fds, count);
  *came = (int32_t)count;
  return make_i32(env, (int32_t)n);
}

napi_value close_on_exec(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int32_t fd;
  if (!read_args(env, info, 1, argv) || !read_i32(env, argv[0], "fd", &fd)) return NULL;
  if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) return throw_errno(env, errno, "fcntl F_SETFD", NULL);
  return make_undefined(env);
}

/* Who asks the kernel for the holder of a socket that listens gets the process that listened last. */
napi_value listen_again(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int32_t fd;
  if (!read_args(env, info, 1, argv) || !read_i32(env, argv[0], "fd", &fd)) return NULL;
  if (listen(fd, 1) != 0) return throw_errno(env, errno, "listen", NULL);
  return make_undefined(env);
}
