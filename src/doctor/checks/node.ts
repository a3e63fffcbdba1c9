/** The Node.js that runs this, and the daemon's. */
import { fasterRuntime } from '../../crypto/faster-runtime.ts';
import type { HostCheck } from '../context.ts';
import { finder, ok } from '../finding.ts';

const CASES = {
  old: {
    level: 'fault',
    says: 'the daemon runs on Node.js {version}',
    cause: 'l2vpnd needs 20.11 or later',
    remedy: 'install a newer one (nodejs.org, or the package of the distribution) and restart the daemon',
  },
  other: {
    level: 'warning',
    says: 'the daemon runs on Node.js {running}, and {installed} is installed',
    cause: 'it was updated, and the daemon was not restarted since: fixes do not reach it',
    remedy: 'restart the daemon (systemctl restart)',
  },
  slow: {
    level: 'warning',
    says: '{text}',
    cause: 'AES-GCM does without a part of this CPU',
    remedy: 'the Debian package brings such a Node.js; or install one, and restart the daemon',
  },
} as const;
const found = finder(CASES);

export const node: HostCheck = {
  name: 'node',
  about: 'the version of Node.js and its OpenSSL',
  cases: CASES,
  look({ daemon }) {
    const installed = process.versions.node;
    const running = daemon?.node ?? installed;
    const [major = 0, minor = 0] = running.split('.').map(Number);
    if (major < 20 || (major === 20 && minor < 11)) return [found('old', { version: running })];
    if (running !== installed) return [found('other', { running, installed })];
    const text = fasterRuntime();
    if (text !== null) return [found('slow', { text })];
    return [ok(`Node.js ${running}, OpenSSL ${daemon?.openssl ?? process.versions.openssl}`)];
  },
};
