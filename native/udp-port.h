/* A UDP port; and its scratch: messages, their control data, and where each received frame came from. */
#ifndef L2VPND_UDP_PORT_H
#define L2VPND_UDP_PORT_H

#include "port.h"
#include "tos.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* linux/udp.h; libc's netinet/udp.h lacks the second. */
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

/* Datagrams that one train can hold: UDP_MAX_SEGMENTS of every kernel that has UDP_SEGMENT. */
#define UDP_TRAIN_MAX 64
/* An area of the arena: whatever one message brings fits. */
#define UDP_AREA_LEN 65536
/* Areas of one udpReceive, one message each. */
#define UDP_AREAS_MAX PORT_MSGS
/* Octets of one train that is sent: an IPv4 packet's 65535 less its headers. */
#define UDP_TRAIN_LEN 65507
/* Frames of one batch, at most. */
#define UDP_FRAMES 1024

/* Of a train: the length of its segments, and its type of service. */
union control {
  struct cmsghdr align;
  uint8_t octets[CMSG_SPACE(sizeof(int)) + TOS_CONTROL_LEN];
};

struct udp_port {
  struct port port;
  bool gso; /* UDP_SEGMENT works, as far as we know */
};

/* The environment's; see scratch.h. */
struct udp_scratch {
  struct mmsghdr msgs[PORT_MSGS];
  union control control[PORT_MSGS];
  struct iovec iov[UDP_FRAMES];
  uint32_t index[PORT_MSGS]; /* first frame of a message that is sent */
  /* Of the last udpReceive, which was `owner`'s; NULL: of none, or its port is closed. */
  const struct udp_port *owner;
  uint32_t received; /* frames */
  struct sockaddr_storage source[PORT_MSGS];
  socklen_t source_len[PORT_MSGS];
  uint8_t source_of[UDP_FRAMES]; /* by received frame: which `source` */
};

static inline struct udp_scratch *udp_scratch_of(const struct udp_port *udp) {
  return udp->port.handle.environment->scratch.udp;
}

napi_value open_udp_port(napi_env env, napi_callback_info info);

#endif
