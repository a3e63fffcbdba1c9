/* Network interfaces by ioctl (man 7 netdevice): address, MTU, up, and membership of a bridge. */
#include "link.h"
#include "args.h"
#include "error.h"
#include "value.h"

#include <errno.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* One ioctl on `ifr`, whose ifr_name is set, through a socket made for it. Returns 0 or errno. */
static int link_ioctl(unsigned long request, struct ifreq *ifr) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  const int err = ioctl(fd, request, ifr) == 0 ? 0 : errno;
  close(fd);
  return err;
}

/* Reads `want` arguments, the first of which is an interface's name, into a blank `ifr`. */
static bool read_link(napi_env env, napi_callback_info info, size_t want, napi_value *argv, struct ifreq *ifr) {
  memset(ifr, 0, sizeof *ifr);
  return read_args(env, info, want, argv) && read_text(env, argv[0], "ifname", ifr->ifr_name, IFNAMSIZ);
}

static napi_value put_i32(napi_env env, napi_value object, const char *key, int32_t number) {
  napi_value value = make_i32(env, number);
  if (value == NULL) return NULL;
  TRY_NAPI(env, napi_set_named_property(env, object, key, value));
  return value;
}

napi_value link_info(napi_env env, napi_callback_info info) {
  napi_value argv[1], result, value;
  struct ifreq ifr;
  if (!read_link(env, info, 1, argv, &ifr)) return NULL;
  int err = link_ioctl(SIOCGIFINDEX, &ifr);
  if (err != 0) return throw_errno(env, err, "ioctl SIOCGIFINDEX", ifr.ifr_name);
  const int index = ifr.ifr_ifindex;
  if ((err = link_ioctl(SIOCGIFMTU, &ifr)) != 0) return throw_errno(env, err, "ioctl SIOCGIFMTU", ifr.ifr_name);
  const int mtu = ifr.ifr_mtu;
  if ((err = link_ioctl(SIOCGIFFLAGS, &ifr)) != 0) {
    return throw_errno(env, err, "ioctl SIOCGIFFLAGS", ifr.ifr_name);
  }
  const bool up = (ifr.ifr_flags & IFF_UP) != 0;
  if ((err = link_ioctl(SIOCGIFHWADDR, &ifr)) != 0) {
    return throw_errno(env, err, "ioctl SIOCGIFHWADDR", ifr.ifr_name);
  }
  const unsigned char *mac = (const unsigned char *)ifr.ifr_hwaddr.sa_data;
  char text[18];
  snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
  TRY_NAPI(env, napi_create_object(env, &result));
  if (put_i32(env, result, "index", index) == NULL || put_i32(env, result, "mtu", mtu) == NULL) return NULL;
  TRY_NAPI(env, napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value));
  TRY_NAPI(env, napi_set_named_property(env, result, "mac", value));
  TRY_NAPI(env, napi_get_boolean(env, up, &value));
  TRY_NAPI(env, napi_set_named_property(env, result, "up", value));
  return result;
}

napi_value set_link_mac(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  struct ifreq ifr;
  struct span mac;
  if (!read_link(env, info, 2, argv, &ifr) || !read_span(env, argv[1], "mac", &mac)) return NULL;
  if (mac.len != 6) return throw_range(env, "\"mac\" expected 6 octets");
  ifr.ifr_hwaddr.sa_family = ARPHRD_ETHER;
  memcpy(ifr.ifr_hwaddr.sa_data, mac.data, 6);
  const int err = link_ioctl(SIOCSIFHWADDR, &ifr);
  return err != 0 ? throw_errno(env, err, "ioctl SIOCSIFHWADDR", ifr.ifr_name) : make_undefined(env);
}

napi_value set_link_mtu(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  struct ifreq ifr;
  int32_t mtu;
  if (!read_link(env, info, 2, argv, &ifr) || !read_i32(env, argv[1], "mtu", &mtu)) return NULL;
  ifr.ifr_mtu = mtu;
  const int err = link_ioctl(SIOCSIFMTU, &ifr);
  return err != 0 ? throw_errno(env, err, "ioctl SIOCSIFMTU", ifr.ifr_name) : make_undefined(env);
}

napi_value set_link_up(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  struct ifreq ifr;
  bool up;
  if (!read_link(env, info, 2, argv, &ifr) || !read_bool(env, argv[1], "up", &up)) return NULL;
  int err = link_ioctl(SIOCGIFFLAGS, &ifr);
  if (err != 0) return throw_errno(env, err, "ioctl SIOCGIFFLAGS", ifr.ifr_name);
  ifr.ifr_flags = (short)(up ? ifr.ifr_flags | IFF_UP : ifr.ifr_flags & ~IFF_UP);
  err = link_ioctl(SIOCSIFFLAGS, &ifr);
  return err != 0 ? throw_errno(env, err, "ioctl SIOCSIFFLAGS", ifr.ifr_name) : make_undefined(env);
}

/* SIOCBRADDIF or SIOCBRDELIF; `name` is that of the request, for messages. */
static napi_value change_bridge(napi_env env, napi_callback_info info, unsigned long request, const char *name) {
  napi_value argv[2];
  struct ifreq bridge, port;
  if (!read_link(env, info, 2, argv, &bridge)) return NULL;
  memset(&port, 0, sizeof port);
  if (!read_text(env, argv[1], "port", port.ifr_name, IFNAMSIZ)) return NULL;
  int err = link_ioctl(SIOCGIFINDEX, &port);
  if (err != 0) return throw_errno(env, err, "ioctl SIOCGIFINDEX", port.ifr_name);
  bridge.ifr_ifindex = port.ifr_ifindex;
  err = link_ioctl(request, &bridge);
  return err != 0 ? throw_errno(env, err, name, bridge.ifr_name) : make_undefined(env);
}

napi_value add_to_bridge(napi_env env, napi_callback_info info) {
  return change_bridge(env, info, SIOCBRADDIF, "ioctl SIOCBRADDIF");
}

napi_value take_from_bridge(napi_env env, napi_callback_info info) {
  return change_bridge(env, info, SIOCBRDELIF, "ioctl SIOCBRDELIF");
}
