/** The eventfd that wakes a worker (`man 2 eventfd`). */
import { loadAddon } from '../native/load.ts';

/** Opens an eventfd; the caller closes it. */
export function openEvent(): number {
  return loadAddon().openEvent();
}

/** Wakes whoever waits on it. */
export function signalEvent(fd: number): void {
  loadAddon().signalEvent(fd);
}

/** Takes the signal back. */
export function clearEvent(fd: number): void {
  loadAddon().clearEvent(fd);
}
