/** What `l2vpnd status` says of a tunnel in any state, what it exits with, and whom it asks. */
import { mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AgreementSnapshot } from '../../../src/api/agreement.ts';
import { openControl } from '../../../src/api/control-socket.ts';
import { closeServer } from '../../../src/api/router.ts';
import type { Handlers } from '../../../src/api/server.ts';
import type { DownSnapshot, TunnelSnapshot } from '../../../src/api/tunnel.ts';
import { socketPaths } from '../../../src/cli/daemon-choice.ts';
import { status, statusOf, tell } from '../../../src/cli/status.ts';
import { downStatus, formatAge, statusLines, upStatus } from '../../../src/cli/status-format.ts';
import { snapshotOf } from '../../../src/report/snapshot.ts';
import { macsecConfig } from '../macsec/kit.ts';
import { tunnelOf } from '../tunnel/kit.ts';

const NOW = Date.parse('2026-11-24T12:00:00Z');
const ago = (seconds: number): string => new Date(NOW - seconds * 1000).toISOString();

const FRESH = snapshotOf((await tunnelOf(macsecConfig())).tunnel, 'batch', null);
const WELL: TunnelSnapshot = {
  ...FRESH,
  up_since: ago(11_520),
  peer: { state: 'alive', since: ago(11_000), last_authentic: ago(1) },
};
const DOWN: DownSnapshot = {
  ...{ name: 'site3', ifname: 'tap3', reason: 'macsec1 was deleted', since: ago(125), retry_seconds: 8 },
};
const AGREED: AgreementSnapshot = {
  ...{ role: 'member', ckn: '01', key_server_sci: null, live_peers: 1, old: null, encoding_an: 0 },
  latest: { ki: '0', an: 0, age_seconds: 3, receives: true, transmits: true },
  ...{ next_rekey_seconds: null, trouble: [], mkpdus_in: 1, mkpdus_out: 1, refused: {} },
  ...{ saks_made: 0, saks_received: 1, participants: [] },
};

describe('the status of a tunnel', () => {
  it('that is well is a line, and ok', () => {
    const one = upStatus(WELL, NOW);
    expect(one).toMatchObject({ name: 'site2', state: 'up', peer: 'alive', ok: true, reasons: [] });
    expect(statusLines([one], [], NOW)).toBe(
      `site2  up 3h12m  peer alive, heard 1s ago  ${WELL.endpoint ?? WELL.remote}\n`,
    );
  });

  it('that is down says since when and why, in columns with others', () => {
    const lines = statusLines([upStatus(WELL, NOW), downStatus(DOWN)], [], NOW).split('\n');
    expect(lines[1]).toMatch(/^site3 {2}DOWN 2m5s {2}- +- +macsec1 was deleted; tried again after 8 s$/);
    expect(downStatus(DOWN)).toMatchObject({ ok: false, peer: null, since: DOWN.since });
  });

  it.each<[string, Partial<TunnelSnapshot>, RegExp]>([
    [
      'a lost peer',
      { peer: { state: 'lost', since: ago(42), last_authentic: ago(42) } },
      /^nothing authentic comes from the peer any more$/,
    ],
    [
      'a peer never heard',
      { peer: { state: 'lost', since: ago(42), last_authentic: null } },
      /^nothing authentic has come from the peer at all/,
    ],
    [
      'a peer of which nothing is known',
      { peer: FRESH.peer },
      /^nothing authentic has come from the peer yet$/,
    ],
    ['an address not found', { waits_for: 'no route to 2.2.2.2' }, /^not connected: no route to 2\.2\.2\.2$/],
    ['no live peer', { agreement: { ...AGREED, live_peers: 0 } }, /^no peer is live/],
    [
      'another CAK',
      { agreement: { ...AGREED, live_peers: 0, trouble: ['the ICV is wrong: another CAK'] } },
      /^the ICV is wrong: another CAK$/,
    ],
    ['no key', { agreement: { ...AGREED, latest: null } }, /^no key is agreed on$/],
    ['packet numbers used up', { pn_left: 0 }, /^packet numbers are used up/],
    [
      'no bridge',
      { bridge: { name: 'br7', membership: 'waiting', port: null, vlans: null } },
      /^there is no bridge br7$/,
    ],
  ])('with %s is not ok, and says so', (_, changes, reason) => {
    const one = upStatus({ ...WELL, ...changes }, NOW);
    expect(one.ok).toBe(false);
    expect(one.reasons[0]).toMatch(reason);
  });

  it.each<[string, Partial<TunnelSnapshot>, RegExp | null]>([
    ['whose peer is not watched', { peer: { state: 'unwatched', since: null, last_authentic: null } }, null],
    [
      'that an operator took out of its bridge',
      { bridge: { name: 'br7', membership: 'taken', port: null, vlans: null } },
      /^taken out of bridge br7/,
    ],
    ['with a key that is agreed on', { agreement: AGREED }, null],
  ])('%s is ok', (_, changes, note) => {
    const { ok, reasons } = upStatus({ ...WELL, ...changes }, NOW);
    expect(ok).toBe(true);
    if (note === null) expect(reasons).toEqual([]);
    else expect(reasons[0]).toMatch(note);
  });

  it('hears by key agreement too', () => {
    const live = [{ sci: '1', mi: '1', mn: 1, priority: 1, key_server: false, age_seconds: 2 }];
    const participants = [{ ckn: '01', in_charge: true, mi: '2', mn: 3, live, potential: [] }];
    const one = {
      ...WELL,
      peer: { ...WELL.peer, last_authentic: ago(3600) },
      agreement: { ...AGREED, participants },
    };
    expect(upStatus(one, NOW).heard).toBe(ago(2));
  });

  it.each([
    [0, '0s'],
    [59_999, '59s'],
    [60_000, '1m0s'],
    [3_599_000, '59m59s'],
    [3_600_000, '1h0m'],
    [86_399_000, '23h59m'],
    [100 * 86_400_000, '100d0h'],
    [-5, '0s'],
  ])('%i ms ago is %s', (ms, text) => expect(formatAge(ms)).toBe(text));
});

describe('l2vpnd status', () => {
  let dir: string;
  const servers: Server[] = [];
  const printed: string[] = [];
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'l2vpnd-status-'));
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    printed.length = 0;
    for (const server of servers.splice(0)) await closeServer(server);
    rmSync(dir, { recursive: true, force: true });
  });

  async function daemon(file: string, up: TunnelSnapshot[], down: DownSnapshot[] = []): Promise<string> {
    const refuse = async (): Promise<never> => {
      throw new Error('is not asked');
    };
    const handlers: Handlers = {
      tunnels: async () => up,
      down: async () => down,
      ...{ daemon: refuse, tunnel: refuse, rotate: refuse, abort: refuse, reload: refuse, handOver: refuse },
    };
    const path = join(dir, file);
    servers.push(await openControl(path, handlers));
    return path;
  }

  const LIVE = { ...WELL, peer: { ...WELL.peer, last_authentic: new Date().toISOString() } };

  it('exits with 0 only if every tunnel is well, of those that were named', async () => {
    const socket = await daemon('a.sock', [LIVE], [DOWN]);
    expect(await status([], { socket })).toBe(69);
    expect(await status(['site2'], { socket })).toBe(0);
    expect(await status([LIVE.ifname], { socket })).toBe(0);
    expect(await status(['site2', 'tap3'], { socket })).toBe(69);
    await expect(status(['other'], { socket })).rejects.toMatchObject({
      exitStatus: 64,
      message: 'there is no tunnel "other"; tunnels are site2, site3',
    });
    expect(printed.map((text) => text.trimEnd().split('\n').length)).toEqual([2, 1, 1, 2]);
  });

  it('--quiet prints nothing, --json an object per tunnel', async () => {
    const socket = await daemon('a.sock', [LIVE], [DOWN]);
    expect(await status([], { socket, quiet: true })).toBe(69);
    expect(printed.join('')).toBe('');
    await status([], { socket, json: true });
    expect(JSON.parse(printed.join(''))).toEqual([
      expect.objectContaining({ name: 'site2', state: 'up', ok: true, since: LIVE.up_since }),
      expect.objectContaining({ name: 'site3', state: 'down', ok: false, peer: null, remote: null }),
    ]);
  });

  it('asks every daemon on the host; one that does not answer is a line, and 69', async () => {
    await daemon('a.sock', [LIVE]);
    const b = await daemon('b.sock', [{ ...LIVE, name: 'site9' }]);
    const sockets = await socketPaths({}, dir);
    expect(tell([], await statusOf(sockets), {})).toBe(0);
    expect(printed.join('')).toMatch(/^site2 .*\nsite9 .*\n$/);
    expect(await socketPaths({ socket: b }, dir)).toEqual([b]);

    const dead = join(dir, 'dead.sock');
    printed.length = 0;
    const answers = await statusOf([...sockets, dead]);
    expect(tell([], answers, {})).toBe(69);
    expect(printed.join('')).toContain(`\n${dead}: no l2vpnd answers there; is it running?`);
    expect(tell(['site2'], answers, {})).toBe(0);
  });

  it('of nobody: 69 and what to do', async () => {
    await expect(socketPaths({}, join(dir, 'none'))).rejects.toMatchObject({ exitStatus: 69 });
    await expect(status([], { socket: join(dir, 'none') })).rejects.toMatchObject({
      exitStatus: 69,
      message: expect.stringMatching(/no l2vpnd answers there; is it running\?/),
    });
  });
});
