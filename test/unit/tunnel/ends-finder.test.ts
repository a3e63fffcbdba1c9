/** Ends that the configuration does not name: who is asked when, which address is tried, when it is left. */
import { describe, expect, it } from 'vitest';
import type { GreConfig } from '../../../src/encap/config.ts';
import { EndsFinder, type Network, type Silence } from '../../../src/tunnel/ends-finder.ts';
import { fixedEnds, type OuterEnds } from '../../../src/tunnel/outer-ends.ts';

const BASE: GreConfig = {
  ...{ local: '1.1.1.1', remote: 'hub.example.net', family: 4, encap: 'none', port: 4754, key: null },
  ...{ checksum: false, ttl: 64, sourcePort: 'port', tos: 0, df: true, mtuProbeSeconds: 600 },
};
const HEARD: Silence = { silentMs: 0, isUnanswered: false };
const IDLE: Silence = { silentMs: Number.POSITIVE_INFINITY, isUnanswered: false };
const UNANSWERED: Silence = { silentMs: Number.POSITIVE_INFINITY, isUnanswered: true };

/** A network whose names and routes are the test's. */
class TestNetwork implements Network {
  /** What the name resolves to; a text: why it does not. */
  answer: readonly string[] | string = [];
  /** By remote address: the source of the route. */
  readonly routes = new Map<string, string>();
  asked: [string, number][] = [];

  async resolve(name: string, family: 0 | 4 | 6): Promise<readonly string[]> {
    this.asked.push([name, family]);
    if (typeof this.answer === 'string') throw new Error(this.answer);
    return this.answer;
  }

  sourceTo(remote: string): string | null {
    return this.routes.get(remote) ?? null;
  }

  hasRoute(local: string, remote: string): boolean {
    return this.routes.get(remote) === local;
  }
}

/** A finder, with a clock that the test moves, and the tunnel that does as it says. */
class Run {
  readonly network = new TestNetwork();
  readonly finder: EndsFinder;
  readonly log: string[] = [];
  nowMs = 0;
  #answer: () => void = () => {};

  constructor(change: Partial<GreConfig> = {}) {
    this.finder = new EndsFinder({ ...BASE, ...change }, this.network);
    this.finder.onAnswer = () => this.#answer();
  }

  /** Looks, and goes over to what was found; the ends that it has then. */
  look(silence: Silence): OuterEnds | null {
    const ends = this.finder.look(this.nowMs, silence);
    if (ends !== null) this.#note(this.finder.used(ends, this.nowMs));
    this.#note(this.finder.notices());
    return ends;
  }

  /** The next answer has come. */
  answered(): Promise<void> {
    return new Promise((resolve) => {
      this.#answer = resolve;
    });
  }

  /** Looks once a second, with answers at once, until `until`; what was gone over to. */
  async seconds(count: number, silence: Silence): Promise<string[]> {
    const moves: string[] = [];
    for (let i = 0; i < count; i++) {
      this.nowMs += 1000;
      const before = this.network.asked.length;
      const answer = this.answered();
      const ends = this.look(silence);
      if (ends !== null) moves.push(ends.remote);
      if (this.network.asked.length > before) await answer;
    }
    return moves;
  }

  #note(notices: readonly { level: string; text: string }[]): void {
    for (const { level, text } of notices) this.log.push(`${level}: ${text}`);
  }
}

describe('a peer with a name', () => {
  it('is asked for at once, and sent to as soon as the answer is there', async () => {
    const run = new Run();
    run.network.answer = ['2.2.2.2'];
    run.network.routes.set('2.2.2.2', '1.1.1.1');
    const answer = run.answered();
    expect(run.look(HEARD)).toBeNull();
    expect(run.finder.waitsFor).toBe('resolving hub.example.net');
    await answer;
    expect(run.look(HEARD)).toEqual({ local: '1.1.1.1', remote: '2.2.2.2', family: 4 });
    expect(run.finder.waitsFor).toBeNull();
    expect(run.network.asked).toEqual([['hub.example.net', 4]]);
    expect(run.log).toEqual(["info: peer's address is now 2.2.2.2 (hub.example.net)"]);
  });

  it('that does not resolve is warned of once, and asked for 1, 2, 4 … 60 s apart', async () => {
    const run = new Run();
    run.network.answer = 'no such name';
    const at: number[] = [];
    for (let second = 0; second < 300; second++) {
      const before = run.network.asked.length;
      await run.seconds(1, IDLE);
      if (run.network.asked.length > before) at.push(second);
    }
    const gaps = at.slice(1).map((second, i) => second - at[i]!);
    // The answer is seen a second after it was asked for.
    expect(gaps).toEqual([2, 3, 5, 9, 17, 33, 61, 61, 61]);
    expect(run.log).toEqual([
      'warn: hub.example.net does not resolve: no such name; tried again until that changes',
    ]);
    run.network.answer = ['2.2.2.2'];
    run.network.routes.set('2.2.2.2', '1.1.1.1');
    expect(await run.seconds(70, IDLE)).toEqual(['2.2.2.2']);
  });

  it('without a route waits for one, and is not asked for more often for that', async () => {
    const run = new Run();
    run.network.answer = ['2.2.2.2', '2001:db8::2'];
    await run.seconds(10, IDLE);
    expect(run.finder.waitsFor).toBe('no route to 2.2.2.2, 2001:db8::2 from 1.1.1.1');
    expect(run.network.asked.length).toBeLessThanOrEqual(4);
    run.network.routes.set('2.2.2.2', '1.1.1.1');
    expect(await run.seconds(1, IDLE)).toEqual(['2.2.2.2']);
  });

  it('that is heard is never asked for again', async () => {
    const run = new Run();
    run.network.answer = ['2.2.2.2'];
    run.network.routes.set('2.2.2.2', '1.1.1.1');
    await run.seconds(2, HEARD);
    const { length } = run.network.asked;
    run.network.answer = ['3.3.3.3'];
    run.network.routes.set('3.3.3.3', '1.1.1.1');
    expect(await run.seconds(600, HEARD)).toEqual([]);
    expect(run.network.asked.length).toBe(length);
  });

  it('that has moved is followed when it has been silent for 5 s, sent to or not', async () => {
    const run = new Run();
    run.network.answer = ['2.2.2.2'];
    run.network.routes.set('2.2.2.2', '1.1.1.1').set('3.3.3.3', '1.1.1.1');
    await run.seconds(30, HEARD);
    run.network.answer = ['3.3.3.3'];
    let silentMs = 0;
    for (; silentMs < 20_000 && !run.log.some((line) => line.includes('3.3.3.3')); silentMs += 1000) {
      await run.seconds(1, { silentMs, isUnanswered: false });
    }
    expect(silentMs).toBeGreaterThanOrEqual(5000);
    expect(silentMs).toBeLessThanOrEqual(8000);
  });

  it('with several addresses is tried at each in turn while nothing answers, each round longer', async () => {
    const run = new Run({ local: 'auto' });
    run.network.answer = ['2001:db8::2', '2.2.2.2'];
    run.network.routes.set('2.2.2.2', '1.1.1.1').set('2001:db8::2', '2001:db8::1');
    const seconds: number[] = [];
    const moves: string[] = [];
    for (let second = 0; second < 200; second++) {
      const moved = await run.seconds(1, UNANSWERED);
      moves.push(...moved);
      if (moved.length > 0) seconds.push(second);
    }
    expect(moves.slice(0, 4)).toEqual(['2001:db8::2', '2.2.2.2', '2001:db8::2', '2.2.2.2']);
    const gaps = seconds.slice(1).map((second, i) => second - seconds[i]!);
    expect(gaps[0]).toBeLessThanOrEqual(10);
    expect(gaps[3]!).toBeGreaterThan(gaps[0]!);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(91);
  });

  it('to which nothing is sent stays at an address that the name still has', async () => {
    const run = new Run();
    run.network.answer = ['2.2.2.2', '3.3.3.3'];
    run.network.routes.set('2.2.2.2', '1.1.1.1').set('3.3.3.3', '1.1.1.1');
    expect(await run.seconds(300, IDLE)).toEqual(['2.2.2.2']);
  });

  it('keeps its address when the name goes, which is told', async () => {
    const run = new Run();
    run.network.answer = ['2.2.2.2'];
    run.network.routes.set('2.2.2.2', '1.1.1.1');
    await run.seconds(3, HEARD);
    run.network.answer = 'no name server answers';
    expect(await run.seconds(100, UNANSWERED)).toEqual([]);
    expect(run.log.at(-1)).toBe(
      'warn: hub.example.net does not resolve: no name server answers: packets go to 2.2.2.2 still; tried again until that changes',
    );
    expect(run.log).toHaveLength(2);
  });

  it.each([
    ['its own address', '1.1.1.1'],
    ['a multicast address', '239.1.1.1'],
    ['any address', '0.0.0.0'],
    ['another family', '2001:db8::2'],
  ])('is not %s, whatever a name server says', async (_, address) => {
    const run = new Run();
    run.network.answer = [address, '2.2.2.2'];
    for (const one of [address, '2.2.2.2']) run.network.routes.set(one, '1.1.1.1');
    expect(await run.seconds(5, UNANSWERED)).toEqual(['2.2.2.2']);
  });

  it('has no address at all where none of them is fit', async () => {
    const run = new Run();
    run.network.answer = ['239.1.1.1'];
    await run.seconds(3, IDLE);
    expect(run.finder.waitsFor).toBe(
      "hub.example.net does not resolve: 239.1.1.1 cannot be a peer's address",
    );
  });
});

describe('a local address that the route decides', () => {
  it('is there at once, and another as soon as the route has another', () => {
    const run = new Run({ local: 'auto', remote: '2.2.2.2' });
    run.network.routes.set('2.2.2.2', '1.1.1.1');
    expect(run.look(HEARD)).toEqual({ local: '1.1.1.1', remote: '2.2.2.2', family: 4 });
    run.network.routes.set('2.2.2.2', '1.1.1.9');
    run.nowMs = 1000;
    expect(run.look(HEARD)).toEqual({ local: '1.1.1.9', remote: '2.2.2.2', family: 4 });
    run.network.routes.delete('2.2.2.2');
    expect(run.look(UNANSWERED)).toBeNull();
    expect(run.log).toEqual(['info: local address is now 1.1.1.1', 'info: local address is now 1.1.1.9']);
    expect(run.network.asked).toEqual([]);
  });

  it('without a route is waited for', () => {
    const run = new Run({ local: 'auto', remote: '2.2.2.2' });
    for (run.nowMs = 0; run.nowMs < 5000; run.nowMs += 1000) expect(run.look(IDLE)).toBeNull();
    expect(run.finder.waitsFor).toBe('no route to 2.2.2.2');
    expect(run.log).toEqual(['warn: no route to 2.2.2.2; tried again until that changes']);
    run.network.routes.set('2.2.2.2', '1.1.1.1');
    expect(run.look(IDLE)?.local).toBe('1.1.1.1');
  });

  it('that cannot be used is told of, and tried again after 5 s', () => {
    const run = new Run({ local: 'auto', remote: '2.2.2.2' });
    run.network.routes.set('2.2.2.2', '1.1.1.1');
    const { finder } = run;
    expect(finder.look(0, IDLE)).not.toBeNull();
    expect(finder.refused(0, 'the port is taken')).toEqual([
      { level: 'warn', text: 'the port is taken; tried again until that changes' },
    ]);
    expect(finder.look(4000, IDLE)).toBeNull();
    expect(finder.look(5000, IDLE)).not.toBeNull();
  });
});

describe('ends that nobody has to find', () => {
  it.each<[string, string, OuterEnds | null]>([
    ['1.1.1.1', '2.2.2.2', { local: '1.1.1.1', remote: '2.2.2.2', family: 4 }],
    ['1.1.1.1', 'dynamic', { local: '1.1.1.1', remote: 'dynamic', family: 4 }],
    ['auto', 'dynamic', { local: '0.0.0.0', remote: 'dynamic', family: 4 }],
    ['auto', '2.2.2.2', null],
    ['1.1.1.1', 'hub.example.net', null],
  ])('from %s to %s: %o', (local, remote, ends) => {
    expect(fixedEnds({ ...BASE, local, remote })).toEqual(ends);
  });
});
