/* Sockets of the underlay: raw GRE (man 7 raw), UDP, and the question what MTU a route has. */
#include "socket.h"
#include "args.h"
#include "error.h"
#include "value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct options {
  bool df, hdr_incl;
  bool shares; /* other UDP sockets of this user may have the address and port too */
  int32_t ttl, tos, snd_buf, rcv_buf;
};

/* One end of the tunnel. The text may carry a scope: fe80::1%eth0. */
struct end {
  char text[NAME_MAX_LEN];
  struct sockaddr_storage addr;
  socklen_t addr_len;
};

static bool read_end(napi_env env, napi_value value, const char *name, uint16_t port, struct end *out) {
  if (!read_text(env, value, name, out->text, sizeof out->text)) return false;
  const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_DGRAM};
  struct addrinfo *found = NULL;
  if (getaddrinfo(out->text, NULL, &hints, &found) != 0 || found == NULL) {
    throw_errno(env, EINVAL, "getaddrinfo", out->text);
    return false;
  }
  memset(&out->addr, 0, sizeof out->addr);
  memcpy(&out->addr, found->ai_addr, found->ai_addrlen);
  out->addr_len = found->ai_addrlen;
  freeaddrinfo(found);
  if (out->addr.ss_family == AF_INET) ((struct sockaddr_in *)&out->addr)->sin_port = htons(port);
  else ((struct sockaddr_in6 *)&out->addr)->sin6_port = htons(port);
  return true;
}

static bool read_option_i32(napi_env env, napi_value object, const char *name, int32_t *out) {
  napi_value value;
  return read_member(env, object, name, &value) && read_i32(env, value, name, out);
}

static bool read_option_bool(napi_env env, napi_value object, const char *name, bool *out) {
  napi_value value;
  return read_member(env, object, name, &value) && read_bool(env, value, name, out);
}

static bool read_options(napi_env env, napi_value object, struct options *out) {
  return read_option_bool(env, object, "df", &out->df) && read_option_bool(env, object, "hdrIncl", &out->hdr_incl) &&
         read_option_i32(env, object, "ttl", &out->ttl) && read_option_i32(env, object, "tos", &out->tos) &&
         read_option_i32(env, object, "sndBuf", &out->snd_buf) && read_option_i32(env, object, "rcvBuf", &out->rcv_buf);
}

static bool set_int(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

/* Past net.core.*mem_max where CAP_NET_ADMIN allows it, as far as that limit elsewhere. */
static bool set_buffer(int fd, int force, int plain, int octets) {
  return set_int(fd, SOL_SOCKET, force, octets) || set_int(fd, SOL_SOCKET, plain, octets);
}

/* linux/udp.h: accept datagrams without checksum over IPv6 too (RFC 8086 6.2 allows it; the ICV is stronger). */
#ifndef UDP_NO_CHECK6_RX
#define UDP_NO_CHECK6_RX 102
#endif

/*
 * Two tunnels may share a local port, told apart by their peers. Connected to the peer's address and port 0, a
 * socket takes datagrams of that address whatever their source port, which RFC 8086 3.1 lets a sender vary.
 */
static const char *set_udp_options(int fd, int family, bool shares) {
  if (shares && !set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1)) return "setsockopt SO_REUSEPORT";
  if (family == AF_INET6 && !set_int(fd, IPPROTO_UDP, UDP_NO_CHECK6_RX, 1)) return "setsockopt UDP_NO_CHECK6_RX";
  return NULL;
}

/*
 * IP_RECVERR stays off. With it each ICMP error would wait on the socket's error queue, which takes of the receive buffer
 * and keeps poll awake until it is read out, and anybody can forge them. Connected, a socket is told without it of those
 * that the kernel takes for final: no such protocol or port, prohibited.
 *
 * DF is set on what is sent, and only the MTU of the link refuses a packet (EMSGSIZE): the kernel's path MTU follows any
 * ICMP message that quotes 8 octets, which everybody can forge (PROBE, man 7 ip). How far it is believed is not decided
 * here: icmp-socket.c hears the messages, the daemon checks them. Returns the name of the option that failed, with errno set, or NULL.
 */
static const char *set_options(int fd, int family, const struct options *o) {
  if (!set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, o->snd_buf)) return "setsockopt SO_SNDBUF";
  if (!set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, o->rcv_buf)) return "setsockopt SO_RCVBUF";
  if (family == AF_INET) {
    if (!set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, o->df ? IP_PMTUDISC_PROBE : IP_PMTUDISC_DONT)) {
      return "setsockopt IP_MTU_DISCOVER";
    }
    if (!set_int(fd, IPPROTO_IP, IP_TTL, o->ttl)) return "setsockopt IP_TTL";
    if (!set_int(fd, IPPROTO_IP, IP_TOS, o->tos)) return "setsockopt IP_TOS";
    if (o->hdr_incl && !set_int(fd, IPPROTO_IP, IP_HDRINCL, 1)) return "setsockopt IP_HDRINCL";
    return NULL;
  }
  if (!set_int(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, o->df ? IPV6_PMTUDISC_PROBE : IPV6_PMTUDISC_DONT)) {
    return "setsockopt IPV6_MTU_DISCOVER";
  }
  if (!set_int(fd, IPPROTO_IPV6, IPV6_DONTFRAG, o->df)) return "setsockopt IPV6_DONTFRAG";
  if (!set_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, o->ttl)) return "setsockopt IPV6_UNICAST_HOPS";
  if (!set_int(fd, IPPROTO_IPV6, IPV6_TCLASS, o->tos)) return "setsockopt IPV6_TCLASS";
  return NULL;
}

/* Closes `fd`, throws for `errno` as it was. */
static napi_value give_up(napi_env env, int fd, const char *syscall_name, const char *subject) {
  const int err = errno;
  close(fd);
  return throw_errno(env, err, syscall_name, subject);
}

/* A socket with its options set, bound, and connected where `remote` is not NULL. −1: an exception is pending. */
static int open_socket(napi_env env, int type, int protocol, const struct end *local, const struct end *remote,
                       const struct options *opts) {
  const int family = local->addr.ss_family;
  if (remote != NULL && remote->addr.ss_family != family) {
    throw_errno(env, EAFNOSUPPORT, "connect", remote->text);
    return -1;
  }
  const int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
  if (fd < 0) {
    throw_errno(env, errno, "socket", protocol == IPPROTO_GRE ? "raw GRE" : "UDP");
    return -1;
  }
  const char *failed = opts == NULL ? NULL : set_options(fd, family, opts);
  const char *subject = NULL;
  if (failed == NULL && opts != NULL && type == SOCK_DGRAM) failed = set_udp_options(fd, family, opts->shares);
  if (failed == NULL && bind(fd, (const struct sockaddr *)&local->addr, local->addr_len) != 0) {
    failed = "bind";
    subject = local->text;
  }
  if (failed == NULL && remote != NULL && connect(fd, (const struct sockaddr *)&remote->addr, remote->addr_len) != 0) {
    failed = "connect";
    subject = remote->text;
  }
  if (failed == NULL) return fd;
  give_up(env, fd, failed, subject);
  return -1;
}

napi_value open_gre_socket(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  struct end local, remote;
  struct options opts;
  if (!read_args(env, info, 3, argv) || !read_end(env, argv[0], "local", 0, &local) ||
      !read_end(env, argv[1], "remote", 0, &remote) || !read_options(env, argv[2], &opts)) {
    return NULL;
  }
  const int fd = open_socket(env, SOCK_RAW, IPPROTO_GRE, &local, &remote, &opts);
  return fd < 0 ? NULL : make_i32(env, fd);
}

napi_value open_udp_socket(napi_env env, napi_callback_info info) {
  napi_value argv[4];
  struct end local, remote;
  struct options opts;
  uint32_t port;
  napi_valuetype remote_type;
  if (!read_args(env, info, 4, argv) || !read_u32(env, argv[2], "port", &port)) return NULL;
  if (port > UINT16_MAX) return throw_range(env, "\"port\" expected 0 to 65535");
  TRY_NAPI(env, napi_typeof(env, argv[1], &remote_type));
  const bool connected = remote_type != napi_null;
  if (!read_end(env, argv[0], "local", (uint16_t)port, &local) ||
      (connected && !read_end(env, argv[1], "remote", 0, &remote)) || !read_options(env, argv[3], &opts)) {
    return NULL;
  }
  opts.shares = connected;
  const int fd = open_socket(env, SOCK_DGRAM, 0, &local, connected ? &remote : NULL, &opts);
  return fd < 0 ? NULL : make_i32(env, fd);
}

napi_value open_door_socket(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  struct end local;
  struct options opts;
  uint32_t port;
  if (!read_args(env, info, 3, argv) || !read_u32(env, argv[1], "port", &port)) return NULL;
  if (port > UINT16_MAX) return throw_range(env, "\"port\" expected 0 to 65535");
  if (!read_end(env, argv[0], "local", (uint16_t)port, &local) || !read_options(env, argv[2], &opts)) return NULL;
  opts.shares = true;
  const int fd = open_socket(env, SOCK_DGRAM, 0, &local, NULL, &opts);
  return fd < 0 ? NULL : make_i32(env, fd);
}

/* A connected UDP socket knows its route's MTU; nothing is sent (man 7 ip, IP_MTU). */
napi_value path_mtu(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  struct end local, remote;
  if (!read_args(env, info, 2, argv) || !read_end(env, argv[0], "local", 0, &local) ||
      !read_end(env, argv[1], "remote", 9, &remote)) {
    return NULL;
  }
  const int fd = open_socket(env, SOCK_DGRAM, 0, &local, &remote, NULL);
  if (fd < 0) return NULL;
  const bool v4 = local.addr.ss_family == AF_INET;
  int mtu = 0;
  socklen_t len = sizeof mtu;
  if (getsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_MTU : IPV6_MTU, &mtu, &len) != 0) {
    return give_up(env, fd, "getsockopt IP_MTU", remote.text);
  }
  close(fd);
  return make_i32(env, mtu);
}

/* The text of an address, with the scope of a link-local one (RFC 4007 11). */
static napi_value address_text(napi_env env, const struct sockaddr_storage *addr) {
  char text[INET6_ADDRSTRLEN + 1 + IF_NAMESIZE], ifname[IF_NAMESIZE];
  napi_value value;
  if (addr->ss_family == AF_INET) {
    inet_ntop(AF_INET, &((const struct sockaddr_in *)addr)->sin_addr, text, sizeof text);
  } else {
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)addr;
    inet_ntop(AF_INET6, &v6->sin6_addr, text, INET6_ADDRSTRLEN);
    if (v6->sin6_scope_id != 0 && if_indextoname(v6->sin6_scope_id, ifname) != NULL) {
      const size_t len = strlen(text);
      snprintf(text + len, sizeof text - len, "%%%s", ifname);
    }
  }
  TRY_NAPI(env, napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value));
  return value;
}

/* A socket that is connected without having been bound has the address that the kernel's route chooses. */
napi_value source_to(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  struct end remote;
  struct sockaddr_storage local;
  socklen_t len = sizeof local;
  if (!read_args(env, info, 1, argv) || !read_end(env, argv[0], "remote", 9, &remote)) return NULL;
  const int fd = socket(remote.addr.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return throw_errno(env, errno, "socket", "UDP");
  if (connect(fd, (const struct sockaddr *)&remote.addr, remote.addr_len) != 0) {
    return give_up(env, fd, "connect", remote.text);
  }
  memset(&local, 0, sizeof local);
  if (getsockname(fd, (struct sockaddr *)&local, &len) != 0) return give_up(env, fd, "getsockname", remote.text);
  close(fd);
  return address_text(env, &local);
}

/* linux/sock_diag.h and asm-generic/socket.h, which older headers lack (Linux 4.12). */
#ifndef SO_MEMINFO
#define SO_MEMINFO 55
#endif
#define MEMINFO_DROPS 8
#define MEMINFO_LEN 9

/* The socket's own count, which no message has to bring as with SO_RXQ_OVFL. */
napi_value socket_drops(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int32_t fd;
  uint32_t meminfo[MEMINFO_LEN] = {0};
  socklen_t len = sizeof meminfo;
  if (!read_args(env, info, 1, argv) || !read_i32(env, argv[0], "fd", &fd)) return NULL;
  if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, meminfo, &len) != 0) {
    return throw_errno(env, errno, "getsockopt SO_MEMINFO", NULL);
  }
  return make_u32(env, meminfo[MEMINFO_DROPS]);
}
