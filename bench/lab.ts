/** The topology of a benchmark run, removed again however the run ends. */
import { createTopology, type Topology } from '../lab/topology.ts';

/** What an interrupted run still has to undo before its topology goes. */
const pending = new Set<() => Promise<unknown>>();

/** Runs `work` on a topology of its own. SIGINT and SIGTERM end it cleanly, with status 130. Needs root. */
export async function inLab<T>(work: (topology: Topology) => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) throw new Error('needs root: it makes network namespaces');
  const topology = await createTopology({ prefix: `b${process.pid}` });
  const giveUp = (): void => {
    const undone = Promise.allSettled([...pending].map((undo) => undo()));
    void undone.then(() => topology.destroy()).finally(() => process.exit(130));
  };
  process.once('SIGINT', giveUp).once('SIGTERM', giveUp);
  try {
    return await work(topology);
  } finally {
    process.off('SIGINT', giveUp).off('SIGTERM', giveUp);
    await topology.destroy();
  }
}

/** Runs `work`, then `undo`: also when `work` failed, and when the run is interrupted meanwhile. */
export async function withUndo<T>(work: () => Promise<T>, undo: () => Promise<unknown>): Promise<T> {
  pending.add(undo);
  try {
    return await work();
  } finally {
    pending.delete(undo);
    await undo();
  }
}
