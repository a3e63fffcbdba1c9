/* Descriptors beside the octets of a message on a Unix socket (man 7 unix, SCM_RIGHTS). */
#ifndef L2VPND_FD_MESSAGE_H
#define L2VPND_FD_MESSAGE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* The kernel takes 253 (SCM_MAX_FD). */
#define MESSAGE_FDS_MAX 250

/* A message of one piece, with room for its descriptors. */
struct fd_message {
  struct iovec iov;
  struct msghdr header;
  union {
    struct cmsghdr align;
    char octets[CMSG_SPACE(MESSAGE_FDS_MAX * sizeof(int))];
  } control;
};

/* `message` says `len` octets at `data`, and brings `count` descriptors, MESSAGE_FDS_MAX at most. */
void fd_message_to_send(struct fd_message *message, void *data, size_t len, const int32_t *fds, size_t count);
/* `message` takes `len` octets at `data`, and as many descriptors as a message may bring. */
void fd_message_to_receive(struct fd_message *message, void *data, size_t len);
/* Of a message that has come: its descriptors, MESSAGE_FDS_MAX at most. Returns how many. */
size_t fd_message_fds(struct fd_message *message, int32_t *fds);

#endif
