/**
 * l2vpnd as a receiver of crafted frames: one daemon a validate mode, each with the peer that `guest-secy.ts` plays for
 * the kernel's SecY of that mode, so that both get the same packets from the same sender.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Site, type SiteFile } from '../../lab/site.ts';
import { type SecYSetup, VALIDATE_MODES, type ValidateMode } from './cases/table-1-7.ts';
import { overGre } from './craft.ts';
import { CRAFTERS } from './guest-secy.ts';
import { HOST_WAN } from './lab-namespace.ts';
import type { LiveLab } from './live.ts';
import { flatCounters, type ShownSecY } from './macsec-show.ts';

const TIMEOUT_MS = 10_000;

interface Shown {
  rx: { frames_in: number; frames_out: number };
  drops: Record<string, number>;
  macsec: ShownSecY;
}

/** Counters as `Outcome` has them, and what came out of the TAP by the kernel's own count. */
export interface DaemonOutcome {
  counters: Record<string, number>;
  delivered: { frames: number; octets: number };
}

/** Runs a daemon in each mode with the SecY of a case, sends each the frames, and tells what came of them. */
export async function runOnDaemons(
  lab: LiveLab,
  setup: SecYSetup,
  frames: readonly Buffer[],
): Promise<Record<ValidateMode, DaemonOutcome>> {
  const [strict, check, disabled] = await Promise.all(
    VALIDATE_MODES.map((mode) => runOnDaemon(lab, setup, mode, frames)),
  );
  return { strict: strict!, check: check!, disabled: disabled! };
}

async function runOnDaemon(
  lab: LiveLab,
  setup: SecYSetup,
  mode: ValidateMode,
  frames: readonly Buffer[],
): Promise<DaemonOutcome> {
  const site = new Site(lab.space, mode, fileOf(setup, mode));
  try {
    await site.start(TIMEOUT_MS);
    // One by one: a batch recovers XPNs from where it began, which no kernel does.
    for (const [i, frame] of frames.entries()) {
      lab.guest.wire.send(overGre(frame, CRAFTERS[mode], HOST_WAN));
      await handled(site, i + 1);
    }
    const { macsec } = await handled(site, frames.length);
    const link = await lab.space.must(['ip', '-j', '-s', 'link', 'show', tapOf(mode)]);
    const { packets, bytes } = JSON.parse(link)[0].stats64.rx;
    return { counters: received(flatCounters(macsec)), delivered: { frames: packets, octets: bytes } };
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

/** When `count` frames have come in, and each has gone on or has been dropped. */
async function handled(site: Site, count: number): Promise<Shown> {
  for (const end = Date.now() + TIMEOUT_MS; ; await pause(5)) {
    const [shown] = (await site.control('/v1/tunnels')) as [Shown];
    const dropped = Object.values(shown.drops).reduce((sum, drop) => sum + drop, 0);
    if (shown.rx.frames_in === count && shown.rx.frames_out + dropped === count) return shown;
    if (Date.now() > end)
      throw new Error(`not all ${count} frames are accounted for: ${JSON.stringify(shown)}`);
  }
}

function tapOf(mode: ValidateMode): string {
  return `tap-${mode}`;
}

function fileOf(setup: SecYSetup, mode: ValidateMode): SiteFile {
  const xpn = setup.cipher.includes('xpn') ? { ssci: 2, salt: '00'.repeat(12) } : {};
  const macsec = {
    ...{ cipher: setup.cipher, icvLen: setup.icvLen, validate: mode, replayBitmap: false },
    ...{ replayProtect: setup.replayWindow !== null, replayWindow: setup.replayWindow ?? 0 },
    txSa: [{ an: 0, keyId: '77', key: '77'.repeat(16), ...xpn }],
    rxSc: setup.rxSc.map((sc) => ({
      ...{ sci: sc.sci, active: sc.state === 'on' },
      sa: sc.sa.map((sa) => ({
        ...{ an: sa.an, pn: Number(sa.pn), keyId: `0${sa.an}`, key: sa.key, active: sa.state === 'on' },
        ...(sa.ssci === undefined ? {} : { ssci: sa.ssci, salt: sa.salt }),
      })),
    })),
  };
  const tap = { ifname: tapOf(mode), mac: '00:00:00:22:22:22' };
  return {
    tunnels: [{ name: mode, tap, gre: { local: HOST_WAN.ip, remote: CRAFTERS[mode].ip }, macsec }],
    workers: 1,
  };
}
