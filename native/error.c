/* Throwing: one helper for failed system calls, two for our caller's mistakes. */
#include "error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Of a message; what is longer is cut. */
#define TEXT_MAX_LEN 512

/* errno's name, as in `man 3 errno`. A table of our own, since strerrorname_np() is glibc's alone. */
static const char *errno_name(int err) {
#define NAME(e)                                                                                                        \
  case e:                                                                                                              \
    return #e
  switch (err) {
    NAME(EPERM);
    NAME(ENOENT);
    NAME(EINTR);
    NAME(EIO);
    NAME(ENXIO);
    NAME(EBADF);
    NAME(EAGAIN);
    NAME(ENOMEM);
    NAME(EACCES);
    NAME(EFAULT);
    NAME(EBUSY);
    NAME(EEXIST);
    NAME(ENODEV);
    NAME(ENOTDIR);
    NAME(EISDIR);
    NAME(EINVAL);
    NAME(ENFILE);
    NAME(EMFILE);
    NAME(ENOTTY);
    NAME(ENOSPC);
    NAME(EROFS);
    NAME(EPIPE);
    NAME(ERANGE);
    NAME(ENAMETOOLONG);
    NAME(ENOSYS);
    NAME(ELOOP);
    NAME(ENOTUNIQ);
    NAME(EBADFD);
    NAME(ENOTSOCK);
    NAME(EDESTADDRREQ);
    NAME(EMSGSIZE);
    NAME(ENOPROTOOPT);
    NAME(EPROTONOSUPPORT);
    NAME(ESOCKTNOSUPPORT);
    NAME(EOPNOTSUPP);
    NAME(EPFNOSUPPORT);
    NAME(EAFNOSUPPORT);
    NAME(EADDRINUSE);
    NAME(EADDRNOTAVAIL);
    NAME(ENETDOWN);
    NAME(ENETUNREACH);
    NAME(ENETRESET);
    NAME(ECONNABORTED);
    NAME(ECONNRESET);
    NAME(ENOBUFS);
    NAME(ENOTCONN);
    NAME(ETIMEDOUT);
    NAME(ECONNREFUSED);
    NAME(EHOSTDOWN);
    NAME(EHOSTUNREACH);
  default:
    return "EUNKNOWN";
  }
#undef NAME
}

static napi_value put_text(napi_env env, napi_value error, const char *key, const char *text) {
  napi_value value;
  TRY_NAPI(env, napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value));
  TRY_NAPI(env, napi_set_named_property(env, error, key, value));
  return value;
}

napi_value throw_errno(napi_env env, int err, const char *syscall_name, const char *subject) {
  char text[TEXT_MAX_LEN];
  const bool named = subject != NULL && subject[0] != '\0';
  snprintf(text, sizeof text, "%s%s%s: %s", syscall_name, named ? " " : "", named ? subject : "", strerror(err));
  napi_value message, error, number;
  TRY_NAPI(env, napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &message));
  TRY_NAPI(env, napi_create_error(env, NULL, message, &error));
  TRY_NAPI(env, napi_create_int32(env, err, &number));
  TRY_NAPI(env, napi_set_named_property(env, error, "errno", number));
  if (put_text(env, error, "code", errno_name(err)) == NULL) return NULL;
  if (put_text(env, error, "syscall", syscall_name) == NULL) return NULL;
  TRY_NAPI(env, napi_throw(env, error));
  return NULL;
}

/* Throwing can only fail where an exception is pending already, which then is the one to report. */
napi_value throw_type(napi_env env, const char *what) {
  (void)!napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", what);
  return NULL;
}

napi_value throw_range(napi_env env, const char *what) {
  (void)!napi_throw_range_error(env, "ERR_OUT_OF_RANGE", what);
  return NULL;
}

bool throw_expected(napi_env env, const char *name, const char *type) {
  char text[TEXT_MAX_LEN];
  snprintf(text, sizeof text, "\"%s\" expected %s", name, type);
  throw_type(env, text);
  return false;
}

bool napi_good(napi_env env, napi_status status, const char *what) {
  if (status == napi_ok) return true;
  bool pending = false;
  if (napi_is_exception_pending(env, &pending) == napi_ok && pending) return false;
  char text[TEXT_MAX_LEN];
  snprintf(text, sizeof text, "Node-API status %d from %s", (int)status, what);
  (void)!napi_throw_error(env, "ERR_NAPI", text);
  return false;
}
