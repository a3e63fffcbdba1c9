/** What a file says of a TAP's port of its bridge, and what it must not. */
import { describe, expect, it } from 'vitest';
import { maskedConfig } from '../../../src/config/masked.ts';
import { type Json, load, refusal, sample } from './sample.ts';

function withTap(tap: Json): Json {
  const file = sample();
  Object.assign(file.tunnels[0].tap, { bridge: 'br0' }, tap);
  return file;
}

describe('tap.vlans', () => {
  it('takes numbers, ranges and objects, as `bridge vlan add` does', () => {
    const vlans = [10, '20-29', { vid: 5, pvid: true, untagged: true }, { vid: '30-31', untagged: true }];
    const config = load(withTap({ vlans }));
    const plain = { pvid: false, untagged: false };
    expect(config.tunnels[0]?.tap.vlans).toEqual([
      { first: 10, last: 10, ...plain },
      { first: 20, last: 29, ...plain },
      { first: 5, last: 5, pvid: true, untagged: true },
      { first: 30, last: 31, pvid: false, untagged: true },
    ]);
    const shown = maskedConfig(config) as Json;
    expect(load(withTap({ vlans: shown.tunnels[0].tap.vlans }))).toEqual(config);
  });

  it.each<[string, Json, RegExp]>([
    ['0', [0], /tap\.vlans\[0\].*a VLAN from 1 to 4094/],
    ['4095', [{ vid: 4095 }], /tap\.vlans\[0\].*from 1 to 4094/],
    ['a range that runs back', ['9-3'], /tap\.vlans\[0\].*range like "20-29"/],
    ['no VLAN at all', [], /tap\.vlans: is empty: no frame would pass/],
    ['one twice', [7, '5-9'], /tap\.vlans\[1\]: has a VLAN that vlans\[0\] has already/],
    [
      'two PVIDs',
      [
        { vid: 1, pvid: true },
        { vid: 2, pvid: true },
      ],
      /"pvid" is that of vlans\[0\] already/,
    ],
    ['a range as PVID', [{ vid: '1-2', pvid: true }], /"pvid" belongs to one VLAN, not to a range/],
  ])('refuses %s', (_what, vlans, text) => {
    expect(refusal(() => load(withTap({ vlans }))).message).toMatch(text);
  });
});

describe('a port without a bridge', () => {
  it.each<[string, Json]>([
    ['isolated', { isolated: true }],
    ['stp.cost', { stp: { cost: 5 } }],
    ['stp.priority', { stp: { priority: 5 } }],
    ['vlans', { vlans: [5] }],
  ])('has no %s', (name, settings) => {
    const error = refusal(() => load(withTap({ bridge: null, ...settings })));
    expect(error.message).toContain(
      `tunnels[0].tap.${name}: is about the port of a bridge; set "bridge" or remove it`,
    );
  });
});
