/** Steps that must not overlap: reloads and rotations of a daemon, changes of one SecY. */

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
