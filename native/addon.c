/* Registration: the table of functions that addon.ts declares, and the state of one environment. */
#include "addon.h"
#include "host-lock.h"
#include "openssl.h"

#include <stdlib.h>

static const struct {
  const char *name;
  napi_callback call;
} FUNCTIONS[] = {
    {"openTap", open_tap},
    {"setTapOffload", set_tap_offload},
    {"detachTapQueue", detach_tap_queue},
    {"linkInfo", link_info},
    {"setLinkMac", set_link_mac},
    {"setLinkMtu", set_link_mtu},
    {"setLinkUp", set_link_up},
    {"addToBridge", add_to_bridge},
    {"openGreSocket", open_gre_socket},
    {"openUdpSocket", open_udp_socket},
    {"pathMtu", path_mtu},
    {"closeFd", close_fd},
    {"bindFrames", bind_frames},
    {"bindJob", bind_job},
    {"openEvent", open_event},
    {"openPair", open_pair},
    {"signalEvent", signal_event},
    {"clearEvent", clear_event},
    {"waitFor", wait_for},
    {"openEpoll", open_epoll},
    {"epollSet", epoll_set},
    {"epollReady", epoll_ready},
    {"openTapPort", open_tap_port},
    {"openSocketPort", open_socket_port},
    {"tapRead", tap_read},
    {"tapWrite", tap_write},
    {"openUdpPort", open_udp_port},
    {"udpSend", udp_send},
    {"udpReceive", udp_receive},
    {"udpLearn", udp_learn},
    {"setEndpoint", set_endpoint},
    {"endpointText", endpoint_text},
    {"socketReceive", socket_receive},
    {"socketSend", socket_send},
    {"closePort", close_port},
    {"opensslVersion", openssl_version},
    {"openKeyring", open_keyring},
    {"setKey", set_key},
    {"clearKey", clear_key},
    {"closeKeyring", close_keyring},
    {"aeadSeal", aead_seal},
    {"aeadOpen", aead_open},
    {"lockFile", lock_file},
    {"lockFd", lock_fd},
    {"lockName", lock_name},
    {"hardenProcess", harden_process},
    {"notifySocket", notify_socket},
};

static void free_addon(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  struct addon *addon = data;
  openssl_release(addon->ssl);
  free(addon);
}

NAPI_MODULE_INIT() {
  struct addon *addon = calloc(1, sizeof *addon);
  if (addon == NULL) return throw_range(env, "out of memory");
  addon->ssl = openssl_open();
  if (!napi_good(env, napi_set_instance_data(env, addon, free_addon, NULL), "napi_set_instance_data")) {
    free_addon(env, addon, NULL);
    return NULL;
  }
  for (size_t i = 0; i < sizeof FUNCTIONS / sizeof *FUNCTIONS; i++) {
    napi_value fn;
    TRY_NAPI(env, napi_create_function(env, FUNCTIONS[i].name, NAPI_AUTO_LENGTH, FUNCTIONS[i].call, NULL, &fn));
    TRY_NAPI(env, napi_set_named_property(env, exports, FUNCTIONS[i].name, fn));
  }
  return exports;
}
