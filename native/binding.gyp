{
  'targets': [
    {
      'target_name': 'l2vpnd',
      'sources': [
        'addon.c', 'args.c', 'bound.c', 'error.c', 'process.c', 'link.c', 'tap.c', 'socket.c', 'event.c', 'poller.c', 'port.c',
        'tap-read.c', 'tap-write.c', 'socket-port.c', 'udp-port.c', 'udp-send.c', 'endpoint.c', 'openssl.c', 'aead.c',
        'headers.c', 'checksum.c', 'segment.c', 'coalesce.c', 'host-lock.c',
      ],
      'defines': ['NAPI_VERSION=9', '_GNU_SOURCE'],
      'cflags': ['-std=c11', '-O2', '-Wall', '-Wextra', '-Wshadow', '-Werror', '-fvisibility=hidden'],
      'cflags!': ['-O3'],
    },
  ],
}
