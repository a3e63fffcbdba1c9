{
  'targets': [
    {
      'target_name': 'l2vpnd',
      'sources': [
        'addon.c', 'aead.c', 'args.c', 'arrays.c', 'bound.c', 'checksum.c', 'coalesce.c', 'constants.c',
        'endpoint.c', 'environment.c', 'error.c', 'event.c', 'fd-message.c', 'frames.c', 'hand-over.c', 'handle-table.c', 'handle.c',
        'headers.c', 'host-lock.c', 'icmp-socket.c', 'link-group.c', 'link-state.c', 'link.c', 'openssl.c', 'packet-send.c',
        'poller.c', 'port.c', 'privileges.c', 'process.c', 'readable.c', 'route.c', 'rtnetlink.c', 'scratch.c', 'segment.c', 'socket-port.c',
        'socket.c', 'tap-port.c', 'tap-read.c', 'tap-write.c', 'tap.c', 'tos.c', 'udp-port.c', 'udp-receive.c', 'udp-send.c',
        'udp-share.c', 'value.c',
      ],
      'defines': ['NAPI_VERSION=9', '_GNU_SOURCE'],
      'cflags': ['-std=c11', '-O2', '-Wall', '-Wextra', '-Wshadow', '-Werror', '-fvisibility=hidden'],
      'cflags!': ['-O3'],
    },
  ],
}
