/** Where a daemon's socket and state are by the name of its file, and by what a service manager says. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { instanceOf } from '../../../src/config/instance.ts';
import { load, sample } from './sample.ts';

afterEach(() => void vi.unstubAllEnvs());

describe('an instance', () => {
  it.each([
    ['/etc/l2vpnd/site1.json', 'site1'],
    ['a.b.jsonc', 'a.b'],
    ['./munich', 'munich'],
  ])('%s is %s', (path, name) => expect(instanceOf(path)).toBe(name));

  it('has socket and state by its name', () => {
    expect(load(sample(), '/etc/l2vpnd/oslo.json')).toMatchObject({
      ...{ stateDir: '/var/lib/l2vpnd/oslo', controlSocket: '/run/l2vpnd/oslo/l2vpnd.sock' },
    });
  });

  it('has them where the service manager has made directories for it, the first of several', () => {
    vi.stubEnv('STATE_DIRECTORY', '/var/lib/vpn:/var/lib/other');
    vi.stubEnv('RUNTIME_DIRECTORY', '/run/vpn');
    expect(load(sample())).toMatchObject({ stateDir: '/var/lib/vpn', controlSocket: '/run/vpn/l2vpnd.sock' });
  });

  it('has them where the file says, whatever the service manager has made', () => {
    vi.stubEnv('STATE_DIRECTORY', '/var/lib/vpn');
    vi.stubEnv('RUNTIME_DIRECTORY', '/run/vpn');
    const paths = { stateDir: 'state', controlSocket: '/tmp/x.sock' };
    expect(load({ ...sample(), ...paths })).toMatchObject({
      ...{ stateDir: '/nowhere/state', controlSocket: '/tmp/x.sock' },
    });
  });
});
