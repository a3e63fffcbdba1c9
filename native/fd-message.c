/* Descriptors beside the octets of a message: laid out for the kernel, and taken out again. */
#include "fd-message.h"

#include <string.h>

static void lay_out(struct fd_message *message, void *data, size_t len) {
  memset(message, 0, sizeof *message);
  message->iov = (struct iovec){.iov_base = data, .iov_len = len};
  message->header.msg_iov = &message->iov;
  message->header.msg_iovlen = 1;
}

void fd_message_to_send(struct fd_message *message, void *data, size_t len, const int32_t *fds, size_t count) {
  lay_out(message, data, len);
  if (count == 0) return;
  message->header.msg_control = message->control.octets;
  message->header.msg_controllen = CMSG_SPACE(count * sizeof(int));
  struct cmsghdr *rights = CMSG_FIRSTHDR(&message->header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(count * sizeof(int));
  memcpy(CMSG_DATA(rights), fds, count * sizeof(int));
}

void fd_message_to_receive(struct fd_message *message, void *data, size_t len) {
  lay_out(message, data, len);
  message->header.msg_control = message->control.octets;
  message->header.msg_controllen = sizeof message->control.octets;
}

size_t fd_message_fds(struct fd_message *message, int32_t *fds) {
  size_t count = 0;
  for (struct cmsghdr *one = CMSG_FIRSTHDR(&message->header); one != NULL; one = CMSG_NXTHDR(&message->header, one)) {
    if (one->cmsg_level != SOL_SOCKET || one->cmsg_type != SCM_RIGHTS) continue;
    const size_t came = (one->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < came && count < MESSAGE_FDS_MAX; i++) {
      memcpy(&fds[count++], CMSG_DATA(one) + i * sizeof(int), sizeof(int));
    }
  }
  return count;
}
