/** Whether the configuration is sound, and the one that runs. */
import { configWarnings } from '../../config/warnings.ts';
import type { HostCheck } from '../context.ts';
import { finder, ok } from '../finding.ts';

const CASES = {
  none: {
    level: 'skipped',
    says: 'no configuration was looked at',
    cause: 'none is named, and no daemon says which one it has',
    remedy: 'name it: l2vpnd doctor --config FILE',
  },
  denied: {
    level: 'skipped',
    says: 'the configuration was not looked at: needs root',
    cause: '{why}',
    remedy: 'run it by sudo',
  },
  unsound: {
    level: 'fault',
    says: 'the configuration is not sound',
    cause: '{why}',
    remedy: 'mend it; l2vpnd check --config {path} says all that is wrong',
  },
  doubtful: {
    level: 'warning',
    says: 'the configuration is sound, but',
    cause: '{warning}',
    remedy: 'change that in {path}, then l2vpnd reload, unless it is meant so',
  },
  stale: {
    level: 'warning',
    says: '{path} was changed after the daemon read it ({read})',
    cause: 'the daemon runs with what it read then',
    remedy: 'l2vpnd reload',
  },
} as const;
const found = finder(CASES);
/** A file that is written and read within the same moment. */
const SLACK_MS = 1000;

export const config: HostCheck = {
  name: 'config',
  about: 'the configuration, and whether the daemon has it as it is now',
  cases: CASES,
  async look({ host, config: sound, configPath: path, configFault, daemon }) {
    if (configFault !== null && path !== null) {
      const why = configFault.message;
      if (configFault.code === 'L2VPN_PERMISSION') return [found('denied', { why })];
      // That is the next check's.
      return configFault.code === 'L2VPN_KEYFILE' ? [] : [found('unsound', { why, path })];
    }
    if (sound === null || path === null) return [found('none', {})];
    const changed = daemon?.config === path ? await host.mtimeMs(path) : null;
    const isStale = changed !== null && changed > Date.parse(daemon!.config_read) + SLACK_MS;
    const findings = [
      ...(isStale ? [found('stale', { path, read: daemon!.config_read })] : []),
      ...configWarnings(sound, path).map((warning) => found('doubtful', { warning, path })),
    ];
    return findings.length > 0 ? findings : [ok(`${path} is sound`)];
  },
};
