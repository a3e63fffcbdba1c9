/**
 * The VLANs of a port on a bridge that filters them, in a kernel that can: what `setVlans` asks is sent to it, and iproute2
 * tells what has become of it. One boot.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PortVlan, vlanRequests } from '../../src/host/bridge-port.ts';
import { Guest, whyNoGuest } from './guest.ts';

const reason = whyNoGuest(false);
if (reason !== null) console.log(`test/kernel/bridge-vlans skipped: ${reason}`);

/** A program for the guest, which has no libraries of ours. */
function sender(): Buffer {
  const dir = mkdtempSync(join(tmpdir(), 'l2vpnd-netlink-send-'));
  try {
    const out = join(dir, 'netlink-send');
    execFileSync('cc', ['-static', '-O1', '-o', out, join(import.meta.dirname, 'netlink-send.c')]);
    return readFileSync(out);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

describe.skipIf(reason !== null)('a port of a bridge that filters VLANs', () => {
  let guest: Guest;
  let index = 0;

  beforeAll(async () => {
    guest = await Guest.boot({ files: [{ path: 'bin/netlink-send', mode: 0o755, data: sender() }] });
    await guest.run(`
ip link add br0 type bridge vlan_filtering 1
ip link add port type dummy
ip link set port master br0`);
    index = Number(await guest.run('cat /sys/class/net/port/ifindex'));
  }, 180_000);
  afterAll(() => guest?.close());

  async function set(vlans: readonly PortVlan[]): Promise<string> {
    const hex = vlanRequests(index, vlans).map((request) => request.toString('hex'));
    return guest.run(`/bin/netlink-send ${hex.join(' ')}`);
  }

  interface Shown {
    vlan: number;
    vlanEnd?: number;
    flags?: string[];
  }

  async function shown(): Promise<Shown[]> {
    const [port] = JSON.parse(await guest.run('/usr/sbin/bridge -j -c vlan show dev port')) as [
      { vlans: Shown[] } | undefined,
    ];
    // Neighbours with the same flags become a range; iproute2 does so in its text only.
    const ranges: Shown[] = [];
    for (const one of port?.vlans ?? []) {
      const last = ranges.at(-1);
      const follows = last !== undefined && (last.vlanEnd ?? last.vlan) + 1 === one.vlan;
      if (follows && last.flags === undefined && one.flags === undefined)
        last.vlanEnd = one.vlanEnd ?? one.vlan;
      else ranges.push({ ...one });
    }
    return ranges;
  }

  const tagged = (first: number, last: number = first): PortVlan => {
    return { first, last, pvid: false, untagged: false };
  };
  const native = (vid: number): PortVlan => ({ first: vid, last: vid, pvid: true, untagged: true });

  it('is in VLAN 1 as the bridge makes it', async () => {
    expect(await shown()).toEqual([{ vlan: 1, flags: ['PVID', 'Egress Untagged'] }]);
  });

  it('has the VLANs of the list, and no others', async () => {
    expect(await set([tagged(10), tagged(20, 29), native(5)])).toBe('0\n0\n');
    expect(await shown()).toEqual([
      { vlan: 5, flags: ['PVID', 'Egress Untagged'] },
      { vlan: 10 },
      { vlan: 20, vlanEnd: 29 },
    ]);
  });

  it('takes another list, with another PVID', async () => {
    expect(await set([tagged(5), tagged(25, 31), native(7)])).toBe('0\n0\n');
    expect(await shown()).toEqual([
      { vlan: 5 },
      { vlan: 7, flags: ['PVID', 'Egress Untagged'] },
      { vlan: 25, vlanEnd: 31 },
    ]);
  });

  it('has all, or is as the bridge makes it again', async () => {
    expect(await set([tagged(1, 4094)])).toBe('0\n');
    expect(await shown()).toEqual([{ vlan: 1, vlanEnd: 4094 }]);
    expect(await set([native(1)])).toBe('0\n0\n');
    expect(await shown()).toEqual([{ vlan: 1, flags: ['PVID', 'Egress Untagged'] }]);
  });
});
