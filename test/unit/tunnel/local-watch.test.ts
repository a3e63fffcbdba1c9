/** The outer source address: lost and back. */
import { describe, expect, it } from 'vitest';
import { isLocalAddress } from '../../../src/host/socket.ts';
import { LocalWatch } from '../../../src/tunnel/local-watch.ts';

describe('the local address', () => {
  it('is told when it is lost, and when it is back, once each', () => {
    let there = true;
    const watch = new LocalWatch('1.1.1.1', () => there);
    expect(watch.look()).toEqual([]);
    there = false;
    expect(watch.look()).toEqual([
      {
        level: 'warn',
        text: 'local address 1.1.1.1 is gone from this host: nothing is sent until it is back',
      },
    ]);
    expect(watch.look()).toEqual([]);
    there = true;
    expect(watch.look()).toEqual([{ level: 'info', text: 'local address 1.1.1.1 is back' }]);
  });

  it.each([
    ['127.0.0.1', true],
    ['::1', true],
    ['192.0.2.1', false],
    ['2001:db8::1', false],
    ['fe80::1%nowhere0', false],
  ])('%s: %s, says the kernel', (address, there) => {
    expect(isLocalAddress(address)).toBe(there);
  });
});
