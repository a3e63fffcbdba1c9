/** Carrying a reload out: tunnels that go, that change, that come. What was done is undone where a step fails. */
import type { Config, MkaConfig } from '../config/types.ts';
import { type SaSet, sasOf, settingsOf } from '../tunnel/sa-set.ts';
import type { MacsecChange, ReloadPlan } from './reload.ts';
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
    for (const change of plan.macsec) await changeMacsec(change, context, undo);
    for (const { name } of plan.add) await add(name, context, undo);
  } catch (error) {
    for (const step of undo.reverse()) await step().catch((fault: unknown) => context.failed(fault));
    throw error;
  }
  for (const { name, keys } of plan.macsec) if (keys) context.tunnels.find(name)?.keys?.forgetRotation();
}

async function remove(name: string, { tunnels, before, clean }: CarryOutContext, undo: Undo): Promise<void> {
  const config = tunnels.configOf(name);
  await tunnels.remove(name, clean());
  undo.push(() => tunnels.add(config, indexOf(before, name)));
}

/** SAs stay, a rotation's too, unless the file has new ones. */
async function changeMacsec(
  { name, config, mka, keys }: MacsecChange,
  { tunnels }: CarryOutContext,
  undo: Undo,
): Promise<void> {
  const down = tunnels.down.get(name);
  if (down !== null) {
    // It comes up with what the file says.
    const { config: was } = down;
    down.config = { ...was, macsec: config, mka };
    undo.push(async () => {
      down.config = was;
    });
    return;
  }
  const { tunnel, keys: source } = tunnels.get(name);
  if (tunnel.secy === null || source === null) return;
  const { secy } = tunnel;
  const { config: was } = secy;
  await secy.configure(settingsOf(config));
  undo.push(() => secy.configure(settingsOf(was)));
  if (!keys) return;
  const { mka: wasMka } = tunnel;
  const reload = async (sas: SaSet, agreement: MkaConfig | null): Promise<void> => {
    await source.reload(sas, agreement);
    tunnel.mka = agreement;
  };
  await reload(sasOf(config), mka);
  undo.push(() => reload(sasOf(was), wasMka));
}

async function add(name: string, { tunnels, after, clean }: CarryOutContext, undo: Undo): Promise<void> {
  const index = indexOf(after, name);
  await tunnels.add(after.tunnels[index]!, index);
  undo.push(() => tunnels.remove(name, clean()));
}

function indexOf({ tunnels }: Config, name: string): number {
  return tunnels.findIndex((tunnel) => tunnel.name === name);
}
