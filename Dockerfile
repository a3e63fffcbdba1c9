# l2vpnd in a container. Built here, run slim:
#
#   docker build -t l2vpnd .
#   docker run --rm --network host --cap-add NET_ADMIN --cap-add NET_RAW --device /dev/net/tun \
#     -v /etc/l2vpnd:/etc/l2vpnd:ro -v l2vpnd-state:/var/lib/l2vpnd l2vpnd --config /etc/l2vpnd/site1.json
#
#   NET_ADMIN and /dev/net/tun   the TAP device, its address, MTU and bridge
#   NET_RAW                      GRE sockets (IP protocol 47)
#   --network host               the TAP belongs into the host's bridge
#   the volume                   packet numbers: they must survive the container, or a key's nonces repeat
#
# Node 26 has OpenSSL 3.5, whose AES-GCM uses VAES on CPUs with AVX-512: faster there than the OpenSSL 3.0 of Node 20.
ARG NODE=26-bookworm

FROM node:${NODE} AS build
WORKDIR /l2vpnd
COPY package.json package-lock.json tsconfig.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY native native
RUN npm run build:native
COPY src src
RUN npm run build:ts && npm prune --ignore-scripts --omit=dev --omit=optional

FROM node:${NODE}-slim
WORKDIR /l2vpnd
COPY --from=build /l2vpnd/package.json ./
COPY --from=build /l2vpnd/node_modules node_modules
COPY --from=build /l2vpnd/native/build/Release/l2vpnd.node native/build/Release/l2vpnd.node
COPY --from=build /l2vpnd/dist/src dist/src
STOPSIGNAL SIGTERM
# The option closes the gap between exec and our first line, in which SIGUSR1 would open node's debugger.
ENTRYPOINT ["node", "--disable-sigusr1", "/l2vpnd/dist/src/main.js"]
CMD ["--help"]
