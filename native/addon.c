/* Registration: the functions and constants that addon.ts declares. */
#include "aead.h"
#include "bound.h"
#include "constants.h"
#include "endpoint.h"
#include "environment.h"
#include "error.h"
#include "event.h"
#include "hand-over.h"
#include "host-lock.h"
#include "icmp-socket.h"
#include "link-group.h"
#include "link-state.h"
#include "link.h"
#include "packet-send.h"
#include "poller.h"
#include "port.h"
#include "privileges.h"
#include "process.h"
#include "readable.h"
#include "route.h"
#include "rtnetlink.h"
#include "socket-port.h"
#include "socket.h"
#include "tap-port.h"
#include "tap-read.h"
#include "tap-write.h"
#include "tap.h"
#include "tos.h"
#include "udp-port.h"
#include "udp-receive.h"
#include "udp-send.h"
#include "udp-share.h"

static const struct {
  const char *name;
  napi_callback call;
} FUNCTIONS[] = {
    {"openTap", open_tap},
    {"setTapOffload", set_tap_offload},
    {"setTapCarrier", set_tap_carrier},
    {"detachTapQueue", detach_tap_queue},
    {"linkInfo", link_info},
    {"linkState", link_state},
    {"linkIndex", link_index},
    {"setLinkMac", set_link_mac},
    {"setLinkMtu", set_link_mtu},
    {"setLinkUp", set_link_up},
    {"addToBridge", add_to_bridge},
    {"takeFromBridge", take_from_bridge},
    {"deleteLinks", delete_links},
    {"rtnetlink", rtnetlink},
    {"openGreSocket", open_gre_socket},
    {"openCopySocket", open_copy_socket},
    {"openUdpSocket", open_udp_socket},
    {"openDoorSocket", open_door_socket},
    {"pathMtu", path_mtu},
    {"setReusePort", set_reuse_port},
    {"connectUdp", connect_udp},
    {"sourceTo", source_to},
    {"socketDrops", socket_drops},
    {"routeTo", route_to},
    {"openIcmpSocket", open_icmp_socket},
    {"receiveIcmp", receive_icmp},
    {"sendPacket", send_packet},
    {"closeFd", close_fd},
    {"bindFrames", bind_frames},
    {"bindJob", bind_job},
    {"openEvent", open_event},
    {"openPair", open_pair},
    {"signalEvent", signal_event},
    {"clearEvent", clear_event},
    {"openEpoll", open_epoll},
    {"epollSet", epoll_set},
    {"epollReady", epoll_ready},
    {"waitFor", wait_for},
    {"openReadable", open_readable},
    {"armReadable", arm_readable},
    {"closeReadable", close_readable_handle},
    {"openTapPort", open_tap_port},
    {"restTapPort", rest_tap_port},
    {"openSocketPort", open_socket_port},
    {"tapRead", tap_read},
    {"tapWrite", tap_write},
    {"openUdpPort", open_udp_port},
    {"udpSend", udp_send},
    {"udpReceive", udp_receive},
    {"udpLearn", udp_learn},
    {"setEndpoint", set_endpoint},
    {"copyEndpoint", copy_endpoint},
    {"endpointText", endpoint_text},
    {"socketReceive", socket_receive},
    {"socketSend", socket_send},
    {"carryTos", carry_tos},
    {"closePort", close_port},
    {"opensslVersion", openssl_version},
    {"opensslFault", openssl_fault},
    {"openKeyring", open_keyring},
    {"setKey", set_key},
    {"clearKey", clear_key},
    {"closeKeyring", close_keyring},
    {"aeadSeal", aead_seal},
    {"aeadOpen", aead_open},
    {"openMemory", open_memory},
    {"listenUnix", listen_unix},
    {"acceptUnix", accept_unix},
    {"connectUnix", connect_unix},
    {"unixPeer", unix_peer},
    {"sendFds", send_fds},
    {"receiveFds", receive_fds},
    {"closeOnExec", close_on_exec},
    {"listenAgain", listen_again},
    {"lockFd", lock_fd},
    {"lockName", lock_name},
    {"hardenProcess", harden_process},
    {"keepCapabilities", keep_capabilities},
    {"lendCapabilities", lend_capabilities},
    {"notifySocket", notify_socket},
    {"clockIsSynchronised", clock_is_synchronised},
    {"exitNow", exit_now},
};

NAPI_MODULE_INIT() {
  if (environment_open(env) == NULL) return NULL;
  for (size_t i = 0; i < sizeof FUNCTIONS / sizeof *FUNCTIONS; i++) {
    napi_value fn;
    TRY_NAPI(env, napi_create_function(env, FUNCTIONS[i].name, NAPI_AUTO_LENGTH, FUNCTIONS[i].call, NULL, &fn));
    TRY_NAPI(env, napi_set_named_property(env, exports, FUNCTIONS[i].name, fn));
  }
  napi_value constants = make_constants(env);
  if (constants == NULL) return NULL;
  TRY_NAPI(env, napi_set_named_property(env, exports, "constants", constants));
  return exports;
}
