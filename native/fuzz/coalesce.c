/*
 * libFuzzer: a batch of frames, joined and cut again, must give back the same octets, in order within each flow.
 * Input: records of 8 octets, each a frame: built with right checksums, then perhaps broken; or, where the
 * first octet says so, taken from the input as it is.
 */
#include "../coalesce.h"
#include "../segment.h"
#include "check.h"

#define FRAMES 96
#define SLOT 512

static uint8_t arena[FRAMES * SLOT], before[FRAMES * SLOT];
static uint32_t at[FRAMES], len[FRAMES];
static uint8_t verdict[FRAMES];
static struct coalescer joined;
static uint32_t seq_of[8];
static uint16_t id_of[8];

static size_t put_ip(uint8_t *ip, bool v6, uint8_t protocol, uint8_t flow, uint8_t odd) {
  memset(ip, 0, 40);
  if (v6) {
    ip[0] = 0x60;
    ip[1] = (odd & 1) != 0 ? 0x10 : 0;
    ip[6] = protocol;
    ip[7] = (odd & 2) != 0 ? 63 : 64;
    ip[23] = ip[39] = 1;
    return 40;
  }
  ip[0] = 0x45;
  ip[1] = (odd & 1) != 0 ? 4 : 0;
  put16(ip + 4, id_of[flow]++);
  ip[6] = (odd & 4) != 0 ? 0 : 0x40;
  ip[8] = (odd & 2) != 0 ? 63 : 64;
  ip[9] = protocol;
  ip[15] = 1;
  ip[19] = 2;
  return 20;
}

/* record: kind, payload, TCP flags, jump, odd, option, break, port */
static size_t build(uint8_t *frame, const uint8_t *record) {
  const bool v6 = (record[0] & 1) != 0, tagged = (record[0] & 2) != 0, udp = (record[0] & 4) != 0;
  const uint8_t flow = record[0] & 7, protocol = udp ? PROTO_UDP : PROTO_TCP;
  const size_t payload = record[1], l3 = tagged ? 18 : 14;
  memset(frame, 2, 12);
  put16(frame + 12, tagged ? 0x8100 : v6 ? 0x86dd : 0x0800);
  if (tagged) put32(frame + 14, v6 ? 0x000586dd : 0x00050800);
  const size_t l4 = l3 + put_ip(frame + l3, v6, protocol, flow, (record[4] & 0x80) != 0 ? record[4] : 0);
  const size_t l4_len = udp ? 8 : (record[5] & 0xc0) == 0xc0 ? 32 : 20;
  memset(frame + l4, 0, l4_len);
  put16(frame + l4, record[7] & 1);
  put16(frame + l4 + 2, 9);
  if (udp) put16(frame + l4 + 4, (uint32_t)(8 + payload));
  else {
    if (record[3] > 0xe0) seq_of[flow] += record[3];
    put32(frame + l4 + 4, seq_of[flow]);
    frame[l4 + 12] = (uint8_t)(l4_len / 4 << 4);
    frame[l4 + 13] =
        (uint8_t)(TCP_ACK | (record[2] < 0x80 ? 0 : record[2] & 0x3f) | ((record[3] & 0x1f) == 3 ? TCP_CWR : 0));
    memset(frame + l4 + 20, record[5], l4_len - 20);
    seq_of[flow] += (uint32_t)payload;
  }
  memset(frame + l4 + l4_len, record[1] ^ record[7], payload);
  const size_t whole = l4 + l4_len + payload;
  struct headers h;
  must(headers_find(frame, whole, &h) == HEADERS_FLOW);
  headers_set_ip_len(frame, &h, (uint32_t)whole);
  headers_set_ip_checksum(frame, &h);
  uint8_t *sum = frame + l4 + headers_sum_at(&h);
  put16(sum, 0);
  put16(sum, ~plain_sum(plain_pseudo(frame, &h, whole), frame + l4, whole - l4));
  if (udp && get16(sum) == 0) put16(sum, 0xffff);
  if (record[6] > 0xf0) frame[record[6] * 7u % whole] ^= record[5] | 1;
  return whole;
}

static uint32_t fill(const uint8_t *data, size_t size) {
  uint32_t count = 0;
  memset(seq_of, 0, sizeof seq_of);
  memset(id_of, 0, sizeof id_of);
  while (size >= 8 && count < FRAMES) {
    at[count] = count * SLOT;
    verdict[count] = data[0] == 0xfe;
    if (data[0] == 0xff) {
      len[count] = size - 2 < data[1] ? (uint32_t)(size - 2) : data[1];
      memcpy(arena + at[count], data + 2, len[count]);
      data += 2 + len[count];
      size -= 2 + len[count];
    } else {
      len[count] = (uint32_t)build(arena + at[count], data);
      data += 8;
      size -= 8;
    }
    count++;
  }
  memcpy(before, arena, sizeof arena);
  return count;
}

/* The same but for checksums, of which zero has two forms. */
static bool same_frame(uint8_t *a, uint8_t *b, size_t size, const struct headers *h) {
  must(checksums_right(a, h, size) && checksums_right(b, h, size));
  if (h->version == 4) memset(a + h->l3 + 10, 0, 2), memset(b + h->l3 + 10, 0, 2);
  memset(a + h->l4 + headers_sum_at(h), 0, 2);
  memset(b + h->l4 + headers_sum_at(h), 0, 2);
  return memcmp(a, b, size) == 0;
}

static uint32_t check_train(const struct train *train) {
  struct virtio_net_hdr vnet;
  struct cut cut;
  uint8_t *first = arena + at[train->first];
  coalesce_seal(train, first, &vnet);
  if (train->count == 1) {
    must(vnet.gso_type == VIRTIO_NET_HDR_GSO_NONE && vnet.flags == 0);
    must(memcmp(first, before + at[train->first], len[train->first]) == 0);
    return 1;
  }
  must(cut_plan(&cut, &vnet, first, len[train->first], train->at.payload + train->payload));
  uint32_t frames = 0, last = 0;
  for (uint32_t i = train->first; i != NO_FRAME; i = joined.next[i]) {
    must(frames == 0 || i > last);
    last = i;
    must(verdict[i] == 0 && cut_payload(&cut) == len[i] - train->at.payload);
    uint8_t out[SLOT];
    memcpy(out + train->at.payload, arena + at[i] + train->at.payload, cut_payload(&cut));
    must(cut_write(&cut, out) == len[i]);
    must(same_frame(out, before + at[i], len[i], &train->at));
    frames++;
  }
  must(cut.left == 0 && frames == train->count);
  return frames;
}

/* Frames of one flow leave in the order in which they came. */
static void check_order(uint32_t count) {
  static uint32_t place[FRAMES];
  for (uint32_t t = 0, n = 0; t < joined.trains; t++) {
    for (uint32_t i = joined.train[t].first; i != NO_FRAME; i = joined.next[i]) place[i] = n++;
  }
  static struct headers of[FRAMES];
  static bool flow[FRAMES];
  for (uint32_t j = 0; j < count; j++) {
    flow[j] = verdict[j] == 0 && headers_find(before + at[j], len[j], &of[j]) == HEADERS_FLOW;
    for (uint32_t i = 0; flow[j] && i < j; i++) {
      const struct headers *h = &of[i], *g = &of[j];
      const uint8_t *a = before + at[i], *b = before + at[j];
      if (!flow[i] || h->l3 != g->l3 || h->version != g->version || h->protocol != g->protocol) continue;
      const size_t addresses = h->version == 4 ? 12 : 8;
      if (memcmp(a, b, h->l3) == 0 && memcmp(a + h->l4, b + g->l4, 4) == 0 &&
          memcmp(a + h->l3 + addresses, b + g->l3 + addresses, h->version == 4 ? 8 : 32) == 0) {
        must(place[i] < place[j]);
      }
    }
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const uint32_t count = fill(data, size);
  const struct coalesce_input in = {
      .arena = arena,
      .at = at,
      .len = len,
      .verdict = verdict,
      .from = 0,
      .count = count,
      .tcp = true,
      .udp = true,
  };
  must(coalesce_plan(&joined, &in) == count);
  check_order(count);
  uint32_t living = 0, sent = 0;
  for (uint32_t i = 0; i < count; i++) living += verdict[i] == 0;
  for (uint32_t t = 0; t < joined.trains; t++) sent += check_train(&joined.train[t]);
  must(sent == living);
  for (uint32_t i = 0; i < count; i++) {
    struct virtio_net_hdr vnet = {0};
    uint8_t frame[SLOT];
    memcpy(frame, before + at[i], len[i]);
    coalesce_restore(frame, len[i], 60, &vnet);
    must((vnet.flags | vnet.gso_type) != 0 || memcmp(frame, before + at[i], len[i]) == 0);
  }
  return 0;
}
