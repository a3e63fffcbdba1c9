# l2vpnd in a container. Built here, run slim:
#
#   docker build -t l2vpnd .
#   docker run -d --name site1 --network host --device /dev/net/tun \
#     --cap-drop ALL --cap-add NET_ADMIN --cap-add NET_RAW --security-opt no-new-privileges \
#     --read-only --tmpfs /run/l2vpnd:mode=0700 \
#     -v /etc/l2vpnd:/etc/l2vpnd:ro -v l2vpnd-state:/var/lib/l2vpnd l2vpnd --config /etc/l2vpnd/site1.json
#   docker exec site1 l2vpnd show
#
#   NET_ADMIN and /dev/net/tun   the TAP device, its address, MTU and bridge
#   NET_RAW                      GRE sockets (IP protocol 47)
#   --network host               the TAP belongs into the host's bridge
#   /run/l2vpnd                  the control socket
#   the volume                   packet numbers of static keys: they must survive the container, or nonces repeat
#
# The image has no VOLUME: an anonymous one would be lost with its container, and nobody would be told. It runs as root
# with these two capabilities and no other, as Docker gives none to another user. docs/how-to/docker.md has the rest.
#
# Node 26 has OpenSSL 3.5, whose AES-GCM uses VAES on CPUs with AVX-512: faster there than the OpenSSL 3.0 of Node 20.
ARG NODE=26-bookworm
# Any image with Node.js, npm and its headers, a C compiler, make and Python 3; and any with Node.js and a libc no older.
ARG BUILD_IMAGE=node:${NODE}
ARG BASE_IMAGE=node:${NODE}-slim

FROM ${BUILD_IMAGE} AS build
WORKDIR /l2vpnd
COPY package.json package-lock.json tsconfig.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY native native
RUN npm run build:native
COPY src src
COPY web web
RUN npm run build:ts && npm prune --ignore-scripts --omit=dev --omit=optional --no-audit --no-fund

FROM ${BASE_IMAGE}
COPY --from=build /l2vpnd/package.json /usr/lib/l2vpnd/
COPY --from=build /l2vpnd/node_modules /usr/lib/l2vpnd/node_modules
COPY --from=build /l2vpnd/native/build/Release/l2vpnd.node /usr/lib/l2vpnd/native/build/Release/l2vpnd.node
COPY --from=build /l2vpnd/dist/src /usr/lib/l2vpnd/dist/src
COPY --from=build /l2vpnd/dist/web /usr/lib/l2vpnd/dist/web
COPY packaging/docker/l2vpnd /usr/local/bin/l2vpnd
# A new volume that is mounted here takes the modes over.
RUN mkdir -m 0700 -p /etc/l2vpnd /run/l2vpnd /var/lib/l2vpnd
STOPSIGNAL SIGTERM
# Healthy: every tunnel is up and its peer alive.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=2 CMD ["l2vpnd", "status"]
ENTRYPOINT ["l2vpnd"]
CMD ["--help"]
