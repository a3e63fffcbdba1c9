/** Which daemon a command asks: `--socket`, else the one that `--config` names, else the default. */
import { loadConfig } from '../config/load.ts';

export const DEFAULT_SOCKET = '/run/l2vpnd/l2vpnd.sock';

export interface DaemonChoice {
  socket?: string;
  config?: string;
}

/** Throws L2vpnError for a configuration that cannot be loaded. */
export function socketPath(choice: DaemonChoice): string {
  if (choice.socket !== undefined) return choice.socket;
  return choice.config === undefined ? DEFAULT_SOCKET : loadConfig(choice.config).controlSocket;
}
