/**
 * The receive decision table (docs/protocol.md), frame by frame what a real Linux kernel did
 * (test/kernel/receive-table.json): the receive lane must deliver the same octets and count the same counters, in strict, check and disabled.
 */

import { createSecretKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { nodeProvider } from '../../../src/crypto/node-provider.ts';
import { LaneMtu } from '../../../src/datapath/lane-mtu.ts';
import { ReceiveLane } from '../../../src/datapath/receive.ts';
import { createGretap } from '../../../src/encap/gretap.ts';
import { laneCounters, laneCountersBytes } from '../../../src/frame/lane-counters.ts';
import { defaultMacsec, defaultSa, type MacsecConfig, type SaConfig } from '../../../src/macsec/config.ts';
import { createSecy, keySlots } from '../../../src/macsec/configure.ts';
import {
  countersAt,
  RX_SA_COUNTERS,
  RX_SC_COUNTERS,
  RxSaCounter,
  readNextPn,
  SECY_COUNTERS,
  secyCountersLen,
} from '../../../src/macsec/counters.ts';
import { MemoryPort } from '../../../src/ports/memory-port.ts';
import {
  type SaSetup,
  type SecYSetup,
  VALIDATE_MODES,
  type ValidateMode,
} from '../../kernel/cases/receive-table.ts';
import { type ExpectedCase, readExpected, rowOfOurs } from '../../kernel/expected.ts';

const { cases, kernels } = readExpected();
const outcomes = new Map(cases.map(({ name, outcome }) => [name, outcome]));
const GRE_HEADER = Buffer.from('00006558', 'hex');

describe.each(VALIDATE_MODES)(
  `the receive decision table of Linux ${kernels.join(', ')}, validate %s`,
  (mode) => {
    for (const known of cases) {
      const { name } = known;
      const { delivered, counters } = outcomes.get(rowOfOurs(name))![mode];
      const expected = { delivered, counters };
      // A batch recovers the PNs of its frames from where it began: there an older frame is still in time.
      const together = !/^XPN: older across the border/.test(name);
      if (together) it(name, () => expect(receive(known, mode, known.frames.length)).toEqual(expected));
      it(`${name}, one frame per batch`, () => expect(receive(known, mode, 1)).toEqual(expected));
    }
  },
);

function receive(
  known: ExpectedCase,
  mode: ValidateMode,
  perBatch: number,
): { delivered: string[]; counters: Record<string, number> } {
  const config = macsecConfig(known.setup, mode);
  const wire = new MemoryPort();
  const tap = new MemoryPort();
  const bridge = new MemoryPort();
  tap.connect(bridge);
  const counters = laneCounters(
    new SharedArrayBuffer(laneCountersBytes(secyCountersLen(config.rxSc.length))),
  );
  const keyring = nodeProvider.openKeyring(keySlots(config));
  const rxShare = config.rxSc.map((sc) => sc.sa.map((sa) => ({ pn: null, nextPn: sa.pn })));
  const secy = createSecy({ config, sci: '0000002222220001', txShare: [], rxShare }, keyring, counters.secy);
  const encap = createGretap({ family: 6, gre: { key: null, checksum: false }, header: null });
  const lane = new ReceiveLane({
    wire,
    tap,
    secy,
    encap,
    mtu: new LaneMtu(secy, 1462),
    maxPacketLen: 2000,
    counters,
  });
  known.frames.forEach((frame, i) => {
    wire.push(Buffer.concat([GRE_HEADER, Buffer.from(frame, 'hex')]));
    if ((i + 1) % perBatch === 0) lane.run();
  });
  lane.run();
  const delivered: string[] = [];
  for (let frame = bridge.shift(); frame !== undefined; frame = bridge.shift())
    delivered.push(frame.toString('hex'));
  lane.close();
  return { delivered, counters: named(config, counters.secy) };
}

function named(config: MacsecConfig, counters: Float64Array): Record<string, number> {
  const flat: Record<string, number> = {};
  const put = (prefix: string, names: readonly string[], at: number): void =>
    names.forEach((name, i) => {
      if (counters[at + i] !== 0) flat[`${prefix}.${name}`] = counters[at + i]!;
    });
  put('SecY', SECY_COUNTERS, countersAt.secy);
  config.rxSc.forEach((sc, index) => {
    put(`RxSc.${sc.sci}`, RX_SC_COUNTERS, countersAt.rxSc(index));
    for (const { an } of sc.sa) {
      const at = countersAt.rxSa(index, an);
      flat[`RxSa.${sc.sci}.${an}.pn`] = Number(readNextPn(counters, at + RxSaCounter.nextPn) % 2n ** 32n);
      put(`RxSa.${sc.sci}.${an}`, RX_SA_COUNTERS, at);
    }
  });
  return flat;
}

function macsecConfig(setup: SecYSetup, validate: ValidateMode): MacsecConfig {
  return {
    ...defaultMacsec,
    ...{ cipher: setup.cipher, icvLen: setup.icvLen, validate, txSa: [], replayBitmap: false },
    replayProtect: setup.replayWindow !== null,
    replayWindow: setup.replayWindow ?? 0,
    rxSc: setup.rxSc.map((sc) => ({ sci: sc.sci, active: sc.state === 'on', sa: sc.sa.map(saConfig) })),
  };
}

function saConfig(sa: SaSetup): SaConfig {
  return {
    ...defaultSa,
    an: sa.an,
    pn: BigInt(sa.pn),
    sak: createSecretKey(Buffer.from(sa.key, 'hex')),
    active: sa.state === 'on',
    ssci: sa.ssci ?? null,
    salt: sa.salt === undefined ? null : Buffer.from(sa.salt, 'hex'),
  };
}
