/**
 * A process that asks the daemon at a control socket for its tunnels, and goes no further: `take-over-child.js SOCKET`. Prints
 * `taken N` when it has N descriptors and what is said of them.
 */
import { RunningDaemon } from '../../src/daemon/take-over.ts';

const { state } = await new RunningDaemon(process.argv[2]!).take();
process.stdout.write(`taken ${state.tunnels.length}\n`);
setInterval(() => {}, 1000);
