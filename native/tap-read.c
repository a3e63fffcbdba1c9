/*
 * Reading a TAP: each readv gives one frame, or one super-frame (TSO, USO) that is cut into slots.
 *
 * When super-frames come, the next one most likely has the same header length and MSS. The read is then
 * scattered so that each slot receives its payload in place, and cutting only writes headers. A wrong guess
 * costs a copy. What does not fit the batch is carried over to the next call.
 */
#include "tap-read.h"
#include "error.h"
#include "tap-port.h"
#include "value.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Reads without a super-frame after which the guess is given up. */
#define GUESS_READS 32
/* Slots that one read is scattered over. */
#define TAP_SCATTER 64

/* One read in progress: `pieces` of memory that a frame lies in, one after another. */
struct read {
  struct virtio_net_hdr vnet;
  struct iovec iov[TAP_SCATTER + 2]; /* vnet, slots, spill */
  int pieces;
  bool scattered;
};

static void prepare_read(const struct tap_port *tap, const struct reading *r, uint32_t slot, struct read *read) {
  const struct frames *f = &r->frames;
  const uint32_t guess = tap->guess_header + tap->guess_mss;
  /* The first slot must hold all headers, whatever comes. */
  read->scattered = tap->guess_reads > 0 && guess >= HEADERS_MAX && guess <= r->room;
  read->iov[0] = (struct iovec){.iov_base = &read->vnet, .iov_len = sizeof read->vnet};
  read->iov[1] = (struct iovec){.iov_base = f->arena + f->at[slot], .iov_len = read->scattered ? guess : r->room};
  read->pieces = 2;
  for (uint32_t i = slot + 1; read->scattered && i < r->max && read->pieces <= TAP_SCATTER; i++) {
    read->iov[read->pieces++] =
        (struct iovec){.iov_base = f->arena + f->at[i] + tap->guess_header, .iov_len = tap->guess_mss};
  }
  read->iov[read->pieces++] = (struct iovec){.iov_base = tap->super->spill, .iov_len = TAP_FRAME_MAX};
}

/* Copies octets [from, to) of the frame that `read` received. */
static void copy_pieces(const struct read *read, size_t from, size_t to, uint8_t *out) {
  size_t at = 0;
  for (int i = 1; i < read->pieces && at < to; i++) {
    const size_t len = read->iov[i].iov_len;
    const size_t begin = from > at ? from - at : 0;
    const size_t end = to - at < len ? to - at : len;
    if (begin < end) {
      memmove(out, (const uint8_t *)read->iov[i].iov_base + begin, end - begin);
      out += end - begin;
    }
    at += len;
  }
}

static void take_plain(const struct read *read, const struct reading *r, uint32_t slot, size_t len) {
  uint8_t *frame = r->frames.arena + r->frames.at[slot];
  const size_t near = read->iov[1].iov_len;
  take_frame(&r->frames, slot, len, r->room);
  if (len > r->room) return;
  if (len > near) copy_pieces(read, near, len, frame + near);
  if ((read->vnet.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0 && !complete_checksum(&read->vnet, frame, len)) {
    r->frames.verdict[slot] = VERDICT_MALFORMED;
  }
}

/* Cuts from `carry` into the slots [slot, max). Returns the first free slot. */
static uint32_t cut_carry(const struct tap_port *tap, const struct reading *r, uint32_t slot) {
  const struct frames *f = &r->frames;
  struct tap_super *super = tap->super;
  struct cut *cut = &super->cut;
  for (; slot < r->max && cut->left > 0; slot++) {
    const uint32_t payload = cut_payload(cut);
    const size_t len = cut->at.payload + payload;
    uint8_t *out = f->arena + f->at[slot];
    if (len > r->room) cut_skip(cut);
    else {
      memcpy(out + cut->at.payload, super->carry, payload);
      cut_write(cut, out);
    }
    super->carry += payload;
    take_frame(f, slot, len, r->room);
  }
  return slot;
}

/* The payloads lie in their slots already; what is behind the last slot lies in the spill. */
static uint32_t cut_in_place(const struct tap_port *tap, const struct reading *r, const struct read *read,
                             uint32_t slot) {
  const struct frames *f = &r->frames;
  struct tap_super *super = tap->super;
  const uint32_t end = slot + (uint32_t)read->pieces - 2;
  for (; slot < end && super->cut.left > 0; slot++) {
    take_frame(f, slot, cut_write(&super->cut, f->arena + f->at[slot]), r->room);
  }
  super->carry = super->spill;
  return slot;
}

/* One super-frame of `len` octets, refused where no TAP gives one so long. Returns the first free slot. */
static uint32_t take_super(struct tap_port *tap, const struct reading *r, const struct read *read, uint32_t slot,
                           size_t len) {
  struct tap_super *super = tap->super;
  struct cut *cut = &super->cut;
  const size_t near = read->iov[1].iov_len;
  if (len > TAP_FRAME_MAX || !cut_plan(cut, &read->vnet, r->frames.arena + r->frames.at[slot], near, len)) {
    r->frames.len[slot] = (uint32_t)len;
    r->frames.verdict[slot] = VERDICT_MALFORMED;
    return slot + 1;
  }
  const bool guessed = read->scattered && cut->at.payload == tap->guess_header && cut->mss == tap->guess_mss;
  tap->guess_header = cut->at.payload;
  tap->guess_mss = cut->mss;
  tap->guess_reads = GUESS_READS;
  if (guessed) return cut_in_place(tap, r, read, slot);
  copy_pieces(read, cut->at.payload, len, super->linear);
  super->carry = super->linear;
  return cut_carry(tap, r, slot);
}

/* One readv after another until `*slot` is at the end or nothing more waits. Returns 0 or errno. */
static int read_slots(struct tap_port *tap, const struct reading *r, uint32_t *slot) {
  struct read read;
  while (*slot < r->max) {
    prepare_read(tap, r, *slot, &read);
    const ssize_t n = readv(tap->port.fd, read.iov, read.pieces);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN ? 0 : errno;
    if ((size_t)n < sizeof read.vnet) return EIO;
    const size_t len = (size_t)n - sizeof read.vnet;
    if (read.vnet.gso_type == VIRTIO_NET_HDR_GSO_NONE) {
      if (tap->guess_reads > 0) tap->guess_reads--;
      take_plain(&read, r, (*slot)++, len);
    } else {
      *slot = cut_carry(tap, r, take_super(tap, r, &read, *slot, len));
    }
  }
  return 0;
}

/* HOT PATH: one readv per frame or super-frame; the TAP has no batched read. */
napi_value tap_read(napi_env env, napi_callback_info info) {
  napi_value argv[4];
  struct reading r;
  if (!read_args(env, info, 4, argv) || !read_reading(env, argv, HANDLE_TAP, &r)) return NULL;
  struct tap_port *tap = r.port;
  if (!tap_borrow(tap)) return throw_errno(env, ENOMEM, "calloc", "TAP");
  uint32_t slot = cut_carry(tap, &r, 0);
  const int err = tap->resting ? 0 : read_slots(tap, &r, &slot);
  tap_return(tap);
  return err != 0 ? throw_errno(env, err, "readv", "TAP") : make_i32(env, (int32_t)slot);
}
