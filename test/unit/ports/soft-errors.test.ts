/** Errors that ICMP left on a socket: no frame pays for one, and each is counted by its kind. */
import { constants } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { type Batch, createBatch, resetBatch } from '../../../src/frame/batch.ts';
import { Drop } from '../../../src/frame/drop.ts';
import { Icmp } from '../../../src/frame/icmp.ts';
import { BATCH_SIZES_AT, Traffic, untoldTraffic } from '../../../src/frame/lane-counters.ts';
import { closeFds } from '../../../src/host/close.ts';
import { openUdpSocket } from '../../../src/host/socket.ts';
import { createEndpoint } from '../../../src/ports/endpoint.ts';
import { receivePastErrors, sendWithRetry } from '../../../src/ports/soft-errors.ts';
import { wrapUdpSocket } from '../../../src/ports/udp-socket-port.ts';
import { icmpKind } from '../../../src/ports/verdicts.ts';

const { EAGAIN, ENOPROTOOPT, EPROTO, ECONNREFUSED, EHOSTUNREACH, EACCES, ENETUNREACH, EPERM, EMSGSIZE } =
  constants.errno;

function batchOf(count: number): Batch {
  const batch = createBatch(100);
  resetBatch(batch);
  batch.len.fill(20, 0, count);
  batch.count = count;
  return batch;
}

/** What was counted, by `Icmp`. */
function counted(traffic: Float64Array): number[] {
  return [...traffic.subarray(Traffic.icmp, BATCH_SIZES_AT)];
}

/** A sender whose calls end as the test says: at this frame, with this errno. */
function sender(...calls: readonly (readonly [number, number])[]) {
  const left = [...calls];
  const status = new Int32Array(1);
  const sendFrom = (batch: Batch): number => {
    const [at, errno] = left.shift() ?? [batch.count, 0];
    status[0] = errno;
    return at;
  };
  return { status, traffic: untoldTraffic(), sendFrom };
}

describe('sending', () => {
  it.each<[string, [number, number][], number, number[]]>([
    ['no error', [], 4, [0, 0, 0, 0, 0, 0]],
    ['an error of an earlier packet', [[0, ENOPROTOOPT]], 4, [1, 0, 0, 0, 0, 0]],
    [
      'two, in the middle',
      [
        [1, ECONNREFUSED],
        [2, EHOSTUNREACH],
      ],
      4,
      [0, 1, 1, 0, 0, 0],
    ],
    [
      'one, and then a full queue',
      [
        [0, ECONNREFUSED],
        [0, EAGAIN],
      ],
      0,
      [0, 1, 0, 0, 0, 0],
    ],
  ])('%s: no frame is dropped, each error is counted once', (_, calls, sent, icmp) => {
    const batch = batchOf(4);
    const from = sender(...calls);
    expect(sendWithRetry(from, batch, 0)).toBe(sent);
    expect([...batch.verdict.subarray(0, 4)]).toEqual([0, 0, 0, 0]);
    expect(counted(from.traffic)).toEqual(icmp);
    const errors = icmp.reduce((sum, one) => sum + one, 0);
    expect(from.traffic[Traffic.done]).toBe(errors);
  });

  it('a frame that is refused twice is dropped, with its own reason, and is no ICMP error', () => {
    const batch = batchOf(2);
    const from = sender([0, EPERM], [0, EPERM], [1, EPERM], [1, EPERM]);
    expect(sendWithRetry(from, batch, 0)).toBe(2);
    expect([...batch.verdict.subarray(0, 2)]).toEqual([Drop.WireRefused, Drop.WireRefused]);
    expect(counted(from.traffic)).toEqual([0, 0, 0, 0, 0, 0]);
  });
});

describe('receiving', () => {
  it('goes past the errors, eight at a time, and counts them', () => {
    const status = new Int32Array(1);
    const traffic = untoldTraffic();
    let errors = 0;
    const receiver = {
      status,
      traffic,
      receiveSome: () => {
        status[0] = errors-- > 0 ? ENETUNREACH : 0;
        return status[0] === 0 ? 3 : 0;
      },
    };
    errors = 5;
    expect(receivePastErrors(receiver, batchOf(0), 10)).toBe(3);
    expect(counted(traffic)).toEqual([0, 0, 0, 5, 0, 0]);
  });
});

describe('the kind of an ICMP error', () => {
  it.each<[number, Icmp]>([
    [ENOPROTOOPT, Icmp.NoProtocol],
    [EPROTO, Icmp.NoProtocol],
    [ECONNREFUSED, Icmp.NoPort],
    [EACCES, Icmp.Prohibited],
    [EHOSTUNREACH, Icmp.Prohibited],
    [ENETUNREACH, Icmp.Unreachable],
    [64, Icmp.Unreachable],
    [112, Icmp.Unreachable],
    [EMSGSIZE, Icmp.TooBig],
    [5, Icmp.Other],
  ])('errno %i', (errno, kind) => {
    expect(icmpKind(errno)).toBe(kind);
  });
});

describe('a UDP port where nothing listens', () => {
  const open: number[] = [];
  afterEach(() => closeFds(open.splice(0)));

  it('is told by the kernel, and counted with what the port does next', () => {
    const [local, remote, port] = ['127.0.0.1', '127.0.0.2', 24760];
    const fd = openUdpSocket({ local, remote, port, df: true, ttl: 64, tos: 0 }, 'gre');
    open.push(fd);
    const traffic = untoldTraffic();
    const wire = wrapUdpSocket(fd, createEndpoint(remote, port), traffic);
    for (let i = 0; i < 3; i++) expect(wire.send(batchOf(1), 0)).toBe(1);
    expect(counted(traffic)[Icmp.NoPort]).toBeGreaterThanOrEqual(2);
    wire.close();
  });
});
