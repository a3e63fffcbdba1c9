/**
 * What `native-io.test.ts` runs in a network namespace of its own (`unshare --net`): real TAPs and raw sockets. One
 * JSON object on stdout.
 *
 *     tap "in" ── tapWrite joins ──▶ bridge ──▶ tap "soft", offloads off: the kernel cuts
 *                                        └────▶ tap "hard", offloads on:  the addon cuts
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createBatch, resetBatch } from '../../src/frame/batch.ts';
import { viewOf } from '../../src/frame/view.ts';
import { Poller } from '../../src/host/poller.ts';
import { openGreSocket } from '../../src/host/socket.ts';
import { openTap } from '../../src/host/tap.ts';
import { loadAddon } from '../../src/native/load.ts';
import type { FramePort } from '../../src/ports/frame-port.ts';
import { wrapRawSocket } from '../../src/ports/raw-socket-port.ts';
import { wrapTap } from '../../src/ports/tap-port.ts';
import { ipv4Template, writeIpv4 } from '../../src/wire/ipv4.ts';
import { SHAPES } from '../unit/native/offload-shapes.ts';
import { cutByHand } from '../unit/native/packets.ts';

const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' });

function tap(ifname: string, offloads: boolean): FramePort {
  const settings = { ifname, mac: null, mtu: 1500, bridge: 'br0', queues: 1, carrier: true };
  return wrapTap(openTap(settings, 'tap').fds[0]!, { offloads });
}

function send(port: FramePort, frames: readonly Buffer[]): number[] {
  const batch = createBatch(9100, Math.max(1, frames.length));
  resetBatch(batch);
  for (const [i, frame] of frames.entries()) {
    frame.copy(batch.arena, batch.at[i]!);
    batch.len[i] = frame.length;
  }
  batch.count = frames.length;
  port.send(batch, 0);
  return [...batch.verdict];
}

/** Hex of the frames that come within half a second, at most `count`. */
function receive(port: FramePort, count: number): string[] {
  const batch = createBatch(9100, 64);
  const poller = new Poller();
  poller.set(port.fd, 1);
  const got: string[] = [];
  while (got.length < count && poller.wait(500) > 0) {
    resetBatch(batch);
    for (let n = port.receive(batch, 64), i = 0; i < n; i++) {
      got.push(batch.arena.toString('hex', batch.at[i]!, batch.at[i]! + batch.len[i]!));
    }
  }
  return got;
}

function offloads(): object[] {
  ip('link', 'add', 'br0', 'type', 'bridge', 'mcast_snooping', '0');
  ip('link', 'set', 'br0', 'up');
  const [input, soft, hard] = [tap('in', true), tap('soft', false), tap('hard', true)];
  const results = SHAPES.map(({ name, spec, mss }) => {
    const sent = cutByHand(spec, mss).slice(0, 40);
    const verdicts = send(input, sent);
    return {
      name,
      sent: sent.map((frame) => frame.toString('hex')),
      refused: verdicts.filter((verdict) => verdict !== 0).length,
      kernel: receive(soft, sent.length),
      addon: receive(hard, sent.length),
    };
  });
  for (const port of [input, soft, hard]) port.close();
  return results;
}

function rawSockets(): object {
  ip('link', 'set', 'lo', 'up', 'mtu', '1500');
  const [left, right] = ['127.0.0.1', '127.0.0.2'];
  const settings = { df: true, ttl: 33, tos: 8 };
  const near = wrapRawSocket(openGreSocket({ local: left, remote: right, ...settings }, 'gre'));
  const own = wrapRawSocket(openGreSocket({ local: left, remote: right, ...settings }, 'gre', true));
  const far = wrapRawSocket(openGreSocket({ local: right, remote: left, ...settings }, 'gre'));
  const gre = Buffer.from('00006558aabbccdd', 'hex');
  const plain = { verdicts: send(near, [gre, Buffer.alloc(3000), gre]), got: receive(far, 2) };
  const template = ipv4Template(Buffer.from([127, 0, 0, 1]), Buffer.from([127, 0, 0, 2]), 44, 4, true);
  const packet = Buffer.concat([Buffer.alloc(20), gre]);
  writeIpv4(viewOf(packet), 0, packet.length, viewOf(template));
  const ownHeader = { verdicts: send(own, [packet]), got: receive(far, 1) };
  ip('link', 'add', 'under', 'type', 'veth', 'peer', 'name', 'far');
  ip('link', 'set', 'far', 'up');
  ip('addr', 'add', '10.9.0.1/24', 'dev', 'under');
  ip('link', 'set', 'under', 'up');
  const routed = wrapRawSocket(openGreSocket({ local: '10.9.0.1', remote: '10.9.0.2', ...settings }, 'gre'));
  const link = ['up', 'down', 'up'].map((state) => {
    ip('link', 'set', 'under', state);
    return send(routed, [gre, gre]);
  });
  const six = wrapRawSocket(openGreSocket({ local: '::1', remote: '::1', ...settings }, 'gre'));
  const ipv6 = { verdicts: send(six, [gre]), got: receive(six, 1) };
  return { plain, ownHeader, link, ipv6 };
}

function vanished(): string {
  const port = wrapTap(
    openTap({ ifname: 'gone', mac: null, mtu: 1500, bridge: null, queues: 1, carrier: true }, 'tap').fds[0]!,
  );
  ip('link', 'del', 'gone');
  const batch = createBatch(1500, 4);
  resetBatch(batch);
  try {
    port.receive(batch, 4);
    return 'nothing';
  } catch (error) {
    return String(error);
  }
}

/** What the openers of a name that is there already hear: as the first of its queues, and as a further one. */
function taken(): string[] {
  const addon = loadAddon();
  const open = (first: boolean): string => {
    try {
      return addon.openTap('twice', true, first) >= 0 ? 'opened' : '';
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  return [open(true), open(true), open(false)];
}

// Links that speak of themselves would disturb the comparison.
writeFileSync('/proc/sys/net/ipv6/conf/default/disable_ipv6', '1');
const offloadResults = offloads();
console.log(
  JSON.stringify({ offloads: offloadResults, raw: rawSockets(), vanished: vanished(), taken: taken() }),
);
