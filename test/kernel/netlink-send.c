/* Sends rtnetlink messages, each an argument in hex, to the kernel that it runs on; prints the errno of each answer. */
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

int main(int argc, char **argv) {
  const int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  for (int i = 1; i < argc; i++) {
    unsigned char request[65536], answer[65536];
    size_t len = 0;
    for (const char *hex = argv[i]; len < sizeof request && sscanf(hex, "%2hhx", &request[len]) == 1; hex += 2) len++;
    if (send(fd, request, len, 0) < 0 || recv(fd, answer, sizeof answer, 0) < 0) return 1;
    struct nlmsgerr result;
    memcpy(&result, answer + NLMSG_HDRLEN, sizeof result);
    printf("%d\n", -result.error);
  }
  return 0;
}
