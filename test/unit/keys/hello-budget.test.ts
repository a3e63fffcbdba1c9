/** Hellos of a host with many tunnels. */
import { expect, it } from 'vitest';
import { HelloBudget } from '../../../src/keys/hello-budget.ts';

it.each([
  [1, 1],
  [500, 1],
  [750, 1.5],
  [1000, 2],
  [4000, 2],
])('with %i tunnels there is %d times the usual between two hellos', (tunnels, stretch) => {
  const budget = new HelloBudget();
  for (let i = 0; i < tunnels; i++) budget.join();
  expect(budget.stretch).toBe(stretch);
  for (let i = 0; i < tunnels; i++) budget.leave();
  expect(budget.stretch).toBe(1);
});
