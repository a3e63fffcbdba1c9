/** Who else may read or exchange the keys. */
import { dirname } from 'node:path';
import type { Config } from '../../config/types.ts';
import type { HostCheck } from '../context.ts';
import { finder, ok } from '../finding.ts';

const CASES = {
  unusable: {
    level: 'fault',
    says: '{what}',
    cause: 'a key that others may read or write protects nothing, and without one nothing is sent',
    remedy: '{remedy}',
  },
  exchangeable: {
    level: 'warning',
    says: '{what}, where keys or the configuration lie',
    cause: 'who may write there can put another file in the place of the key',
    remedy: '{remedy}',
  },
} as const;
const found = finder(CASES);

export const keys: HostCheck = {
  name: 'keys',
  about: 'modes and owners of the configuration, the key files and their directories',
  cases: CASES,
  async look({ host, config, configPath, configFault, daemonUid }) {
    if (configFault?.code === 'L2VPN_KEYFILE') {
      const [what = '', remedy = 'make it with l2vpnd genkey, or name another'] =
        configFault.message.split(/; (?=run )/);
      return [found('unusable', { what, remedy })];
    }
    if (config === null || configPath === null) return [];
    const dirs = new Set([configPath, ...keyFilesOf(config)].map((path) => dirname(path)));
    const findings = await Promise.all(
      [...dirs].map(async (dir) => {
        const distrust = await host.distrustOf(dir, daemonUid).catch(() => null);
        return distrust === null
          ? []
          : [found('exchangeable', { what: distrust.what, remedy: distrust.remedy })];
      }),
    );
    const all = findings.flat();
    return all.length > 0 ? all : [ok('only root and the own user have access')];
  },
};

function keyFilesOf({ tunnels }: Config): string[] {
  const sas = tunnels.flatMap(({ macsec }) => [
    ...(macsec?.txSa ?? []),
    ...(macsec?.rxSc ?? []).flatMap((sc) => sc.sa),
  ]);
  return sas.flatMap(({ keyFile }) => (keyFile === null ? [] : [keyFile]));
}
