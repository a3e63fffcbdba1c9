/*
 * 1. `headers_find`  what is not TCP or UDP is a train of its own; a fragment also closes every flow, since
 *                    nobody can tell whose it is
 * 2. `find_flow`     same Ethernet header and tags, addresses, protocol, ports
 * 3. `may_follow`    the kernel's rules; else the flow is closed, so that nothing overtakes within it
 * 4. checksums       right ones only: the first frame's when a second comes, every other's as it comes
 * 5. `coalesce_seal` the first frame's headers speak for all
 */
#include "coalesce.h"
#include "checksum.h"
#include "segment.h"

#define UDP_TRAIN_MAX 64 /* UDP_MAX_SEGMENTS of older kernels */
#define IP_PACKET_MAX 65535

static uint32_t flow_key(const uint8_t *frame, const struct headers *h) {
  uint32_t ports, address;
  memcpy(&ports, frame + h->l4, 4);
  memcpy(&address, frame + h->l3 + (h->version == 4 ? 12 : 20), 4);
  return ports ^ (address * 2654435761u) ^ h->protocol;
}

static const uint8_t *frame_at(const struct coalesce_input *in, uint32_t i) { return in->arena + in->at[i]; }

static bool same_flow(const uint8_t *a, const struct headers *h, const uint8_t *b, const struct headers *g) {
  if (h->l3 != g->l3 || h->version != g->version || h->protocol != g->protocol) return false;
  const size_t addresses = h->l3 + (h->version == 4 ? 12u : 8u);
  return memcmp(a, b, h->l3) == 0 && memcmp(a + addresses, b + addresses, h->version == 4 ? 8 : 32) == 0 &&
         memcmp(a + h->l4, b + g->l4, 4) == 0;
}

static struct flow *find_flow(struct coalescer *c, const struct coalesce_input *in, uint32_t key, const uint8_t *frame,
                              const struct headers *h) {
  for (uint32_t i = 0; i < COALESCE_FLOWS; i++) {
    struct flow *flow = &c->flow[i];
    if (!flow->open || flow->key != key) continue;
    const struct train *train = &c->train[flow->train];
    if (same_flow(frame_at(in, train->first), &train->at, frame, h)) return flow;
  }
  return NULL;
}

static struct flow *new_flow(struct coalescer *c) {
  for (uint32_t i = 0; i < COALESCE_FLOWS; i++) {
    if (!c->flow[i].open) return &c->flow[i];
  }
  c->victim = (c->victim + 1) % COALESCE_FLOWS;
  return &c->flow[c->victim];
}

static uint8_t tcp_flags(const uint8_t *frame, const struct headers *h) {
  return h->protocol == PROTO_TCP ? frame[h->l4 + 13] : 0;
}

/* Whether the frame could be in a train at all: whole, unpadded, with data, and nothing special about it. */
static bool is_plain(const uint8_t *frame, size_t len, const struct headers *h) {
  if (h->end != len || h->payload >= len) return false;
  /* GRO takes no IPv4 options; the reserved bit would be lost. */
  if (h->version == 4 && (frame[h->l3] != 0x45 || (frame[h->l3 + 6] & 0x80) != 0)) return false;
  if (h->protocol == PROTO_TCP) return (tcp_flags(frame, h) & (TCP_SYN | TCP_RST | TCP_URG)) == 0;
  return get16(frame + h->l4 + 4) == len - h->l4 && get16(frame + h->l4 + 6) != 0;
}

/* Whether a train may have more frames behind this one. */
static bool is_extensible(const uint8_t *frame, const struct headers *h) {
  return (tcp_flags(frame, h) & (TCP_FIN | TCP_PSH)) == 0;
}

static bool same_ip(const uint8_t *a, const uint8_t *b, const struct headers *h, uint32_t index) {
  const uint8_t *x = a + h->l3, *y = b + h->l3;
  if (h->version == 4) {
    /* Type of service; DF; time to live. The identification must step by one, as cutting makes it. */
    return x[1] == y[1] && get16(x + 6) == get16(y + 6) && x[8] == y[8] &&
           (uint16_t)(get16(x + 4) + index) == get16(y + 4);
  }
  /* Traffic class and flow label; next header and hop limit; extension headers. */
  return memcmp(x, y, 4) == 0 && memcmp(x + 6, y + 6, 2) == 0 && memcmp(x + 40, y + 40, h->l4 - h->l3 - 40u) == 0;
}

/* Acknowledgement, offset, window, urgent pointer and options alike; CWR only on the first; in sequence. */
static bool same_tcp(const uint8_t *a, const uint8_t *b, const struct headers *h, uint32_t payload) {
  const uint8_t *x = a + h->l4, *y = b + h->l4;
  const uint8_t may_differ = TCP_CWR | TCP_FIN | TCP_PSH;
  return get32(x + 4) + payload == get32(y + 4) && memcmp(x + 8, y + 8, 5) == 0 &&
         ((x[13] ^ y[13]) & ~may_differ) == 0 && (y[13] & TCP_CWR) == 0 && memcmp(x + 14, y + 14, 2) == 0 &&
         memcmp(x + 18, y + 18, h->payload - h->l4 - 18u) == 0;
}

static bool may_follow(const struct train *train, const uint8_t *first, const uint8_t *frame, size_t len,
                       const struct headers *h) {
  const struct headers *g = &train->at;
  const uint32_t payload = (uint32_t)(len - h->payload);
  if (h->l4 != g->l4 || h->payload != g->payload || payload > train->mss) return false;
  if (g->payload - g->l3 + train->payload + payload > IP_PACKET_MAX) return false;
  if (!same_ip(first, frame, g, train->count)) return false;
  return h->protocol == PROTO_TCP ? same_tcp(first, frame, g, train->payload) : train->count < UDP_TRAIN_MAX;
}

static bool is_verified(const uint8_t *frame, size_t len, const struct headers *h) {
  if (h->version == 4 && checksum_fold(checksum_add(0, frame + h->l3, 20)) != 0xffff) return false;
  const uint64_t pseudo = headers_pseudo_sum(frame, h, (uint32_t)(len - h->l4));
  return checksum_fold(checksum_add(pseudo, frame + h->l4, len - h->l4)) == 0xffff;
}

/* Puts frame `i` behind the flow's train if it may go there. */
static bool append(struct coalescer *c, const struct coalesce_input *in, struct flow *flow, uint32_t i,
                   const struct headers *h) {
  struct train *train = &c->train[flow->train];
  const uint8_t *first = frame_at(in, train->first), *frame = frame_at(in, i);
  const size_t len = in->len[i];
  if (!is_plain(frame, len, h) || !may_follow(train, first, frame, len, h)) return false;
  if (!flow->verified && !is_verified(first, in->len[train->first], &train->at)) return false;
  flow->verified = true;
  if (!is_verified(frame, len, h)) return false;
  c->next[flow->last - in->from] = i;
  flow->last = i;
  train->count++;
  train->payload += (uint32_t)(len - h->payload);
  train->tcp_ends = tcp_flags(frame, h) & (TCP_FIN | TCP_PSH);
  flow->open = len - h->payload == train->mss && is_extensible(frame, h);
  return true;
}

static struct train *new_train(struct coalescer *c, uint32_t i) {
  struct train *train = &c->train[c->trains++];
  train->first = i;
  train->count = 1;
  return train;
}

static void add_flow_frame(struct coalescer *c, const struct coalesce_input *in, uint32_t i, const struct headers *h) {
  const uint8_t *frame = frame_at(in, i);
  const size_t len = in->len[i];
  const uint32_t key = flow_key(frame, h);
  struct flow *flow = find_flow(c, in, key, frame, h);
  if (flow != NULL) {
    if (append(c, in, flow, i, h)) return;
    flow->open = false;
  }
  struct train *train = new_train(c, i);
  train->at = *h;
  train->tcp_ends = 0;
  if (!is_plain(frame, len, h) || !is_extensible(frame, h)) return;
  if (h->protocol == PROTO_UDP ? !in->udp : !in->tcp) return;
  train->mss = train->payload = (uint32_t)(len - h->payload);
  if (flow == NULL) flow = new_flow(c);
  *flow = (struct flow){.key = key, .train = c->trains - 1, .last = i, .open = true};
}

static void close_flows(struct coalescer *c) {
  for (uint32_t i = 0; i < COALESCE_FLOWS; i++) c->flow[i].open = false;
}

uint32_t coalesce_plan(struct coalescer *c, const struct coalesce_input *in) {
  c->trains = 0;
  close_flows(c);
  const uint32_t end = in->count - in->from > COALESCE_FRAMES ? in->from + COALESCE_FRAMES : in->count;
  for (uint32_t i = in->from; i < end; i++) {
    if (in->verdict[i] != 0) continue;
    struct headers h;
    c->next[i - in->from] = NO_FRAME;
    const enum headers_kind kind = headers_find(frame_at(in, i), in->len[i], &h);
    if (kind == HEADERS_FLOW) {
      add_flow_frame(c, in, i, &h);
      continue;
    }
    new_train(c, i);
    if (kind == HEADERS_FRAGMENT) close_flows(c);
  }
  return end;
}

static uint8_t gso_type(const struct headers *h, uint8_t flags) {
  if (h->protocol == PROTO_UDP) return VIRTIO_NET_HDR_GSO_UDP_L4;
  const uint8_t type = h->version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
  return type | ((flags & TCP_CWR) != 0 ? VIRTIO_NET_HDR_GSO_ECN : 0);
}

/* Leaves the checksum to whoever takes the frame: its field holds the pseudo header's sum. */
static void leave_checksum(uint8_t *frame, const struct headers *h, uint32_t end, struct virtio_net_hdr *vnet) {
  put_sum(frame + h->l4 + headers_sum_at(h), checksum_fold(headers_pseudo_sum(frame, h, end - h->l4)));
  vnet->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
  vnet->csum_start = h->l4;
  vnet->csum_offset = headers_sum_at(h);
}

void coalesce_seal(const struct train *train, uint8_t *first, struct virtio_net_hdr *vnet) {
  memset(vnet, 0, sizeof *vnet);
  if (train->count == 1) return;
  const struct headers *h = &train->at;
  const uint32_t end = h->payload + train->payload;
  headers_set_ip_len(first, h, end);
  headers_set_ip_checksum(first, h);
  if (h->protocol == PROTO_TCP) first[h->l4 + 13] |= train->tcp_ends;
  else put16(first + h->l4 + 4, end - h->l4);
  leave_checksum(first, h, end, vnet);
  vnet->gso_type = gso_type(h, tcp_flags(first, h));
  vnet->gso_size = (uint16_t)train->mss;
  vnet->hdr_len = h->payload;
}

void coalesce_restore(uint8_t *frame, size_t len, uint32_t mtu, struct virtio_net_hdr *vnet) {
  struct headers h;
  if (headers_find(frame, len, &h) != HEADERS_FLOW || h.end != len || h.payload >= len) return;
  const uint8_t *field = frame + h.l4 + headers_sum_at(&h);
  const uint16_t pseudo = checksum_fold(headers_pseudo_sum(frame, &h, h.end - h.l4));
  const bool partial = memcmp(field, &pseudo, sizeof pseudo) == 0;
  const bool joined = h.protocol == PROTO_TCP && len - h.l3 > mtu;
  /* One in 65536 whole checksums looks like a partial one. */
  if ((!partial && !joined) || (is_verified(frame, len, &h) ? !joined : !partial)) return;
  const uint32_t headers_len = h.payload - h.l3;
  if (joined && mtu <= headers_len) return;
  leave_checksum(frame, &h, h.end, vnet);
  if (!joined) return;
  vnet->gso_type = gso_type(&h, tcp_flags(frame, &h));
  vnet->gso_size = (uint16_t)(mtu - headers_len);
  vnet->hdr_len = h.payload;
}
