/** The daemon itself. */
import type { DaemonSnapshot } from '../../api/daemon.ts';
import { epochSeconds, type Family, gauge, info } from './family.ts';

export const DAEMON_FAMILIES: readonly Family<DaemonSnapshot>[] = [
  info(
    'build',
    'Version of l2vpnd, and of what it runs on',
    ['version', 'node', 'openssl'],
    ({ version, node, openssl }) => [version, node, openssl],
  ),
  info(
    'crypto',
    'The AEAD provider of all tunnels, and what it runs on',
    ['provider', 'engine'],
    ({ aead, engine }) => [aead, engine],
  ),
  gauge(
    'config_last_reload_successful',
    '1: the last reload took the configuration over, 0: it failed',
    (daemon) => (daemon.reload.successful ? 1 : 0),
  ),
  gauge(
    'config_last_reload_success_timestamp_seconds',
    'When the configuration was last taken over, at the start or by a reload',
    (daemon) => epochSeconds(daemon.reload.success_time),
  ),
  gauge(
    'config_unapplied_changes',
    'Changes in the file that the last reload left to a restart',
    (daemon) => daemon.reload.refused.length,
  ),
];
