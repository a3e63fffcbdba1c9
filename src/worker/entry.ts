/** The worker thread's entry: hands over to `run.ts`, which tests can import. */
import { parentPort, workerData } from 'node:worker_threads';
import type { WorkerSpec } from './messages.ts';
import { runWorker } from './run.ts';

if (parentPort !== null) runWorker(workerData as WorkerSpec, parentPort);
