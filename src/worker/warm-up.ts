/**
 * Runs the hot path until the JavaScript engine has compiled it, before the first frame comes: a lone ping would
 * otherwise meet interpreted code for its first few hundred frames. Real lanes on real ports, with socket pairs in
 * place of TAP and wire, and a key of its own that is thrown away.
 *
 *     feed ─▶ TAP pair ─▶ transmit lane ─▶ wire pair ─▶ receive lane ─▶ TAP pair ─▶ sink
 */
import { createSecretKey, randomBytes } from 'node:crypto';
import type { MacsecConfig, SaConfig } from '../config/types.ts';
import { createBatch, resetBatch } from '../datapath/batch.ts';
import type { Lane } from '../datapath/lane.ts';
import { laneCountersBytes } from '../datapath/lane-counters.ts';
import { closeFds } from '../io/close.ts';
import { openPair } from '../io/pair.ts';
import { wrapTap } from '../io/wrap.ts';
import { PnGrant } from '../macsec/packet-number.ts';
import { ipv4Template } from '../wire/ipv4.ts';
import type { LaneSpec } from './messages.ts';

const ROUNDS = 4000;
/** The start must not wait longer for this. */
const BUDGET_MS = 150;
const FRAME_LEN = 98;
const LOWER_MTU = 1462;
const SCI = '0200000000010001';

/** `build` is how the worker builds its own lanes: the same code, the same shapes. */
export function warmUp(build: (spec: LaneSpec) => Lane): void {
  const [tapFd, feedFd] = openPair();
  const [wireFd, farFd] = openPair();
  const [farTapFd, sinkFd] = openPair();
  const secy = loopSecy();
  const transmit = build(laneSpec('transmit', tapFd, wireFd, secy));
  const receive = build(laneSpec('receive', farTapFd, farFd, secy));
  const [feed, sink] = [wrapTap(feedFd, { offloads: false }), wrapTap(sinkFd, { offloads: false })];
  const batch = createBatch(LOWER_MTU, 1);
  const start = performance.now();
  for (let round = 0; round < ROUNDS && performance.now() - start < BUDGET_MS; round++) {
    resetBatch(batch);
    batch.len[0] = FRAME_LEN;
    batch.verdict[0] = 0;
    batch.count = 1;
    feed.send(batch, 0);
    transmit.run();
    receive.run();
    resetBatch(batch);
    sink.receive(batch, 1);
  }
  for (const one of [transmit, receive, feed, sink]) one.close();
  closeFds([tapFd, feedFd, wireFd, farFd, farTapFd, sinkFd]);
}

function laneSpec(
  direction: LaneSpec['direction'],
  tapFd: number,
  wireFd: number,
  secy: NonNullable<LaneSpec['secy']>,
): LaneSpec {
  return {
    ...{ direction, tunnel: 'warm-up', tapFd, wireFd, endpoint: null, learns: false, outerIpv4: true, secy },
    ...{ gre: { key: null, checksum: false }, lowerMtu: LOWER_MTU, maxLen: 1600 },
    ipv4: ipv4Template(Buffer.from([127, 0, 0, 1]), Buffer.from([127, 0, 0, 2]), 64, 0, true),
    counters: new SharedArrayBuffer(laneCountersBytes(1)),
  };
}

/** A SecY that receives what it sends. */
function loopSecy(): NonNullable<LaneSpec['secy']> {
  const octets = randomBytes(16);
  const sa: SaConfig = {
    ...{ an: 0, pn: 1, keyId: '00', active: true, ssci: null, salt: null },
    sak: createSecretKey(octets),
  };
  octets.fill(0);
  const config: MacsecConfig = {
    ...{ cipher: 'gcm-aes-128', protect: true, encrypt: true, validate: 'strict', sendSci: true },
    ...{ endStation: false, scb: false, icvLen: 16, port: 1, encodingSa: 0 },
    ...{ replayProtect: true, replayWindow: 1024, replayBitmap: true },
    ...{ txSa: [sa], rxSc: [{ sci: SCI, active: true, sa: [sa] }] },
  };
  const grant = new PnGrant(1);
  grant.grant(2 ** 31, 2 ** 31);
  const tx = { pn: grant.shared, nextPn: 0, serial: 1 };
  return { config, sci: SCI, txShare: [tx], rxShare: [[{ pn: null, nextPn: 1, serial: 2 }]], rxIndex: [0] };
}
