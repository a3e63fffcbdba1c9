/* TAP devices (Linux Documentation/networking/tuntap.rst): opening one queue, and its offload flags. */
#include "tap.h"
#include "args.h"
#include "error.h"
#include "value.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* A frame to and from the TAP is preceded by struct virtio_net_hdr; tap-read.c and tap-write.c rely on this very size. */
static int set_header_len(int fd) {
  int len = sizeof(struct virtio_net_hdr);
  return ioctl(fd, TUNSETVNETHDRSZ, &len);
}

napi_value open_tap(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  struct ifreq ifr;
  bool multi_queue, first;
  memset(&ifr, 0, sizeof ifr);
  if (!read_args(env, info, 3, argv) || !read_text(env, argv[0], "ifname", ifr.ifr_name, IFNAMSIZ) ||
      !read_bool(env, argv[1], "multiQueue", &multi_queue) || !read_bool(env, argv[2], "first", &first)) {
    return NULL;
  }
  const int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return throw_errno(env, errno, "open", "/dev/net/tun");
  ifr.ifr_flags =
      (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (multi_queue ? IFF_MULTI_QUEUE : 0) | (first ? IFF_TUN_EXCL : 0));
  const char *failed = NULL;
  if (ioctl(fd, TUNSETIFF, &ifr) != 0) failed = "ioctl TUNSETIFF";
  else if (set_header_len(fd) != 0) failed = "ioctl TUNSETVNETHDRSZ";
  else if (ioctl(fd, TUNSETOFFLOAD, 0) != 0) failed = "ioctl TUNSETOFFLOAD";
  if (failed == NULL) return make_i32(env, fd);
  const int err = errno;
  close(fd);
  return throw_errno(env, err, failed, ifr.ifr_name);
}

napi_value set_tap_offload(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int32_t fd;
  uint32_t flags;
  if (!read_args(env, info, 2, argv) || !read_i32(env, argv[0], "fd", &fd) ||
      !read_u32(env, argv[1], "flags", &flags)) {
    return NULL;
  }
  if (ioctl(fd, TUNSETOFFLOAD, (unsigned long)flags) == 0) return make_bool(env, true);
  /* ENOTTY: not a TAP at all, but a socket that stands for one. */
  if (errno == EINVAL || errno == ENOTTY) return make_bool(env, false);
  return throw_errno(env, errno, "ioctl TUNSETOFFLOAD", NULL);
}

/* For the interface, whichever of its queues fd is. Opening a queue sets it up again. */
napi_value set_tap_carrier(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int32_t fd;
  bool up;
  if (!read_args(env, info, 2, argv) || !read_i32(env, argv[0], "fd", &fd) || !read_bool(env, argv[1], "up", &up)) {
    return NULL;
  }
  int carrier = up ? 1 : 0;
  if (ioctl(fd, TUNSETCARRIER, &carrier) != 0) return throw_errno(env, errno, "ioctl TUNSETCARRIER", NULL);
  return make_undefined(env);
}

/* A detached queue still takes what is written to it, and the kernel learns no flow from that (tun_get_user). */
napi_value detach_tap_queue(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int32_t fd;
  if (!read_args(env, info, 1, argv) || !read_i32(env, argv[0], "fd", &fd)) return NULL;
  struct ifreq ifr;
  memset(&ifr, 0, sizeof ifr);
  ifr.ifr_flags = IFF_DETACH_QUEUE;
  if (ioctl(fd, TUNSETQUEUE, &ifr) != 0) return throw_errno(env, errno, "ioctl TUNSETQUEUE", NULL);
  return make_undefined(env);
}
