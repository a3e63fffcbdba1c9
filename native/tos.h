/*
 * The type of service of single packets, as control data: IP_TOS (man 7 ip), IPV6_TCLASS (RFC 3542 6.5). The socket's own
 * stays as it is. On a raw socket with IP_HDRINCL the packet's own header says it, and the kernel goes by the control
 * message only for its queues.
 */
#ifndef L2VPND_TOS_H
#define L2VPND_TOS_H

#include "port.h"

#include <sys/socket.h>

/* Octets of control data that one type of service takes. */
#define TOS_CONTROL_LEN CMSG_SPACE(sizeof(int))

/* AF_INET or AF_INET6; AF_UNSPEC for a socket whose packets have no type of service. */
int tos_family(int fd);

/* Puts `tos` behind the control data that `hdr` has in `octets`, which are aligned, and have room. HOT PATH. */
void tos_put(struct msghdr *hdr, uint8_t *octets, int family, int tos);
/* What a received message came with; 0 where the kernel does not say. HOT PATH. */
uint8_t tos_of(struct msghdr *hdr);

napi_value carry_tos(napi_env env, napi_callback_info info);

#endif
