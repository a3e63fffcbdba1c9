/** A service manager that has gone must not take the daemon with it. */

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ServiceManager } from '../../../src/daemon/service-manager.ts';
import { notifyServiceManager } from '../../../src/host/notify.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('telling the service manager', () => {
  it('where its socket is gone is a warning, and nothing is thrown', () => {
    const lines: { level: number; msg: string }[] = [];
    const log = pino({ base: null }, { write: (line: string) => lines.push(JSON.parse(line)) });
    vi.stubEnv('NOTIFY_SOCKET', join(tmpdir(), 'l2vpnd-no-such-socket'));
    expect(() => notifyServiceManager('READY=1')).toThrow();
    new ServiceManager(log).notify('READY=1');
    expect(lines).toMatchObject([
      {
        level: 40,
        msg: expect.stringMatching(/^the service manager cannot be told READY=1: .*No such file/),
      },
    ]);
  });
});
