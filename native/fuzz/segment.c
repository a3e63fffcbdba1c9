/*
 * libFuzzer: any super-frame, cut. Input: 10 octets of virtio_net_hdr, 1 octet that says how much of the frame is
 * near, and the frame. Whatever comes: no access outside, and every frame is whole, in order and right.
 */
#include "../segment.h"
#include "check.h"

static void check_frame(const struct cut *plan, const uint8_t *out, size_t len, size_t at, uint32_t index) {
  struct headers h;
  must(headers_find(out, len, &h) == HEADERS_FLOW);
  must(h.end == len && h.payload == plan->at.payload);
  must(checksums_right(out, &h, len));
  if (h.protocol == PROTO_TCP) {
    must(get32(out + h.l4 + 4) == get32(plan->header + h.l4 + 4) + (uint32_t)at);
    must(index == 0 || (out[h.l4 + 13] & TCP_CWR) == 0);
  }
  if (h.version == 4) must(get16(out + h.l3 + 4) == (uint16_t)(get16(plan->header + h.l3 + 4) + index));
}

static void cut_all(const struct virtio_net_hdr *vnet, const uint8_t *frame, size_t near, size_t len) {
  struct cut cut;
  uint8_t *head = malloc(near + 1);
  must(head != NULL);
  memcpy(head, frame, near);
  const bool planned = cut_plan(&cut, vnet, head, near, len);
  free(head);
  if (!planned) {
    must(cut.left == 0);
    return;
  }
  const struct cut plan = cut;
  size_t at = 0;
  for (uint32_t index = 0; cut.left > 0; index++) {
    const uint32_t payload = cut_payload(&cut);
    must(payload > 0 && payload <= plan.mss);
    uint8_t *out = malloc(plan.at.payload + payload);
    must(out != NULL);
    memcpy(out + plan.at.payload, frame + plan.at.payload + at, payload);
    /* A length that no IP packet can have is the kernel's fault, and only has to be survived. */
    const size_t written = cut_write(&cut, out);
    must(written == plan.at.payload + payload);
    must(memcmp(out + plan.at.payload, frame + plan.at.payload + at, payload) == 0);
    if (written - plan.at.l3 <= 65535) check_frame(&plan, out, written, at, index);
    at += payload;
    free(out);
  }
  must(at == len - plan.at.payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct virtio_net_hdr vnet;
  if (size < sizeof vnet + 1 || size > 70000) return 0;
  memcpy(&vnet, data, sizeof vnet);
  const uint8_t *frame = data + sizeof vnet + 1;
  const size_t len = size - sizeof vnet - 1;
  const size_t near = data[sizeof vnet] == 0 || data[sizeof vnet] > len ? len : data[sizeof vnet];
  cut_all(&vnet, frame, near, len);
  uint8_t *copy = malloc(len + 1);
  must(copy != NULL);
  memcpy(copy, frame, len);
  const bool completed = complete_checksum(&vnet, copy, len);
  must(completed || memcmp(copy, frame, len) == 0);
  free(copy);
  return 0;
}
