/** The search for what a path carries (RFC 8899), over paths that carry what the test says. */
import { describe, expect, it } from 'vitest';
import {
  BASE,
  CONFIRM_MS,
  IDLE_CONFIRM_MS,
  MAX_PROBES,
  PathSearch,
  PROBE_MS,
  type SearchClock,
} from '../../../src/path/search.ts';

class TestClock implements SearchClock {
  now = 0;
  #due: { atMs: number; wake: () => void } | null = null;
  nowMs(): number {
    return this.now;
  }
  wakeAt(atMs: number, wake: () => void): void {
    this.#due = { atMs, wake };
  }
  cancel(): void {
    this.#due = null;
  }
  /** Lets time pass. */
  pass(ms: number): void {
    const until = this.now + ms;
    while (this.#due !== null && this.#due.atMs <= until) {
      const { atMs, wake } = this.#due;
      this.#due = null;
      this.now = Math.max(this.now, atMs);
      wake();
    }
    this.now = until;
  }
}

const RAISE_MS = 600_000;

/** A path of `carries` octets whose peer answers at once; 0: nothing arrives. */
function searchOver(carries: number, random = () => 0.5) {
  const clock = new TestClock();
  const path = { carries, isBusy: true };
  const probes: [ms: number, octets: number][] = [];
  const events: string[] = [];
  const answers: number[] = [];
  const search: PathSearch = new PathSearch({
    clock,
    random,
    raiseMs: RAISE_MS,
    isBusy: () => path.isBusy,
    probe: (octets) => {
      probes.push([clock.now, octets]);
      if (octets <= path.carries) answers.push(octets);
    },
    listener: ({ name }) => events.push(`${name} ${search.octets}`),
  });
  /** Lets time pass, answers taking a millisecond each. */
  const pass = (ms: number): void => {
    for (const until = clock.now + ms; clock.now < until; ) {
      for (const octets of answers.splice(0)) search.answered(octets);
      clock.pass(1);
    }
  };
  return { search, clock, path, probes, events, pass };
}

describe('a path that carries what the own link does', () => {
  it('costs one probe, and one each five seconds or so while the tunnel sends', () => {
    const { search, probes, events, pass } = searchOver(1500);
    search.start(1500, 1500);
    pass(10);
    expect(probes).toEqual([[0, 1500]]);
    expect(events).toEqual([]);
    expect(search.state).toBe('complete');
    pass(60_000);
    expect(probes.length).toBeGreaterThanOrEqual(11);
    expect(probes.length).toBeLessThanOrEqual(14);
    expect(probes.every(([, octets]) => octets === 1500)).toBe(true);
  });

  it('costs one each half minute while it does not', () => {
    const { search, path, probes, pass } = searchOver(1500);
    path.isBusy = false;
    search.start(1500, 1500);
    pass(2 * (IDLE_CONFIRM_MS + CONFIRM_MS));
    expect(probes).toHaveLength(3);
  });
});

describe('a path that swallows what is too large', () => {
  it('falls to the base after three probes, and grows from there to what it carries, at most a probe at a time', () => {
    const { search, probes, events, pass } = searchOver(1400);
    search.start(1500, 1500);
    pass(MAX_PROBES * PROBE_MS + 5);
    expect(events[0]).toBe('black hole 1280');
    pass(30_000);
    expect(search).toMatchObject({ octets: 1400, state: 'complete' });
    expect(events.at(-1)).toBe('found 1400');
    expect(events.slice(1, -1).every((event) => event.startsWith('grown'))).toBe(true);
    for (const [i, [ms, octets]] of probes.entries()) {
      const [nextMs] = probes[i + 1] ?? [Number.POSITIVE_INFINITY];
      expect(nextMs - ms >= PROBE_MS || octets <= 1400).toBe(true);
    }
  });

  it.each([BASE, 1284, 1300, 1399, 1400, 1452, 1492, 1496])('of %i octets: is found', (carries) => {
    const { search, pass } = searchOver(carries);
    search.start(1500, 1500);
    pass(60_000);
    expect(search.octets).toBe(carries - (carries % 4));
  });

  it('is found among jumbo frames as well', () => {
    const { search, pass } = searchOver(4352);
    search.start(9000, 9000);
    pass(60_000);
    expect(search.octets).toBe(4352);
  });

  it('that begins to while it is used is noticed with the next confirmation', () => {
    const { search, path, events, pass } = searchOver(1500);
    search.start(1500, 1500);
    pass(20_000);
    path.carries = 1400;
    pass(1.2 * CONFIRM_MS + MAX_PROBES * PROBE_MS + 10);
    expect(events[0]).toBe('black hole 1280');
    expect(search.octets).toBeLessThan(1500);
  });

  it('grows again ten minutes later, in one step where it is whole', () => {
    const { search, path, events, pass } = searchOver(1400);
    search.start(1500, 1500);
    pass(60_000);
    path.carries = 1500;
    pass(0.7 * RAISE_MS);
    expect(search.octets).toBe(1400);
    pass(0.4 * RAISE_MS);
    expect(search.octets).toBe(1500);
    expect(events.at(-1)).toBe('found 1500');
  });

  it('that stays as it was is searched every ten minutes, and found as it was', () => {
    const { search, events, pass } = searchOver(1400);
    search.start(1500, 1500);
    pass(60_000);
    events.length = 0;
    pass(1.3 * RAISE_MS);
    expect(search.octets).toBe(1400);
    expect(events.filter((event) => event.startsWith('black'))).toEqual([]);
  });
});

describe('a path that carries nothing', () => {
  it('is not taken for a narrow one: no size is to blame', () => {
    const { search, path, probes, events, pass } = searchOver(0);
    search.start(1500, 1500);
    pass(120_000);
    expect(search.octets).toBe(1500);
    expect(events).toEqual([]);
    path.carries = 1500;
    pass(20_000);
    expect(search.state).toBe('complete');
    expect(events).toEqual([]);
    expect(probes.length).toBeLessThan(120);
  });
});

describe('what others say', () => {
  it('and prove is followed at once, and the rest searched for later', () => {
    const { search, path, pass } = searchOver(1500);
    search.start(1500, 1500);
    pass(10);
    path.carries = 1400;
    search.lower(1400);
    expect(search.octets).toBe(1400);
    pass(60_000);
    expect(search.octets).toBe(1400);
    path.carries = 1500;
    pass(1.3 * RAISE_MS);
    expect(search.octets).toBe(1500);
  });

  it('and do not prove is checked: nothing follows from what is not so', () => {
    const { search, probes, events, pass } = searchOver(1500);
    search.start(1500, 1500);
    pass(10);
    search.suspect(1300);
    pass(10);
    expect(probes).toEqual([
      [0, 1500],
      [10, 1500],
    ]);
    expect(search).toMatchObject({ octets: 1500, state: 'complete' });
    expect(events).toEqual([]);
  });

  it('and what is so is found at once', () => {
    const { search, path, pass } = searchOver(1500);
    search.start(1500, 1500);
    pass(10);
    path.carries = 1412;
    search.suspect(1412);
    pass(MAX_PROBES * PROBE_MS + 10);
    expect(search.octets).toBe(1412);
  });
});

describe('the own link', () => {
  it('that carries more is searched at once, one that carries less limits at once', () => {
    const { search, path, pass } = searchOver(9000);
    search.start(1500, 1500);
    pass(10);
    search.setMost(9000);
    expect(search.octets).toBe(1500);
    pass(10);
    expect(search.octets).toBe(9000);
    path.carries = 1400;
    search.setMost(1400);
    expect(search.octets).toBe(1400);
  });
});

describe('a search that is stopped', () => {
  it('sends nothing, and heeds no answer', () => {
    const { search, probes, pass } = searchOver(1400);
    search.start(1500, 1500);
    search.stop();
    pass(100_000);
    search.answered(1500);
    search.lower(1300);
    search.suspect(1300);
    search.setMost(1200);
    expect(probes).toHaveLength(1);
    expect(search).toMatchObject({ state: 'stopped', octets: 1500 });
  });
});
