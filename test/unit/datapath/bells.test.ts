/** Bells: many lanes ring, the main thread is told once, and no ring is lost. */
import { describe, expect, it } from 'vitest';
import { Bell, Bells } from '../../../src/datapath/bells.ts';

describe('bells', () => {
  it('tells once, however many ring, and gives each that rang once', () => {
    const bells = new Bells();
    const numbers = [0, 31, 32, 63, 1000];
    const told = numbers.map((number) => new Bell(bells.shared, number).ring());
    expect(told).toEqual([true, false, false, false, false]);
    expect(new Bell(bells.shared, 31).ring()).toBe(false);
    const rang: number[] = [];
    bells.take(1001, (bell) => rang.push(bell));
    expect(rang).toEqual(numbers);
    bells.take(1001, (bell) => rang.push(bell));
    expect(rang).toEqual(numbers);
  });

  it('tells again of what rings while others are taken', () => {
    const bells = new Bells();
    const [first, second] = [new Bell(bells.shared, 1), new Bell(bells.shared, 70)];
    first.ring();
    const rang: number[] = [];
    bells.take(71, (bell) => {
      rang.push(bell);
      if (bell === 1 && rang.length === 1) expect(second.ring()).toBe(true);
    });
    if (!rang.includes(70)) bells.take(71, (bell) => rang.push(bell));
    expect(rang).toEqual([1, 70]);
  });
});
