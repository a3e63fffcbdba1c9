/** How steps follow each other: one at a time (reloads and rotations of a daemon, changes of one SecY), all, some at once. */

/** Runs `step` when those handed in before have ended, well or not. */
export type InTurn = <T>(step: () => Promise<T>) => Promise<T>;

export function oneAfterAnother(): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  return (step) => {
    const turn = last.then(step);
    last = turn.catch(() => {});
    return turn;
  };
}

/** Resolves when all have ended, whatever became of them; rejects with the first fault. */
export async function allOf(ends: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(ends);
  await Promise.all(ends);
}

/** Runs `step` over `items`, at most `most` at once. When all have ended: rejects with the fault of the first item that has one. */
export async function someAtOnce<T>(
  most: number,
  items: readonly T[],
  step: (item: T) => Promise<unknown>,
): Promise<void> {
  const faults = new Map<number, unknown>();
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < items.length && faults.size === 0) {
      const at = next++;
      await step(items[at]!).catch((fault: unknown) => faults.set(at, fault));
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, work));
  if (faults.size > 0) throw faults.get(Math.min(...faults.keys()));
}

/** Resolves when all of `ends` have ended (true), or when for `ms` none has (false): the rest is not waited for. */
export function allWhileTheyEnd(ms: number, ends: readonly Promise<unknown>[]): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), ms);
    const all = Promise.allSettled(ends.map((end) => end.finally(() => timer.refresh())));
    void all.then(() => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
