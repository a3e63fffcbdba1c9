/* Finding the headers of a frame; every step checks what is left before it looks. */
#include "headers.h"
#include "checksum.h"

enum {
  ETHERTYPE_AT = 12,
  ETHERTYPE_IPV4 = 0x0800,
  ETHERTYPE_IPV6 = 0x86dd,
  ETHERTYPE_VLAN = 0x8100,
  ETHERTYPE_QINQ = 0x88a8,
  IPV4_LEN = 20u,
  IPV6_LEN = 40u,
  IPV6_HOP_BY_HOP = 0,
  IPV6_ROUTING = 43,
  IPV6_FRAGMENT = 44,
  IPV6_DESTINATION = 60,
};

static enum headers_kind find_l4(const uint8_t *frame, size_t len, uint8_t protocol, struct headers *out) {
  out->protocol = protocol;
  size_t header_len = 8;
  if (protocol == PROTO_TCP) {
    if (out->l4 + 20u > len) return HEADERS_OTHER;
    header_len = (size_t)(frame[out->l4 + 12] >> 4) * 4;
    if (header_len < 20) return HEADERS_OTHER;
  } else if (protocol != PROTO_UDP) {
    return HEADERS_OTHER;
  }
  if (out->l4 + header_len > len || out->l4 + header_len > HEADERS_MAX) return HEADERS_OTHER;
  out->payload = (uint16_t)(out->l4 + header_len);
  return HEADERS_FLOW;
}

static enum headers_kind find_ipv4(const uint8_t *frame, size_t len, struct headers *out) {
  const uint8_t *ip = frame + out->l3;
  if (len < (size_t)out->l3 + IPV4_LEN || ip[0] >> 4 != 4) return HEADERS_OTHER;
  const size_t ip_len = (size_t)(ip[0] & 0x0f) * 4;
  if (ip_len < IPV4_LEN) return HEADERS_OTHER;
  out->version = 4;
  out->end = out->l3 + get16(ip + 2);
  out->l4 = (uint16_t)(out->l3 + ip_len);
  /* More Fragments, or an offset (RFC 791 3.1). */
  if ((get16(ip + 6) & 0x3fff) != 0) return HEADERS_FRAGMENT;
  return find_l4(frame, len, ip[9], out);
}

static enum headers_kind find_ipv6(const uint8_t *frame, size_t len, struct headers *out) {
  const uint8_t *ip = frame + out->l3;
  if (len < (size_t)out->l3 + IPV6_LEN || ip[0] >> 4 != 6) return HEADERS_OTHER;
  out->version = 6;
  out->end = (uint32_t)out->l3 + IPV6_LEN + get16(ip + 4);
  uint8_t next = ip[6];
  size_t at = (size_t)out->l3 + IPV6_LEN;
  /* Extension headers are at least 8 octets long, so HEADERS_MAX bounds the walk (RFC 8200 4). */
  while (next == IPV6_HOP_BY_HOP || next == IPV6_ROUTING || next == IPV6_DESTINATION) {
    if (at + 8 > len || at > HEADERS_MAX) return HEADERS_OTHER;
    next = frame[at];
    at += (size_t)(frame[at + 1] + 1) * 8;
  }
  if (next == IPV6_FRAGMENT) return HEADERS_FRAGMENT;
  if (at > len || at > HEADERS_MAX) return HEADERS_OTHER;
  out->l4 = (uint16_t)at;
  return find_l4(frame, len, next, out);
}

enum headers_kind headers_find(const uint8_t *frame, size_t len, struct headers *out) {
  size_t at = ETHERTYPE_AT;
  for (int tags = 0;; tags++) {
    if (at + 2 > len) return HEADERS_OTHER;
    const uint16_t type = get16(frame + at);
    out->l3 = (uint16_t)(at + 2);
    if (type == ETHERTYPE_IPV4) return find_ipv4(frame, len, out);
    if (type == ETHERTYPE_IPV6) return find_ipv6(frame, len, out);
    if (tags == 2 || (type != ETHERTYPE_VLAN && type != ETHERTYPE_QINQ)) return HEADERS_OTHER;
    at += 4;
  }
}

uint64_t headers_pseudo_sum(const uint8_t *frame, const struct headers *h, uint32_t l4_len) {
  uint8_t tail[8] = {0};
  put32(tail, l4_len);
  tail[7] = h->protocol;
  const uint8_t *addresses = frame + h->l3 + (h->version == 4 ? 12 : 8);
  return checksum_add(checksum_add(0, addresses, h->version == 4 ? 8 : 32), tail, sizeof tail);
}

void headers_set_ip_checksum(uint8_t *frame, const struct headers *h) {
  if (h->version != 4) return;
  uint8_t *ip = frame + h->l3;
  put16(ip + 10, 0);
  put_sum(ip + 10, (uint16_t)~checksum_fold(checksum_add(0, ip, (size_t)(ip[0] & 0x0f) * 4)));
}

void headers_set_ip_len(uint8_t *frame, const struct headers *h, uint32_t end) {
  uint8_t *ip = frame + h->l3;
  if (h->version == 4) put16(ip + 2, end - h->l3);
  else put16(ip + 4, end - h->l3 - IPV6_LEN);
}
