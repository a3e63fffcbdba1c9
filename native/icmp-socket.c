/*
 * Raw sockets that hear "too big" and nothing else: ICMP "fragmentation needed", ICMPv6 "packet too big" (man 7 raw). The
 * kernel checks no more of them than the addresses that they quote; who reads them here does.
 */
#include "icmp-socket.h"
#include "args.h"
#include "error.h"
#include "value.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Some hundred messages: what comes beyond is lost, and a router says it again for the next packet. */
#define BUFFER_LEN (256 << 10)
#define ICMP_LEN 8
#define ADDRESS_LEN 16

/*
 * What of IPv4 is queued at all: fragmentation needed, about GRE or UDP. A flood of other errors then costs no room. The
 * program sees the packet from its IP header on.
 */
static bool filter_v4(int fd) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0), /* X: octets of the IP header */
      BPF_STMT(BPF_LD | BPF_H | BPF_IND, 0),  /* type and code */
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ICMP_DEST_UNREACH << 8 | ICMP_FRAG_NEEDED, 0, 4),
      BPF_STMT(BPF_LD | BPF_B | BPF_IND, ICMP_LEN + offsetof(struct iphdr, protocol)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_GRE, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
      BPF_STMT(BPF_RET | BPF_K, 0),
  };
  const struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

static bool filter_v6(int fd) {
  struct icmp6_filter filter;
  ICMP6_FILTER_SETBLOCKALL(&filter);
  ICMP6_FILTER_SETPASS(ICMP6_PACKET_TOO_BIG, &filter);
  return setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter) == 0;
}

napi_value open_icmp_socket(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int32_t version;
  const int octets = BUFFER_LEN;
  if (!read_args(env, info, 1, argv) || !read_i32(env, argv[0], "family", &version)) return NULL;
  if (version != 4 && version != 6) return throw_range(env, "\"family\" expected 4 or 6");
  const bool v4 = version == 4;
  const int fd =
      socket(v4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
  if (fd < 0) return throw_errno(env, errno, "socket", "raw ICMP");
  const char *failed = NULL;
  if (!(v4 ? filter_v4(fd) : filter_v6(fd))) failed = "setsockopt: a filter of ICMP";
  else if (setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &octets, sizeof octets) != 0) failed = "setsockopt SO_RCVBUF";
  if (failed == NULL) return make_i32(env, fd);
  const int err = errno;
  close(fd);
  return throw_errno(env, err, failed, NULL);
}

static void put_sender(uint8_t *from, const struct sockaddr_storage *addr) {
  memset(from, 0, ADDRESS_LEN);
  if (addr->ss_family == AF_INET) memcpy(from, &((const struct sockaddr_in *)addr)->sin_addr, 4);
  if (addr->ss_family == AF_INET6) memcpy(from, &((const struct sockaddr_in6 *)addr)->sin6_addr, ADDRESS_LEN);
}

napi_value receive_icmp(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  int32_t fd;
  struct span into, from;
  struct sockaddr_storage addr = {.ss_family = AF_UNSPEC};
  socklen_t addr_len = sizeof addr;
  if (!read_args(env, info, 3, argv) || !read_i32(env, argv[0], "fd", &fd) || !read_span(env, argv[1], "into", &into) ||
      !read_span(env, argv[2], "from", &from)) {
    return NULL;
  }
  if (from.len < ADDRESS_LEN) return throw_range(env, "\"from\" expected 16 octets");
  for (;;) {
    const ssize_t len = recvfrom(fd, into.data, into.len, MSG_DONTWAIT, (struct sockaddr *)&addr, &addr_len);
    if (len >= 0) {
      put_sender(from.data, &addr);
      return make_i32(env, (int32_t)len);
    }
    if (errno == EAGAIN) return make_i32(env, -1);
    if (errno != EINTR) return throw_errno(env, errno, "recvfrom", "raw ICMP");
  }
}
