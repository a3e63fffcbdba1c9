/** The unit of systemd that the daemon runs under. */
import type { HostCheck } from '../context.ts';
import { finder, ok } from '../finding.ts';

const CASES = {
  failed: {
    level: 'fault',
    says: 'unit {unit} has failed ({result})',
    cause: 'the daemon ended with an error, or systemd could not start it',
    remedy: 'journalctl -u {unit} -n 50 says why; then systemctl restart {unit}',
  },
  restarts: {
    level: 'warning',
    says: 'systemd has restarted {unit} {times} times',
    cause: 'the daemon ended by itself, which it should not',
    remedy: 'journalctl -u {unit} -p warning says why',
  },
} as const;
const found = finder(CASES);

export const service: HostCheck = {
  name: 'service',
  about: 'the units l2vpnd@… of systemd',
  cases: CASES,
  async look({ host, daemon }) {
    if ((await host.modeOf('/run/systemd/system')) === null) return [ok('there is no systemd')];
    const fields = 'Id,ActiveState,Result,NRestarts';
    const { stdout, status } = await host.run('systemctl', ['show', '--property', fields, 'l2vpnd*.service']);
    if (status !== 0) return [ok('systemd cannot be asked')];
    const group = daemon === null ? '' : ((await host.read(`/proc/${daemon.pid}/cgroup`)) ?? '');
    const units = unitsIn(stdout).filter(({ Id = '' }) => daemon === null || group.includes(`/${Id}`));
    const findings = units.flatMap(({ Id: unit = '', ActiveState, Result: result = '', NRestarts = '0' }) => {
      if (ActiveState === 'failed') return [found('failed', { unit, result })];
      return Number(NRestarts) > 0 ? [found('restarts', { unit, times: NRestarts })] : [];
    });
    if (findings.length > 0) return findings;
    const names = units.map(({ Id = '', ActiveState = '' }) => `${Id} is ${ActiveState}`);
    return [ok(names.join(', ') || 'the daemon is no unit of systemd')];
  },
};

/** Blocks of `Name=value` lines, an empty line between them. */
function unitsIn(text: string): Partial<Record<string, string>>[] {
  const blocks = text
    .trim()
    .split(/\n\s*\n/)
    .filter((block) => block !== '');
  return blocks.map((block) =>
    Object.fromEntries(block.split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2))),
  );
}
