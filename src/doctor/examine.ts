/** Runs all checks at once, each with a deadline, so that a name server or a disk that does not answer costs one line. */
import { messageOf } from '../errors.ts';
import { HOST_CHECKS, TUNNEL_CHECKS } from './checks.ts';
import type { Context, TunnelCheck } from './context.ts';
import { type Finding, ok, skipped } from './finding.ts';
import type { TunnelSeen } from './tunnel-seen.ts';

/** What a check is given up after. With the start of node and the two looks at the daemon it stays below 3 s. */
export const CHECK_MS = 1200;

export interface Line extends Finding {
  readonly check: string;
  /** Null: of the host, or of all tunnels. */
  readonly tunnel: string | null;
}

/** In the order of the table. */
export async function examine(context: Context, deadlineMs: number = CHECK_MS): Promise<Line[]> {
  const ofHost = HOST_CHECKS.map(async ({ name, look }) => {
    const findings = await inTime(() => look(context), deadlineMs);
    return findings.map((one) => ({ ...one, check: name, tunnel: null }));
  });
  const ofTunnels = TUNNEL_CHECKS.map((check) => lookAtTunnels(check, context, deadlineMs));
  return (await Promise.all([...ofHost, ...ofTunnels])).flat();
}

/** One line that all is well, not one per tunnel: a hub has thousands. */
async function lookAtTunnels(check: TunnelCheck, context: Context, deadlineMs: number): Promise<Line[]> {
  const tunnels = context.tunnels.filter(
    ({ now, down }) => !check.asksDaemon || now !== null || down !== null,
  );
  const all = await Promise.all(tunnels.map((one) => lookAt(check, one, context, deadlineMs)));
  const lines = all.flat();
  const isWell = lines.every(({ level }) => level === 'ok');
  if (!isWell) return distinct(lines.filter(({ level }) => level !== 'ok'));
  if (tunnels.length === 0) return [];
  if (tunnels.length > 1)
    return [{ ...ok(`all ${tunnels.length} tunnels`), check: check.name, tunnel: null }];
  return lines.length > 0
    ? lines
    : [{ ...ok('nothing is wrong'), check: check.name, tunnel: tunnels[0]!.name }];
}

async function lookAt(
  { name, look }: TunnelCheck,
  tunnel: TunnelSeen,
  context: Context,
  deadlineMs: number,
): Promise<Line[]> {
  const findings = await inTime(() => look(tunnel, context), deadlineMs);
  return findings.map((one) => ({ ...one, check: name, tunnel: tunnel.name }));
}

/** What could not be looked at is said once, not for each tunnel. */
function distinct(lines: readonly Line[]): Line[] {
  const said = new Set<string>();
  return lines.flatMap((line) => {
    if (line.level !== 'skipped') return [line];
    if (said.has(line.says)) return [];
    said.add(line.says);
    return [{ ...line, tunnel: null }];
  });
}

async function inTime(look: () => Finding[] | Promise<Finding[]>, deadlineMs: number): Promise<Finding[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Finding[]>((resolve) => {
    const text = `it took longer than ${deadlineMs / 1000} s: a name server, a disk or the kernel does not answer`;
    timer = setTimeout(() => resolve([skipped(text)]), deadlineMs);
  });
  try {
    return await Promise.race([(async () => look())(), late]);
  } catch (error) {
    return [skipped(`it could not be looked at: ${messageOf(error)}`)];
  } finally {
    clearTimeout(timer);
  }
}
