/** What the LAN may send to a TAP, beside what the tunnel carries. */
import { describe, expect, it } from 'vitest';
import type { TapConfig } from '../../../src/config/types.ts';
import { tapMtu } from '../../../src/tunnel/tap-mtu.ts';

const TAP: TapConfig = {
  ifname: 't',
  mac: null,
  mtu: 'auto',
  lanMtu: 'auto',
  mssClamp: 'auto',
  bridge: 'br0',
  queues: 1,
  isolated: false,
  stp: { cost: null, priority: null },
  vlans: null,
  carrier: 'up',
  carrierDelayMs: 1000,
};

describe('the MTU of the TAP', () => {
  it.each<[string, Partial<TapConfig>, number | null, number]>([
    ["is the bridge's, so that the bridge keeps it", {}, 1500, 1500],
    ['is not less than the tunnel carries', {}, 1280, 1430],
    ['is what the tunnel carries where the bridge is not there', {}, null, 1430],
    ['without a bridge is what the tunnel carries', { bridge: null }, 1500, 1430],
    ['is the number that was given', { lanMtu: 9000 }, 1500, 9000],
    ['is the number, also below what the tunnel carries', { lanMtu: 1400 }, 1500, 1400],
  ])('%s', (_, changes, bridge, mtu) => {
    expect(tapMtu({ ...TAP, ...changes }, 1430, () => bridge)).toBe(mtu);
  });
});
