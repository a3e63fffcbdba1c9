/** Carrying a reload out: tunnels that go, that change, that come. What was done is undone where a step fails. */
import type { Config } from '../config/types.ts';
import { haveSameKeys, mergeSas } from '../keys/merge-sas.ts';
import type { MacsecConfig } from '../macsec/config.ts';
import { settingsOf } from '../tunnel/sa-set.ts';
import type { DownTunnel } from './down-tunnels.ts';
import type { MacsecChange, RefitChange, ReloadPlan, ReplaceChange } from './reload.ts';
import type { Tunnels } from './tunnels.ts';

export interface CarryOutContext {
  readonly tunnels: Tunnels;
  /** The configuration that runs, and the one that is to: they tell where a tunnel stands in its file. */
  readonly before: Config;
  readonly after: Config;
  /** No worker has failed: what lanes published is exact. */
  clean(): boolean;
  /** A step cannot be undone. */
  failed(error: unknown): void;
}

type Undo = (() => Promise<void>)[];

/** Throws L2vpnError, with everything as it was. */
export async function carryOut(plan: ReloadPlan, context: CarryOutContext): Promise<void> {
  const undo: Undo = [];
  try {
    for (const name of plan.remove) await remove(name, context, undo);
    for (const change of plan.replace) await replace(change, context, undo);
    for (const change of plan.macsec) await changeMacsec(change, context, undo);
    for (const change of plan.refit) await refit(change, context, undo);
    for (const { name } of plan.add) await add(name, context, undo);
  } catch (error) {
    for (const step of undo.reverse()) await step().catch((fault: unknown) => context.failed(fault));
    throw error;
  }
  // Nothing of this can fail.
  for (const { name, seconds } of plan.peerTimeouts) context.tunnels.setPeerTimeout(name, seconds);
  for (const { name, filed, keys } of plan.macsec) {
    if (keys) await context.tunnels.find(name)?.keys?.keep(filed.before, filed.now);
  }
}

async function remove(name: string, { tunnels, before, clean }: CarryOutContext, undo: Undo): Promise<void> {
  const { config, sas } = tunnels.runningOf(name);
  await tunnels.remove(name, clean());
  undo.push(() => tunnels.add(config, indexOf(before, name), sas));
}

/** SAs that a rotation has brought go on where the change is not about them. */
async function replace(
  { config, before: was, keepsSas }: ReplaceChange,
  { tunnels, before, after, clean }: CarryOutContext,
  undo: Undo,
): Promise<void> {
  const { name } = config;
  const { config: ran, sas } = tunnels.runningOf(name);
  const goesOn = keepsSas && sas !== null && was.macsec !== null && config.macsec !== null;
  const next = goesOn ? { sas: mergeSas(was.macsec!, config.macsec!, sas.sas), filed: sas.filed } : null;
  const down = tunnels.down.get(name);
  if (down !== null) {
    down.config = config;
    down.sas = next;
    undo.push(async () => {
      down.config = ran;
      down.sas = sas;
    });
    return;
  }
  await tunnels.replace(config, indexOf(after, name), next, clean());
  undo.push(() => tunnels.replace(ran, indexOf(before, name), sas, clean()));
}

/** TAP and SecY stay. */
async function refit(
  { name, tap, gre }: RefitChange,
  { tunnels }: CarryOutContext,
  undo: Undo,
): Promise<void> {
  const down = tunnels.down.get(name);
  if (down !== null) {
    const { config: was } = down;
    down.config = { ...was, tap, gre };
    undo.push(async () => {
      down.config = was;
    });
    return;
  }
  const { tunnel } = tunnels.get(name);
  const { fitting: was } = tunnel;
  await tunnels.refit(tunnel, tunnel.plan(tap, gre));
  undo.push(() => tunnels.refit(tunnel, was));
}

/** SAs stay, a rotation's too, but for what the file changes of them. */
async function changeMacsec(
  { name, config, filed, keys }: MacsecChange,
  { tunnels }: CarryOutContext,
  undo: Undo,
): Promise<void> {
  const down = tunnels.down.get(name);
  if (down !== null) {
    undo.push(changeDown(down, config, filed));
    return;
  }
  const { tunnel, keys: source } = tunnels.get(name);
  if (tunnel.secy === null || source === null) return;
  const { secy } = tunnel;
  const { config: was } = secy;
  await secy.configure(settingsOf(config));
  undo.push(() => secy.configure(settingsOf(was)));
  if (!keys) return;
  const { mka } = tunnel;
  const back = await source.reload(filed.before, filed.now);
  tunnel.mka = filed.now.mka;
  undo.push(async () => {
    tunnel.mka = mka;
    await back();
  });
}

/** It comes up with what the file says now. Returns what undoes it. */
function changeDown(
  down: DownTunnel,
  config: MacsecConfig,
  { before, now }: MacsecChange['filed'],
): () => Promise<void> {
  const { config: was, sas } = down;
  down.config = { ...was, macsec: config, mka: now.mka };
  const goesOn = sas !== null && haveSameKeys(before.macsec, now.macsec);
  down.sas = goesOn ? { sas: mergeSas(before.macsec, now.macsec, sas.sas), filed: sas.filed } : null;
  return async () => {
    down.config = was;
    down.sas = sas;
  };
}

async function add(name: string, { tunnels, after, clean }: CarryOutContext, undo: Undo): Promise<void> {
  const index = indexOf(after, name);
  await tunnels.add(after.tunnels[index]!, index);
  undo.push(() => tunnels.remove(name, clean()));
}

function indexOf({ tunnels }: Config, name: string): number {
  return tunnels.findIndex((tunnel) => tunnel.name === name);
}
