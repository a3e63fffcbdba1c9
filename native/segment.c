/*
 * TCP: sequence numbers step by the MSS; CWR stays with the first frame, FIN and PSH with the last. UDP: each
 * frame has a length of its own. IPv4: identifications step by one. Every checksum is made anew.
 */
#include "segment.h"
#include "checksum.h"

static bool is_kind(const struct headers *h, uint8_t gso_type) {
  switch (gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
  case VIRTIO_NET_HDR_GSO_TCPV4:
    return h->version == 4 && h->protocol == PROTO_TCP;
  case VIRTIO_NET_HDR_GSO_TCPV6:
    return h->version == 6 && h->protocol == PROTO_TCP;
  case VIRTIO_NET_HDR_GSO_UDP_L4:
    return h->protocol == PROTO_UDP;
  default:
    return false;
  }
}

bool cut_plan(struct cut *cut, const struct virtio_net_hdr *vnet, const uint8_t *frame, size_t near, size_t len) {
  cut->left = 0;
  if (near > len) near = len;
  if (vnet->gso_size == 0 || headers_find(frame, near, &cut->at) != HEADERS_FLOW) return false;
  if (!is_kind(&cut->at, vnet->gso_type) || len <= cut->at.payload) return false;
  /* What the checksum covers says which headers are meant; in a tunnel's packet those would be inner ones. */
  if ((vnet->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0 && vnet->csum_start != cut->at.l4) return false;
  memcpy(cut->header, frame, cut->at.payload);
  cut->mss = vnet->gso_size;
  cut->left = (uint32_t)(len - cut->at.payload);
  cut->index = 0;
  return true;
}

static void write_tcp(const struct cut *cut, uint8_t *tcp, bool last) {
  put32(tcp + 4, get32(tcp + 4) + cut->index * cut->mss);
  if (cut->index > 0) tcp[13] &= (uint8_t)~TCP_CWR;
  if (!last) tcp[13] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
}

static void write_l4_checksum(const struct headers *h, uint8_t *out, size_t len) {
  uint8_t *field = out + h->l4 + headers_sum_at(h);
  put16(field, 0);
  const uint64_t pseudo = headers_pseudo_sum(out, h, (uint32_t)(len - h->l4));
  const uint16_t sum = (uint16_t)~checksum_fold(checksum_add(pseudo, out + h->l4, len - h->l4));
  /* A UDP checksum of zero would mean none (RFC 768). */
  put_sum(field, sum == 0 && h->protocol == PROTO_UDP ? 0xffff : sum);
}

size_t cut_write(struct cut *cut, uint8_t *out) {
  const struct headers *h = &cut->at;
  const uint32_t payload = cut_payload(cut);
  const size_t len = h->payload + payload;
  memcpy(out, cut->header, h->payload);
  headers_set_ip_len(out, h, (uint32_t)len);
  if (h->version == 4) put16(out + h->l3 + 4, get16(out + h->l3 + 4) + cut->index);
  headers_set_ip_checksum(out, h);
  if (h->protocol == PROTO_TCP) write_tcp(cut, out + h->l4, payload == cut->left);
  else put16(out + h->l4 + 4, (uint32_t)(len - h->l4));
  write_l4_checksum(h, out, len);
  cut->left -= payload;
  cut->index++;
  return len;
}

size_t cut_skip(struct cut *cut) {
  const uint32_t payload = cut_payload(cut);
  cut->left -= payload;
  cut->index++;
  return cut->at.payload + payload;
}

bool complete_checksum(const struct virtio_net_hdr *vnet, uint8_t *frame, size_t len) {
  const size_t start = vnet->csum_start;
  const size_t field = start + vnet->csum_offset;
  if (start > len || field + 2 > len) return false;
  const uint16_t sum = (uint16_t)~checksum_fold(checksum_add(0, frame + start, len - start));
  /* As the kernel's skb_checksum_help: zero, which UDP takes for "none", becomes its other representation. */
  put_sum(frame + field, sum == 0 ? 0xffff : sum);
  return true;
}
