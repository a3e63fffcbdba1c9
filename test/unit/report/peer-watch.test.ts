/** A peer that is heard, or not: only what is authentic counts, and only while frames are sent to it. */
import { describe, expect, it } from 'vitest';
import { Drop } from '../../../src/frame/drop.ts';
import type { LaneCounters } from '../../../src/frame/lane-counters.ts';
import { Traffic } from '../../../src/frame/lane-counters.ts';
import type { AgreedLiveness } from '../../../src/keys/key-source.ts';
import type { MacsecConfig } from '../../../src/macsec/config.ts';
import { countersAt, RxScCounter } from '../../../src/macsec/counters.ts';
import { PeerWatch } from '../../../src/report/peer-watch.ts';
import type { Silence } from '../../../src/tunnel/ends-finder.ts';
import type { TunnelView } from '../../../src/tunnel/view.ts';
import { macsecConfig, rxScOf, saOf } from '../macsec/kit.ts';
import { tunnelOf } from '../tunnel/kit.ts';
import { type Line, logLines } from './log-lines.ts';

/** A tunnel whose traffic is the test's, a second at a time. */
class Seconds {
  readonly lines: Line[];
  readonly watch: PeerWatch;
  readonly tunnel: TunnelView;
  readonly #tx: LaneCounters;
  readonly #rx: LaneCounters;
  #nowMs = 5_000;

  static async of(macsec: MacsecConfig | null, peerTimeoutSeconds = 10): Promise<Seconds> {
    const { tunnel, counters } = await tunnelOf(macsec);
    return new Seconds({ ...tunnel, peerTimeoutSeconds }, counters);
  }

  /** With key agreement: as `PeerWatch` has it. */
  agreed: AgreedLiveness = null;

  constructor(tunnel: TunnelView, counters: readonly LaneCounters[]) {
    const { log, lines } = logLines();
    this.lines = lines;
    this.watch = new PeerWatch(log, () => this.agreed);
    this.tunnel = tunnel;
    [this.#tx, this.#rx] = counters as [LaneCounters, LaneCounters];
    this.pass(1);
  }

  /** `seconds` pass; in each of them so many frames are sent, and so many come. */
  pass(seconds: number, { sent = 0, heard = 0, delivered = 0, late = 0, refused = 0 } = {}): void {
    for (let i = 0; i < seconds; i++) {
      this.#tx.traffic[Traffic.outFrames]! += sent;
      this.#tx.drops[Drop.WireUnreachable]! += refused;
      this.#rx.traffic[Traffic.outFrames]! += delivered;
      if (this.tunnel.secy !== null) {
        this.#rx.secy[countersAt.rxSc(0) + RxScCounter.inPktsOk]! += heard;
        this.#rx.secy[countersAt.rxSc(0) + RxScCounter.inPktsLate]! += late;
      }
      this.#nowMs += 1000;
      this.watch.tick([this.tunnel], this.#nowMs);
    }
  }

  get silence(): Silence {
    return this.watch.silenceOf(this.tunnel, this.#nowMs);
  }

  get state(): string {
    return this.watch.peerOf(this.tunnel).state;
  }

  get texts(): string[] {
    return this.lines.map(({ msg }) => msg);
  }
}

const macsec = macsecConfig({ rxSc: [rxScOf([saOf()])] });
const FIRST = 'first authentic frame from 2.2.2.2';

describe('a peer', () => {
  it('is unknown before its first authentic frame, which is told once', async () => {
    const seconds = await Seconds.of(macsec);
    expect(seconds.watch.peerOf(seconds.tunnel)).toEqual({
      state: 'unknown',
      since: null,
      last_authentic: null,
    });
    seconds.pass(3, { heard: 5 });
    expect(seconds.lines).toMatchObject([{ level: 30, tunnel: 'site2', msg: FIRST }]);
    const { state, since, last_authentic } = seconds.watch.peerOf(seconds.tunnel);
    expect(state).toBe('alive');
    expect(since! <= last_authentic!).toBe(true);
  });

  it('that falls silent while frames are sent is lost after the timeout, told once, and back with its next frame', async () => {
    const seconds = await Seconds.of(macsec);
    seconds.pass(1, { heard: 1 });
    seconds.pass(9, { sent: 3 });
    expect(seconds.state).toBe('alive');
    seconds.pass(30, { sent: 3 });
    expect(seconds.state).toBe('lost');
    const { since } = seconds.watch.peerOf(seconds.tunnel);
    const lostFor = (Date.now() - Date.parse(since!)) / 1000;
    expect(lostFor).toBeGreaterThan(9);
    seconds.pass(1, { heard: 1 });
    expect(seconds.state).toBe('alive');
    expect(seconds.lines.slice(1)).toMatchObject([
      {
        level: 40,
        tunnel: 'site2',
        seconds: 10,
        msg: 'peer lost: nothing authentic from 2.2.2.2 for 10 s while sending',
      },
      { level: 30, tunnel: 'site2', seconds: 40, msg: 'peer back after 40 s' },
    ]);
  });

  it('that was never there is lost too, and its first frame is told as both', async () => {
    const seconds = await Seconds.of(macsec);
    seconds.pass(20, { sent: 1 });
    seconds.pass(1, { heard: 1 });
    expect(seconds.texts).toEqual([
      'peer lost: nothing authentic from 2.2.2.2 for 10 s while sending, nor before',
      'peer back after 21 s',
      FIRST,
    ]);
  });

  it('is not lost while nothing is sent, nor for one or two lone frames (LLDP)', async () => {
    const seconds = await Seconds.of(macsec);
    seconds.pass(1, { heard: 1 });
    seconds.pass(60);
    for (let i = 0; i < 10; i++) {
      seconds.pass(1, { sent: 1 });
      seconds.pass(1, { sent: 1 });
      seconds.pass(28);
    }
    expect(seconds.texts).toEqual([FIRST]);
    expect(seconds.state).toBe('alive');
  });

  it('that answers in time is never lost, however much is sent', async () => {
    const seconds = await Seconds.of(macsec);
    for (let i = 0; i < 10; i++) {
      seconds.pass(9, { sent: 100 });
      seconds.pass(1, { sent: 100, heard: 1 });
    }
    expect(seconds.texts).toEqual([FIRST]);
  });

  it('is not heard by late frames, which anybody can send again, nor by what is delivered unproved', async () => {
    const seconds = await Seconds.of(macsec);
    seconds.pass(12, { sent: 1, late: 50, delivered: 50 });
    expect(seconds.state).toBe('lost');
  });

  it('is lost where this host cannot send to it', async () => {
    const seconds = await Seconds.of(macsec);
    seconds.pass(12, { refused: 1 });
    expect(seconds.state).toBe('lost');
  });

  it('is heard, in clear, by whatever is delivered', async () => {
    const seconds = await Seconds.of(null);
    seconds.pass(1, { delivered: 1 });
    seconds.pass(12, { sent: 1 });
    expect(seconds.texts).toEqual([
      'first frame from 2.2.2.2',
      'peer lost: nothing from 2.2.2.2 for 10 s while sending',
    ]);
  });

  it.each([1, 2, 3, 60])('is lost after %i s where the configuration says so', async (timeout) => {
    const seconds = await Seconds.of(macsec, timeout);
    seconds.pass(1, { heard: 1 });
    seconds.pass(timeout - 1, { sent: 1 });
    expect(seconds.state).toBe('alive');
    seconds.pass(1, { sent: 1 });
    expect(seconds.state).toBe('lost');
  });

  it('with a timeout of 0 is not watched', async () => {
    const seconds = await Seconds.of(macsec, 0);
    seconds.pass(1, { heard: 1 });
    seconds.pass(60, { sent: 1 });
    expect(seconds.texts).toEqual([FIRST]);
    expect(seconds.state).toBe('unwatched');
  });
});

describe('the silence of a peer', () => {
  it('is counted from its last authentic frame, and is unanswered where frames were sent meanwhile', async () => {
    const run = await Seconds.of(macsec);
    run.pass(2, { sent: 1, heard: 1 });
    expect(run.silence).toEqual({ silentMs: 0, isUnanswered: false });
    run.pass(4);
    expect(run.silence).toEqual({ silentMs: 4000, isUnanswered: false });
    run.pass(4, { sent: 1 });
    expect(run.silence).toEqual({ silentMs: 8000, isUnanswered: true });
    run.pass(7);
    expect(run.silence).toEqual({ silentMs: 15_000, isUnanswered: false });
  });

  it('is no loss while its address is not known', async () => {
    const { tunnel, counters } = await tunnelOf(macsec);
    const ends = { local: 'auto', remote: 'hub.example.net', waitsFor: 'resolving hub.example.net' };
    const run = new Seconds({ ...tunnel, ends }, counters);
    run.agreed = { heardAgoMs: null };
    run.pass(30);
    expect(run.state).toBe('unknown');
    expect(run.lines).toEqual([]);
  });
});

describe('a peer with key agreement', () => {
  const live = { heardAgoMs: 300 };
  const none = { heardAgoMs: null };

  it('that is live is alive without traffic, and while it sends none', async () => {
    const seconds = await Seconds.of(macsec);
    seconds.agreed = live;
    seconds.pass(60);
    seconds.pass(60, { sent: 5 });
    expect(seconds.state).toBe('alive');
    expect(seconds.texts).toEqual([FIRST]);
  });

  it('that was never live is lost after the timeout, though nothing is sent but hellos', async () => {
    const seconds = await Seconds.of(macsec);
    seconds.agreed = none;
    seconds.pass(9);
    expect(seconds.state).toBe('unknown');
    seconds.pass(3);
    expect(seconds.state).toBe('lost');
  });

  it('that is not live any more is lost after the timeout, counted from its last MKPDU, and back when it is', async () => {
    const seconds = await Seconds.of(macsec);
    seconds.agreed = live;
    seconds.pass(1);
    seconds.agreed = { heardAgoMs: 5000 };
    seconds.pass(1);
    seconds.agreed = none;
    seconds.pass(5);
    expect(seconds.state).toBe('lost');
    seconds.agreed = live;
    seconds.pass(1);
    expect(seconds.texts.slice(1)).toEqual([
      'peer lost: nothing authentic from 2.2.2.2 for 10 s while sending',
      'peer back after 11 s',
    ]);
  });

  it('that is not live but sends frames by the SAs that are kept is not lost', async () => {
    const seconds = await Seconds.of(macsec);
    seconds.agreed = live;
    seconds.pass(1);
    seconds.agreed = none;
    seconds.pass(60, { sent: 1, heard: 1 });
    expect(seconds.state).toBe('alive');
  });
});
