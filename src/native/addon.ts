/**
 * The addon's typed interface: system calls, and AEAD over a batch. No protocol, no policy.
 *
 * Contract for every function: one call per batch; arguments are numbers, strings, typed arrays and handles;
 * nothing that belongs to JavaScript is kept after the call returns, but for the arrays of a bound handle. Failure
 * throws a `SystemError` with `code`, `errno` and `syscall`; EAGAIN is a return value, never an exception. A wrong
 * argument throws a `TypeError` or `RangeError`: so does anything but an open handle of the right kind, and the
 * addon then has not looked at what is behind it.
 */

/** What a failed system call throws: an `Error` with the kernel's name for it. */
export interface SystemError extends Error {
  /** `EPERM`, `EBUSY`, … */
  code: string;
  /** The positive errno. */
  errno: number;
  /** `open /dev/net/tun`, `ioctl TUNSETIFF`, `bind`, … */
  syscall: string;
}

declare const handle: unique symbol;
/** A native object (a port, cipher contexts) of this thread. Freed when collected or closed. */
export interface PortHandle {
  readonly [handle]: 'port';
}
export interface ReadableHandle {
  readonly [handle]: 'readable';
}
export interface KeyringHandle {
  readonly [handle]: 'keyring';
}

/** What a link looks like, by ioctl (`man 7 netdevice`). */
export interface LinkInfo {
  index: number;
  mtu: number;
  /** 6 octets, `aa:bb:cc:dd:ee:ff`. */
  mac: string;
  up: boolean;
}

/** What may change of a link while somebody holds its descriptor. */
export interface LinkState {
  ifname: string;
  mtu: number;
  up: boolean;
  /** Index of the bridge that it is a port of; 0: of none. */
  master: number;
}

/**
 * Where the frames of a batch lie. All arrays have at least `count` elements; `arena` is the slab they
 * point into. Native checks every `at` and `len` against `arena.byteLength`.
 */
export interface FrameArrays {
  readonly arena: Uint8Array;
  /** Offset of the frame's first octet in `arena`. */
  readonly at: Uint32Array;
  /** Octets. */
  readonly len: Uint32Array;
  /** 0: the frame is alive; anything else: skip it. */
  readonly verdict: Uint8Array;
  /** Type of service of each frame's packet, for ports that carry it (`carryTos`). */
  readonly tos?: Uint8Array;
}

/** What both sides count on. Read them into a module's own constants, not per batch. */
export interface AddonConstants {
  /** Octets of an IV; of an ICV, at least and at most. */
  readonly IV_LEN: number;
  readonly ICV_MIN: number;
  readonly ICV_MAX: number;
  /** The slot of a frame that has nothing to seal or open. */
  readonly NO_SLOT: number;
  /** Verdicts of the addon's own: the frame does not fit its slot; the kernel described it wrongly. */
  readonly VERDICT_TOO_LONG: number;
  readonly VERDICT_MALFORMED: number;
  /** What `tapWrite` may join. */
  readonly JOIN_TCP: number;
  readonly JOIN_UDP: number;
  /** Octets of an area of `udpReceive`; areas of one call, at most; frames that room is kept for in each. */
  readonly UDP_AREA_LEN: number;
  readonly UDP_AREAS_MAX: number;
  readonly UDP_TRAIN_MAX: number;
  /** Octets of a peer's endpoint in shared memory. */
  readonly ENDPOINT_LEN: number;
  /** Pairs that one `epollReady` writes, at most. */
  readonly READY_MAX: number;
}

/** A `FrameArrays` or `AeadJobArrays` that the addon has read once; stands for it in every call, and keeps its arrays. */
export interface BoundFrames {
  readonly [handle]: 'frames';
}
export interface BoundJob {
  readonly [handle]: 'job';
}

/** The route to an address, without what ICMP has said of it. */
export interface RouteInfo {
  /** Of the link that packets leave by. */
  ifindex: number;
  /** What the administrator has given it (`ip route … mtu N`); 0: nothing. */
  mtu: number;
  /** `mtu lock N`: whatever ICMP says. */
  locked: boolean;
}

export interface Addon {
  readonly constants: AddonConstants;

  // --- bound arrays ---------------------------------------------------------------------------------
  /** Reads the arrays of `frames` once; they stay alive with the handle. */
  bindFrames(frames: FrameArrays): BoundFrames;
  bindJob(job: AeadJobArrays): BoundJob;

  // --- TAP and links -------------------------------------------------------------------------------
  /**
   * Opens one queue of a TAP: IFF_TAP | IFF_NO_PI | IFF_VNET_HDR (| IFF_MULTI_QUEUE), O_CLOEXEC | O_NONBLOCK. `first`:
   * the interface must not be there yet (IFF_TUN_EXCL), else EBUSY.
   */
  openTap(ifname: string, multiQueue: boolean, first: boolean): number;
  /** TUNSETOFFLOAD; returns false where the kernel refuses these flags (EINVAL). */
  setTapOffload(fd: number, flags: number): boolean;
  /** TUNSETCARRIER (Linux 5.0), of the interface that the queue `fd` belongs to. Throws SystemError. */
  setTapCarrier(fd: number, up: boolean): void;
  /** Takes the queue `fd` of a TAP with several out of those that the kernel gives frames to; it can be written to still. */
  detachTapQueue(fd: number): void;
  linkInfo(ifname: string): LinkInfo;
  /** The link of this index as it is now (rtnetlink), by whatever name; null: there is none in this network namespace. */
  linkState(index: number): LinkState | null;
  /** if_nametoindex(3); 0: there is no such interface. */
  linkIndex(ifname: string): number;
  setLinkMac(ifname: string, mac: Uint8Array): void;
  setLinkMtu(ifname: string, mtu: number): void;
  setLinkUp(ifname: string, up: boolean): void;
  /** Enslaves `ifname` to `bridge` (SIOCBRADDIF). */
  addToBridge(bridge: string, ifname: string): void;
  /** Takes `ifname` out of `bridge` (SIOCBRDELIF); EINVAL where it is no port of it. */
  takeFromBridge(bridge: string, ifname: string): void;
  /** Puts the links into `group` (not 0, and nobody else's) and deletes that in one step; returns how many were there. */
  deleteLinks(ifindexes: Int32Array, group: number): number;
  /** Sends the rtnetlink message `request` and returns the first answer; what the kernel refuses is thrown, with `what` in it. */
  rtnetlink(request: Uint8Array, what: string): Buffer;

  // --- sockets -------------------------------------------------------------------------------------
  /**
   * A raw socket of protocol 47, bound to `local` and connected to `remote` (both of one family).
   * `df` sets IP_MTU_DISCOVER to PROBE (DF, whatever ICMP says of the path), else DONT. `hdrIncl` (IPv4 only): we write
   * the outer header ourselves.
   * Buffer sizes are octets, set by SO_SNDBUFFORCE/SO_RCVBUFFORCE where allowed.
   */
  openGreSocket(local: string, remote: string, opts: GreSocketOptions): number;
  /**
   * A raw socket of the IP protocol `protocol` that gets a copy of what `remote` sends to `local`, whoever else takes it. Read
   * it by `receiveIcmp`.
   */
  openCopySocket(local: string, remote: string, protocol: number): number;
  /**
   * A UDP socket bound to `local`:`port`. Unless `remote` is null it takes datagrams of that address only,
   * whatever their source port (RFC 8086 §3.1), and other sockets may share `local`:`port` for other peers.
   */
  openUdpSocket(local: string, remote: string | null, port: number, opts: GreSocketOptions): number;
  /** The kernel's route MTU from `local` to `remote`: a connected UDP socket's IP_MTU / IPV6_MTU. Sends nothing. */
  pathMtu(local: string, remote: string): number;
  /** SO_REUSEPORT: whether other sockets of this user may be bound to the address and port of `fd`, if they have it too. */
  setReusePort(fd: number, on: boolean): void;
  /** A UDP socket as `openUdpSocket` makes one that takes datagrams of everybody; others may share `local`:`port`. */
  openDoorSocket(local: string, port: number, opts: GreSocketOptions): number;
  /**
   * The UDP socket `fd` hears the peer in `endpoint` and nobody else from now on, in place of the one before. What waits in
   * it stays. RangeError where no peer is known.
   */
  connectUdp(fd: number, endpoint: Uint8Array): void;
  /** The address that the kernel's route to `remote` sends from. Throws where there is no route. Sends nothing. */
  sourceTo(remote: string): string;
  /** Packets that the kernel has dropped as the receive buffer of the socket was full, or their checksum was wrong; counted modulo 2^32. */
  socketDrops(fd: number): number;
  /** The routing table's word on packets from `local` to `remote` (rtnetlink). Sends nothing. */
  routeTo(local: string, remote: string): RouteInfo;
  /** A raw socket that hears ICMP "fragmentation needed" (4) or ICMPv6 "packet too big" (6), of everybody for everybody here. */
  openIcmpSocket(family: number): number;
  /**
   * Takes the next message: with its IPv4 header before it, none on IPv6. What is longer than `into` is cut. `from`, 16
   * octets: who sent it. Returns octets, −1: none waits.
   */
  receiveIcmp(fd: number, into: Uint8Array, from: Uint8Array): number;
  /**
   * Sends one packet by the socket `fd` with this type of service, to the peer in `endpoint`, or where the socket is
   * connected to. Returns 0, or the errno that stopped it: EAGAIN, and EDESTADDRREQ while no peer is known.
   */
  sendPacket(fd: number, packet: Uint8Array, tos: number, endpoint: Uint8Array | null): number;
  closeFd(fd: number): void;

  // --- waiting -------------------------------------------------------------------------------------
  /** eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK). */
  openEvent(): number;
  /** Two connected descriptors that keep the borders of frames: a TAP's fd and its kernel's end, without a kernel. */
  openPair(fds: Int32Array): void;
  /** Adds 1; wakes whoever polls it. */
  signalEvent(fd: number): void;
  /** Takes the count back to 0; false when it was 0. */
  clearEvent(fd: number): boolean;
  /** poll(2) on one descriptor; whether any of `events` (or an error) came within `timeoutMs`. EINTR counts as not. */
  waitFor(fd: number, events: number, timeoutMs: number): boolean;
  /** epoll_create1(EPOLL_CLOEXEC). */
  openEpoll(): number;
  /** What to wait for at `fd`: POLLIN 1, POLLOUT 4, both, or 0: nothing any more. Level-triggered. */
  epollSet(epoll: number, fd: number, events: number): void;
  /**
   * Waits until a descriptor is ready, `timeoutMs` at most (−1: for ever). Writes pairs of descriptor and events (POLLERR 8
   * and POLLHUP 16 unasked) into `ready`; returns how many pairs, 256 at most. EINTR counts as 0.
   */
  epollReady(epoll: number, ready: Int32Array, timeoutMs: number): number;

  /**
   * Once armed, has the event loop of this thread call `readable` when `fd` can be read: once, and not before it is armed
   * again. It keeps no process alive. The descriptor stays its owner's, who closes it after the handle.
   */
  openReadable(fd: number, readable: () => void): ReadableHandle;
  armReadable(handle: ReadableHandle): void;
  closeReadable(handle: ReadableHandle): void;

  // --- ports: batched reads and writes -------------------------------------------------------------
  /**
   * A port for the TAP queue `fd`. `join`: what `tapWrite` may join to super-frames (JOIN_TCP, JOIN_UDP).
   * `mtu`: 0, or that of the TAP where frames come in clear from a kernel, which may have joined them or left
   * their checksums to be completed: `tapWrite` then says so to the TAP.
   */
  openTapPort(fd: number, join: number, mtu: number): PortHandle;
  /** `tapRead` gives what is left of a super-frame from now on, and then nothing: what waits in the TAP stays there. */
  restTapPort(port: PortHandle): void;
  /** A port for the socket `fd`. */
  openSocketPort(fd: number): PortHandle;
  /**
   * Reads up to `max` frames, frame i to `arena[at[i], at[i] + room)`; writes `len[i]`, clears `verdict[i]`.
   * Returns how many; less than `max`: nothing more waits. The virtio_net_hdr is taken off: super-frames (TSO,
   * USO) are cut, partial checksums completed. What of a super-frame does not fit is kept for the next call, and
   * `poll` does not know of it. A frame larger than `room` has its true length and VERDICT_TOO_LONG.
   */
  tapRead(port: PortHandle, frames: FrameArrays | BoundFrames, max: number, room: number): number;
  /**
   * Writes the living frames of [from, count), those of one flow joined where the port was told to; their
   * headers are overwritten. Frames that the TAP refuses get `verdict`; none waits. Returns, and puts in
   * `status[0]`, the last errno, 0 without one.
   */
  tapWrite(
    port: PortHandle,
    frames: FrameArrays | BoundFrames,
    from: number,
    count: number,
    status: Int32Array,
    verdict: number,
  ): number;
  /** recvmmsg(2): as `tapRead`. On a raw IPv4 socket a packet starts with its IPv4 header, on IPv6 and UDP it does not. `status[0]` as below. */
  socketReceive(
    port: PortHandle,
    frames: FrameArrays | BoundFrames,
    max: number,
    room: number,
    status: Int32Array,
  ): number;
  /**
   * sendmmsg(2) over the living frames of [from, count). Returns the index of the first frame not sent (`count`:
   * all). `status[0]` is 0, or the errno that stopped it (EAGAIN included).
   */
  socketSend(
    port: PortHandle,
    frames: FrameArrays | BoundFrames,
    from: number,
    count: number,
    status: Int32Array,
  ): number;
  /** A port for the UDP socket `fd`; turns UDP_GRO on where the kernel has it. */
  openUdpPort(fd: number): PortHandle;
  /**
   * As `socketSend`, to the peer in `endpoint`; neighbours of one length leave as one train (UDP_SEGMENT).
   * EDESTADDRREQ: no peer is known yet.
   */
  udpSend(
    port: PortHandle,
    frames: FrameArrays | BoundFrames,
    from: number,
    count: number,
    status: Int32Array,
    endpoint: Uint8Array,
  ): number;
  /**
   * Receives trains (UDP_GRO) into the first `areas` areas of UDP_AREA_LEN octets of the arena, and says where
   * in them up to `max` frames lie: writes `at[i]` and `len[i]`, clears `verdict[i]`. Room for 64 frames is kept
   * for every message that is asked for. `status[0]` as for `socketReceive`.
   */
  udpReceive(
    port: PortHandle,
    frames: FrameArrays | BoundFrames,
    areas: number,
    max: number,
    status: Int32Array,
  ): number;
  /**
   * Writes the sender of frame `frame` of the last `udpReceive` into `endpoint`; returns whether it was another before.
   * Senders are kept per thread: RangeError where another port has received since.
   */
  udpLearn(port: PortHandle, frame: number, endpoint: Uint8Array): boolean;
  /** Makes `address`:`port` the peer. `endpoint`: ENDPOINT_LEN octets of shared memory, zeroed when made. */
  setEndpoint(endpoint: Uint8Array, address: string, port: number): boolean;
  /** Makes the peer in `from` that in `to`; returns whether it was another before. */
  copyEndpoint(to: Uint8Array, from: Uint8Array): boolean;
  /** `192.0.2.1:4754`, `[2001:db8::1]:4754`, or null while no peer is known. */
  endpointText(endpoint: Uint8Array): string | null;
  /**
   * From now on each frame that the socket or UDP port sends has the type of service (traffic class) in its `tos`, and of each
   * that it receives the packet's is written there; trains are of one. Raw IPv4 sockets whose packets bring a header of their
   * own have it in that header. Without effect on sockets that are neither IPv4's nor IPv6's.
   */
  carryTos(port: PortHandle): void;
  /** Does not close the descriptor. */
  closePort(port: PortHandle): void;

  // --- AEAD: the OpenSSL that this node process runs on --------------------------------------------
  /** The version text of that OpenSSL, or null where it cannot be used (then no keyring opens). */
  opensslVersion(): string | null;
  /** Why it cannot be used, as half a sentence; null where it can. */
  opensslFault(): string | null;
  /** A table of `slots` cipher contexts, for one thread. */
  openKeyring(slots: number): KeyringHandle;
  /**
   * Puts `algorithm` with `key`, which must have that algorithm's length, into `slot`; the octets of `key` are
   * copied by OpenSSL only.
   */
  setKey(ring: KeyringHandle, slot: number, algorithm: 'aes-128-gcm' | 'aes-256-gcm', key: Uint8Array): void;
  /** Frees and wipes a slot. */
  clearKey(ring: KeyringHandle, slot: number): void;
  closeKeyring(ring: KeyringHandle): void;
  /** AES-GCM over a batch, in place; see `AeadJob`. Returns how many frames were sealed. */
  aeadSeal(ring: KeyringHandle, job: AeadJobArrays | BoundJob, count: number, icvLen: number): number;
  /** The same, opening; `ok[i]` says which passed. Returns how many passed. */
  aeadOpen(ring: KeyringHandle, job: AeadJobArrays | BoundJob, count: number, icvLen: number): number;

  // --- process -------------------------------------------------------------------------------------
  /** flock(LOCK_EX | LOCK_NB) on an open file; false when another description of it is locked. */
  lockFd(fd: number): boolean;
  /**
   * Takes `name` (at most 100 octets) in the abstract namespace of Unix sockets: a descriptor that holds it, or −1 with
   * pid and uid of the holder in `holder` (−1 where the kernel does not say).
   */
  lockName(name: string, holder: Int32Array): number;
  /** memfd_create(2): memory with these octets and no name in any file system, which can be emptied and not written; a descriptor of it. */
  openMemory(name: string, octets: Uint8Array): number;
  /** A listening SOCK_SEQPACKET at `name` (at most 100 octets) in the abstract namespace of Unix sockets. */
  listenUnix(name: string): number;
  /** The next connection; −1: none waits. */
  acceptUnix(fd: number): number;
  /** A SOCK_SEQPACKET that is connected to who listens at `name`. */
  connectUnix(name: string): number;
  /** Pid and uid of the other end of a connected Unix socket into `peer`. */
  unixPeer(fd: number, peer: Int32Array): void;
  /** Sends one message with descriptors beside it (SCM_RIGHTS), 250 at most; false: the queue is full now. */
  sendFds(fd: number, octets: Uint8Array, fds: Int32Array): boolean;
  /**
   * The next message: its octets, and its descriptors in `fds` (250 elements), of which `came[0]` is the number. Returns how
   * many octets; 0: the other end has gone; −1: none waits. EMSGSIZE for one that does not fit.
   */
  receiveFds(fd: number, octets: Uint8Array, fds: Int32Array, came: Int32Array): number;
  /** FD_CLOEXEC, for descriptors that came without. */
  closeOnExec(fd: number): void;
  /** The listening Unix socket `fd`, which came from another process, is this process's to who asks the kernel. */
  listenAgain(fd: number): void;
  /** No core dumps, not dumpable (prctl PR_SET_DUMPABLE 0, RLIMIT_CORE 0). */
  hardenProcess(): void;
  /**
   * Of all threads: at most the capabilities in `mask` stay (bits below 32), for themselves and for programs that they
   * might start; no_new_privs is set (`man 7 capabilities`, `man 2 prctl`). Before there are workers.
   */
  keepCapabilities(mask: number): void;
  /** Whether somebody (NTP, PTP) keeps the clock right, as the kernel knows (`man 2 adjtimex`). Throws SystemError. */
  clockIsSynchronised(): boolean;
  /** Whether programs that this thread starts have the capabilities that were kept (ambient ones), where it may say so. */
  lendCapabilities(on: boolean): void;
  /** Sends one datagram, with descriptors beside it, to a Unix socket (sd_notify); a leading `@` means the abstract namespace. */
  notifySocket(path: string, text: string, fds: Int32Array): void;
  /** Ends the process at once, whatever its threads wait for (`man 2 _exit`): nothing is flushed. */
  exitNow(status: number): never;
}

export interface GreSocketOptions {
  df: boolean;
  ttl: number;
  tos: number;
  hdrIncl: boolean;
  sndBuf: number;
  rcvBuf: number;
}

/**
 * One AEAD operation per frame, all in one slab. Frame i: AAD is `arena[at, at + aadLen)`, the text follows it
 * directly (`textLen` octets, replaced in place), the ICV (`icvLen` octets) follows the text.
 */
export interface AeadJobArrays {
  readonly arena: Uint8Array;
  readonly at: Uint32Array;
  readonly aadLen: Uint32Array;
  readonly textLen: Uint32Array;
  /** IV_LEN octets per frame. */
  readonly iv: Uint8Array;
  /** Which key of the ring; NO_SLOT: skip this frame. */
  readonly slot: Uint8Array;
  /** Written by open: 1 when the ICV was right, else 0. Written by seal: 1. */
  readonly ok: Uint8Array;
}
