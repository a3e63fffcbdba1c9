/** Messages of rtnetlink, octet by octet (of a host that is little-endian). */
import { endianness } from 'node:os';
import { describe, expect, it } from 'vitest';
import { bridgePortInfo, othersThan } from '../../../src/host/bridge-port.ts';
import {
  AF_BRIDGE,
  attributesIn,
  LinkRequest,
  linkRequest,
  nested,
  u8,
  u16In,
  u16s,
} from '../../../src/host/rtnetlink.ts';

describe.skipIf(endianness() !== 'LE')('a request about a link', () => {
  it('isolates port 7: RTM_SETLINK of AF_BRIDGE, IFLA_PROTINFO, IFLA_BRPORT_ISOLATED', () => {
    const request = linkRequest(LinkRequest.Set, AF_BRIDGE, 7, [nested(12, [u8(33, 1)])]);
    expect(request.toString('hex').replace(/(.{8})(?!$)/g, '$1 ')).toBe(
      '2c000000 13000500 00000000 00000000 07000000 07000000 00000000 00000000 0c000c80 05002100 01000000',
    );
  });
});

describe('attributes', () => {
  it('are read as they were written', () => {
    const { payload } = nested(1, [u16s(2, 3, 4), u8(5, 6)]);
    const found = attributesIn(payload);
    expect([u16In(found.get(2)), u16In(found.get(2), 2), found.get(5)?.[0]]).toEqual([3, 4, 6]);
  });

  it('that are cut off or say a wrong length end the reading', () => {
    expect(attributesIn(Buffer.from([3, 0, 1, 0]))).toEqual(new Map());
    expect(attributesIn(Buffer.from([9, 0, 1, 0, 1]))).toEqual(new Map());
    expect(attributesIn(Buffer.from([1]))).toEqual(new Map());
  });
});

describe('a link', () => {
  it('that is no port of a bridge, or not there, has no such settings', () => {
    expect(bridgePortInfo(1)).toBeNull();
    expect(bridgePortInfo(0x7fff_fff0)).toBeNull();
  });
});

describe('the VLANs that a port is not in', () => {
  const vlan = (first: number, last = first) => ({ first, last, pvid: false, untagged: false });
  it('are all others', () => {
    expect(othersThan([vlan(20, 29), vlan(1)])).toEqual([vlan(2, 19), vlan(30, 4094)]);
    expect(othersThan([])).toEqual([vlan(1, 4094)]);
    expect(othersThan([vlan(1, 4094)])).toEqual([]);
  });
});
