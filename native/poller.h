/* Waiting for many descriptors, or for one. */
#ifndef L2VPND_POLLER_H
#define L2VPND_POLLER_H

#include <node_api.h>

/* Descriptors that one epoll_ready tells of; what else is ready comes with the next. */
#define READY_MAX 256

napi_value open_epoll(napi_env env, napi_callback_info info);
napi_value epoll_set(napi_env env, napi_callback_info info);
napi_value epoll_ready(napi_env env, napi_callback_info info);
napi_value wait_for(napi_env env, napi_callback_info info);

#endif
