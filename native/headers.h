/* Where the headers of a frame lie: Ethernet with up to two tags, IPv4 or IPv6, TCP or UDP. */
#ifndef L2VPND_HEADERS_H
#define L2VPND_HEADERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { PROTO_TCP = 6, PROTO_UDP = 17 };

/* From the TCP header's octet 13. */
enum { TCP_FIN = 0x01, TCP_SYN = 0x02, TCP_RST = 0x04, TCP_PSH = 0x08, TCP_ACK = 0x10, TCP_URG = 0x20, TCP_CWR = 0x80 };

/* Longer headers are not looked at: frames with them are never cut nor merged. */
#define HEADERS_MAX 256

/* Offsets from the frame's first octet. */
struct headers {
  uint16_t l3;
  uint16_t l4;
  uint16_t payload;
  uint8_t version;  /* 4 or 6 */
  uint8_t protocol; /* PROTO_TCP or PROTO_UDP */
  uint32_t end;     /* where the IP packet ends, by its own length field; may lie past the frame */
};

enum headers_kind {
  HEADERS_OTHER,    /* not IP, or not TCP or UDP, or cut short */
  HEADERS_FRAGMENT, /* an IP fragment, the first one included */
  HEADERS_FLOW,     /* `out` is filled in */
};

/* Reads the headers of a frame of which the first `len` octets are at `frame`. Looks nowhere else. */
enum headers_kind headers_find(const uint8_t *frame, size_t len, struct headers *out);

/* The pseudo header of RFC 9293 3.1, RFC 8200 8.1: addresses, protocol, and `l4_len` octets of header and data. */
uint64_t headers_pseudo_sum(const uint8_t *frame, const struct headers *h, uint32_t l4_len);

/* Sets the IPv4 header checksum, or nothing on IPv6. */
void headers_set_ip_checksum(uint8_t *frame, const struct headers *h);
/* Sets the IP length field for a packet that ends at `end`. */
void headers_set_ip_len(uint8_t *frame, const struct headers *h, uint32_t end);

static inline uint16_t get16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static inline uint32_t get32(const uint8_t *p) { return (uint32_t)get16(p) << 16 | get16(p + 2); }
static inline void put16(uint8_t *p, uint32_t v) {
  p[0] = (uint8_t)(v >> 8);
  p[1] = (uint8_t)v;
}
static inline void put32(uint8_t *p, uint32_t v) {
  put16(p, v >> 16);
  put16(p + 2, v);
}
/* A checksum as checksum.h gives it: in the machine's own order. */
static inline void put_sum(uint8_t *p, uint16_t sum) { memcpy(p, &sum, sizeof sum); }

/* Where the checksum field is, from the layer 4 header. */
static inline uint16_t headers_sum_at(const struct headers *h) { return h->protocol == PROTO_TCP ? 16 : 6; }

#endif
