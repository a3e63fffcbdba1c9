/*
 * Memory for system calls, by environment: an environment runs one call at a time, so its ports share it. A port
 * borrows it for the length of a call; what must outlive a call lies with the port itself. The one exception is
 * a TAP's super-frame that did not fit the batch: its port keeps that memory until the rest is taken.
 */
#ifndef L2VPND_SCRATCH_H
#define L2VPND_SCRATCH_H

struct socket_scratch;
struct udp_scratch;
struct tap_train;
struct tap_super;

/* All zero: nothing is there yet. Each part is made by calloc, with the first port that needs it. */
struct scratch {
  struct socket_scratch *socket; /* socket-port.c */
  struct udp_scratch *udp;       /* udp-port.h */
  struct tap_train *train;       /* tap-port.h */
  struct tap_super *super;       /* tap-port.h; NULL where none is spare */
};

void scratch_free(struct scratch *scratch);

#endif
