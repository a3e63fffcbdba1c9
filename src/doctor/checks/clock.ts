/** The clock of this host. No frame depends on it; logs, metrics and the ends of rotations are told by it. */
import type { HostCheck } from '../context.ts';
import { finder, ok, skipped } from '../finding.ts';

const CASES = {
  wrong: {
    level: 'warning',
    says: 'the clock says {date}',
    cause: 'it was never set: the machine has no clock of its own, and NTP has not run yet',
    remedy: 'set it (timedatectl set-ntp true, or date -s); times in logs and metrics are wrong till then',
  },
  unsynchronised: {
    level: 'warning',
    says: 'nobody keeps the clock right',
    cause: 'no NTP or PTP runs, or it has no server: times of the two ends cannot be compared',
    remedy: 'timedatectl set-ntp true, or install chrony; traffic does not depend on it',
  },
} as const;
const found = finder(CASES);
/** Older than this program. */
const EARLIEST: number = Date.UTC(2024, 0, 1);

export const clock: HostCheck = {
  name: 'clock',
  about: 'whether the clock is set, and synchronised',
  cases: CASES,
  look({ host }) {
    const now = host.nowMs();
    const date = new Date(now).toISOString();
    if (now < EARLIEST) return [found('wrong', { date })];
    const isRight = host.clockIsSynchronised();
    if (isRight === null) return [skipped('whether the clock is synchronised: the kernel does not say')];
    return [isRight ? ok(`${date}, synchronised`) : found('unsynchronised', {})];
  },
};
