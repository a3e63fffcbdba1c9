/**
 * While one process takes over from another nothing is forwarded, and most of that time would go into compiling what has
 * never run in this process. So it runs once before, for tunnels like those of the configuration that nobody opens: what is
 * read is read, nothing is written, locked or sent.
 */
import { pino } from 'pino';
import type { TunnelConfig } from '../config/types.ts';
import { closeFds } from '../host/close.ts';
import { FdSink, FdSource } from '../host/descriptors.ts';
import { openMemoryFile } from '../host/memory-file.ts';
import { keySourceOf } from '../keys/key-source-of.ts';
import type { StateStore } from '../state/store.ts';
import { unstoredTx } from '../state/unstored.ts';
import { oneAfterAnother } from '../tunnel/in-turn.ts';
import type { NumberStore } from '../tunnel/packet-numbers.ts';
import { type LaneHost, Tunnel } from '../tunnel/tunnel.ts';
import { decodeState, encodeState, HAND_OVER_VERSION, type HandedState } from './handed-state.ts';

/** Of each kind one is enough. */
const ROUNDS = 2;
const NO_LANES: LaneHost = { configure: async () => {}, wake: () => {} };

/** Never rejects: what goes wrong goes wrong again where it counts, and is told there. */
export async function rehearse(configs: readonly TunnelConfig[], store: StateStore): Promise<void> {
  const agreed = configs.findIndex(({ mka }) => mka !== null);
  const filed = configs.findIndex(({ mka, macsec }) => mka === null && macsec !== null);
  for (const index of [agreed, filed]) {
    if (index < 0) continue;
    for (let round = 0; round < ROUNDS; round++)
      await rehearseOne(configs[index]!, index, store).catch(() => {});
  }
}

async function rehearseOne(config: TunnelConfig, index: number, store: StateStore): Promise<void> {
  const first = await startOne(config, index, store, null);
  const sink = new FdSink();
  const tunnel = { name: config.name, secy: first.tunnel.secy?.handOn(sink, false) };
  const keys = first.keys?.handed ?? null;
  first.keys?.stop();
  await first.tunnel.close(true);
  const state = { version: HAND_OVER_VERSION, tunnels: [{ tunnel, keys, link: null }], doors: new Map() };
  const octets = encodeState(state as unknown as HandedState);
  closeFds([openMemoryFile('l2vpnd-rehearsal', octets)]);
  const second = await startOne(config, index, store, decodeState(octets));
  second.keys?.stop();
  await second.tunnel.close(true);
}

async function startOne(
  config: TunnelConfig,
  index: number,
  store: StateStore,
  state: HandedState | null,
): Promise<{ tunnel: Tunnel; keys: ReturnType<typeof keySourceOf> }> {
  const context = { log: pino({ level: 'silent' }), inTurn: oneAfterAnother(), store: readingOnly(store) };
  const whole = state?.tunnels[0];
  const keys = keySourceOf(config, null, context, whole?.keys ?? null);
  const handed = whole === undefined ? null : { tunnel: whole.tunnel, fds: new FdSource([]) };
  const tunnel = new Tunnel(config, index, readingOnly(store), NO_LANES, true, null, handed);
  if (tunnel.macsec !== null && keys !== null)
    await keys.start(tunnel.macsec.sas, tunnel.uncontrolled?.use(keys.etherTypes) ?? null);
  return { tunnel, keys };
}

/** Numbers that are handed out have no meaning; what would be stored is not. */
function readingOnly(store: StateStore): StateStore & NumberStore {
  return {
    ...store,
    openTx: async (_channel, floorPn) => unstoredTx(floorPn),
    goOnWithTx: (_channel, { next }) => unstoredTx(next),
    saveRotation: async () => {},
    clearRotation: async () => {},
    retire: async () => {},
    unretire: async () => {},
    saveEndpoint: async () => {},
  };
}
