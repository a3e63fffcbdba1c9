/** Capabilities of a process (`man 7 capabilities`), from /proc/PID/status. */

/** Bits of those that a tunnel needs. */
export const Capability = { NET_ADMIN: 12, NET_RAW: 13 } as const;
export type CapabilityName = keyof typeof Capability;

/** Which of those a process with this /proc/PID/status does not have; null where it does not say. */
export function missingCapabilities(status: string): CapabilityName[] | null {
  const digits = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (digits === undefined) return null;
  const has = BigInt(`0x${digits}`);
  const names = Object.keys(Capability) as CapabilityName[];
  return names.filter((name) => (has & (1n << BigInt(Capability[name]))) === 0n);
}
