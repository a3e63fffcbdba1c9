/** Options of node that a daemon with keys does not run with. */
import { describe, expect, it } from 'vitest';
import { refuseDebugging } from '../../../src/host/node-options.ts';

describe('options of node', () => {
  it.each([
    ['--inspect'],
    ['--inspect=0.0.0.0:9229'],
    ['--inspect_brk'],
    ['--inspect-wait=0'],
    ['--debug-port=1'],
    ['--require=/tmp/x.cjs'],
    ['-r'],
    ['--import=/tmp/x.mjs'],
    ['--loader=x'],
    ['--experimental-loader=x'],
    ['--env-file=.env'],
    ['--env-file-if-exists=.env'],
    ['--heapsnapshot-signal=SIGUSR2'],
    ['--report-on-signal'],
    ['--openssl-config=/tmp/x.cnf'],
  ])('%s is refused by name, on the command line and in NODE_OPTIONS', (option) => {
    const name = option.split('=')[0] ?? '';
    const refusal = { code: 'L2VPN_USAGE', message: expect.stringContaining(`${name} `) };
    expect(() => refuseDebugging(['--no-warnings', option], '')).toThrow(expect.objectContaining(refusal));
    expect(() => refuseDebugging([], `--no-warnings "${option}"`)).toThrow(expect.objectContaining(refusal));
  });

  it.each([['--disable-sigusr1'], ['--no-warnings'], ['--max-old-space-size=64'], ['--v8-pool-size=1']])(
    '%s is not',
    (option) => {
      expect(() => refuseDebugging([option], option)).not.toThrow();
    },
  );
});
