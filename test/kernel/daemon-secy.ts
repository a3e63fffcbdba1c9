/**
 * l2vpnd as a receiver of crafted frames: a tunnel for each place, with the peer that `guest-secy.ts` plays for the
 * kernel, so that both get the same packets from the same sender. One daemon a validate mode, because a daemon refuses
 * two tunnels with the same key and SCI.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Site, type TunnelFile } from '../../lab/site.ts';
import { VALIDATE_MODES } from './cases/receive-table.ts';
import { overGre } from './craft.ts';
import { HOST_WAN } from './lab-namespace.ts';
import type { LiveLab } from './live.ts';
import { flatCounters, parseShow } from './macsec-show.ts';
import { type Place, peerOf } from './places.ts';

const TIMEOUT_MS = 20_000;

interface Shown {
  rx: { frames_in: number; frames_out: number };
  drops: Record<string, number>;
}

/** Counters as `Outcome` has them, and what came out of the TAP by the kernel's own count. */
export interface DaemonOutcome {
  counters: Record<string, number>;
  delivered: { frames: number; octets: number };
}

/** Runs l2vpnd with the SecYs of all places, sends each its frames, and tells what `show -s -j` says of them, place by place. */
export async function runOnDaemons(lab: LiveLab, places: readonly Place[]): Promise<DaemonOutcome[]> {
  const numbered = places.map((place, index) => ({ place, index }));
  const outcomes = await Promise.all(
    VALIDATE_MODES.map((mode) =>
      runOnDaemon(
        lab,
        numbered.filter(({ place }) => place.mode === mode),
      ),
    ),
  );
  const all = new Map(outcomes.flatMap((some) => [...some]));
  return places.map((_, index) => all.get(index)!);
}

interface Numbered {
  place: Place;
  index: number;
}

async function runOnDaemon(lab: LiveLab, places: readonly Numbered[]): Promise<Map<number, DaemonOutcome>> {
  const site = new Site(lab.space, 'table', { tunnels: places.map(tunnelOf), workers: 1 });
  try {
    await site.start(TIMEOUT_MS);
    const rounds = Math.max(...places.map(({ place }) => place.frames.length));
    // One frame per round: a batch recovers XPNs from where it began, which no kernel does.
    for (let round = 0; round < rounds; round++) {
      for (const { place, index } of places) {
        const frame = place.frames[round];
        if (frame !== undefined) lab.guest.wire.send(overGre(frame, peerOf(index), HOST_WAN));
      }
      await handled(site, places, round + 1);
    }
    const { stdout } = await site.command('show', '-s', '-j');
    const taps = await tapCounters(lab);
    return new Map(
      places.map(({ index }) => [
        index,
        {
          counters: received(flatCounters(parseShow(stdout, tapOf(index)))),
          delivered: taps.get(tapOf(index))!,
        },
      ]),
    );
  } finally {
    await site.dispose();
  }
}

/** The receiver's counters. iproute2 prints the lower half of an XPN only, so no more is compared. */
function received(counters: Record<string, number>): Record<string, number> {
  const rx = Object.entries(counters).filter(([name]) => !name.startsWith('TxSa.'));
  return Object.fromEntries(
    rx.map(([name, value]) => [name, name.endsWith('.pn') ? value % 2 ** 32 : value]),
  );
}

/** When the first `count` frames of every place have come in, and each has gone on or has been dropped. */
async function handled(site: Site, places: readonly Numbered[], count: number): Promise<void> {
  for (const end = Date.now() + TIMEOUT_MS; ; await pause(5)) {
    const shown = (await site.control('/v1/tunnels')) as Shown[];
    const waiting = places.findIndex(
      ({ place }, i) => !isHandled(shown[i]!, Math.min(count, place.frames.length)),
    );
    if (waiting < 0) return;
    if (Date.now() > end) throw new Error(`frames are not accounted for: ${JSON.stringify(shown[waiting])}`);
  }
}

function isHandled({ rx, drops }: Shown, count: number): boolean {
  const dropped = Object.values(drops).reduce((sum, drop) => sum + drop, 0);
  return rx.frames_in === count && rx.frames_out + dropped === count;
}

async function tapCounters(lab: LiveLab): Promise<Map<string, DaemonOutcome['delivered']>> {
  const text = await lab.space.must(['ip', '-j', '-s', 'link', 'show', 'type', 'tun']);
  const links = JSON.parse(text) as { ifname: string; stats64: { rx: { packets: number; bytes: number } } }[];
  return new Map(
    links.map(({ ifname, stats64 }) => [ifname, { frames: stats64.rx.packets, octets: stats64.rx.bytes }]),
  );
}

function tapOf(index: number): string {
  return `place${index}`;
}

function tunnelOf({ place: { setup, mode }, index }: Numbered): TunnelFile {
  const xpn = setup.cipher.includes('xpn') ? { ssci: 2, salt: '00'.repeat(12) } : {};
  const macsec = {
    ...{ cipher: setup.cipher, icvLen: setup.icvLen, validate: mode, replayBitmap: false },
    ...{ replayProtect: setup.replayWindow !== null, replayWindow: setup.replayWindow ?? 0 },
    txSa: [{ an: 0, keyId: '77', key: Buffer.alloc(16, 0xf0 - index).toString('hex'), ...xpn }],
    rxSc: setup.rxSc.map((sc) => ({
      ...{ sci: sc.sci, active: sc.state === 'on' },
      sa: sc.sa.map((sa) => ({
        ...{ an: sa.an, pn: Number(sa.pn), keyId: `0${sa.an}`, key: sa.key, active: sa.state === 'on' },
        ...(sa.ssci === undefined ? {} : { ssci: sa.ssci, salt: sa.salt }),
      })),
    })),
  };
  return {
    name: tapOf(index),
    tap: { ifname: tapOf(index), mac: '00:00:00:22:22:22' },
    gre: { local: HOST_WAN.ip, remote: peerOf(index).ip },
    macsec,
  };
}
