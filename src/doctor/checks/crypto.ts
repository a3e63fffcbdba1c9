/** The AEAD, as a daemon would choose it: by its self-test. */
import { messageOf } from '../../errors.ts';
import type { HostCheck } from '../context.ts';
import { finder, ok } from '../finding.ts';

const CASES = {
  failed: {
    level: 'fault',
    says: 'no AEAD passes its self-test',
    cause: '{why}',
    remedy:
      'build the addon (npm run build:native), or take a node with OpenSSL 3 (node -p process.versions.openssl)',
  },
  slow: {
    level: 'warning',
    says: 'the provider "node" does the work, several times slower than "batch"',
    cause: '{why}',
    remedy:
      'take a node from nodejs.org or the distribution, whose OpenSSL can be reached; see crypto in the log at start',
  },
} as const;
const found = finder(CASES);

export const crypto: HostCheck = {
  name: 'crypto',
  about: 'OpenSSL, and the self-test of the AEAD: published vectors, node:crypto beside it',
  cases: CASES,
  look({ host, config, daemon }) {
    const wanted = config?.crypto ?? 'auto';
    try {
      const { provider, reason } = host.aead(wanted);
      if (wanted === 'auto' && (daemon?.aead ?? provider.name) === 'node')
        return [found('slow', { why: daemon?.aead_reason ?? reason })];
      return [ok(`${provider.name} (${provider.engine}): self-test passed`)];
    } catch (error) {
      return [found('failed', { why: messageOf(error) })];
    }
  },
};
