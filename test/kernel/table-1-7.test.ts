/**
 * The receive decision table, asked of a real kernel: each row's frames, in strict, check and disabled, must have
 * the outcome that is on record (expected-1.7.json), which is also what l2vpnd is held to.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TABLE } from './cases/table-1-7.ts';
import { type ExpectedCase, readExpected, writeExpected } from './expected.ts';
import { Guest, whyNoGuest } from './guest.ts';
import { prepareGuest, runOnGuest } from './guest-secy.ts';

const recording = process.env.L2VPND_RECORD === '1';
const reason = whyNoGuest(false);
if (reason !== null) console.log(`test/kernel skipped: ${reason}`);

describe.skipIf(reason !== null)('the receive decision table in a Linux kernel', () => {
  const expected = new Map(readExpected().cases.map((known) => [known.name, known.outcome]));
  const recorded: ExpectedCase[] = [];
  let guest: Guest;

  beforeAll(async () => {
    guest = await Guest.boot();
    await prepareGuest(guest);
  }, 120_000);

  afterAll(async () => {
    if (recording && recorded.length === TABLE.length) {
      const iproute2 = (await guest.run('ip -V')).trim();
      writeExpected(guest.release, iproute2, recorded);
    }
    await guest?.close();
  });

  it.each(TABLE)('$name', async ({ name, setup, frames }) => {
    const outcome = await runOnGuest(guest, setup, frames);
    recorded.push({ name, setup, frames: frames.map((frame) => frame.toString('hex')), outcome });
    if (!recording) expect(outcome).toEqual(expected.get(name));
  });
});
