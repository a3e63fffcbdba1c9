/** Fields whose strings are checked beyond their pattern: addresses and names as the kernel takes them. */
import { z } from 'zod';
import { mustBe, text, unfitIfname } from './fields.ts';
import { MAC } from './semantics.ts';

/** Runs one check of semantics.ts as a part of the schema, so that a file's problems come all at once. */
export function checkedBy<Value>(
  check: (value: Value, report: (path: (string | number)[], text: string) => void) => void,
) {
  return (value: Value, context: z.RefinementCtx): void =>
    check(value, (path, message) => context.addIssue({ code: 'custom', path, message }));
}

/** A string that `unfit` finds nothing wrong with. */
export function fitString(wanted: string, unfit: (value: string) => string | null): z.ZodString {
  return z.string({ error: mustBe(wanted) }).superRefine((value, context) => {
    const fault = unfit(value);
    if (fault !== null) context.addIssue({ code: 'custom', message: fault });
  });
}

export const ifname = (): z.ZodString =>
  fitString('a device name', unfitIfname).meta({ minLength: 1, maxLength: 15 });
export const mac = (): z.ZodString =>
  text(MAC, 'a MAC address like "02:00:00:12:34:56"').superRefine((value, context) => {
    const fault = unfitMac(value);
    if (fault !== null) context.addIssue({ code: 'custom', message: fault });
  });

/** Why `mac` cannot be a port's (`is_valid_ether_addr` in the kernel), or null. */
function unfitMac(mac: string): string | null {
  if (/^[0:]+$/.test(mac)) return 'is no address of a port, being all zero';
  const group = (Number.parseInt(mac, 16) & 1) !== 0;
  return group ? 'is a multicast or broadcast MAC address; a port needs one of its own' : null;
}
