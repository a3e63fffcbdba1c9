/**
 * The receive decision table (docs/protocol.md): each row's frames go to a real kernel and to l2vpnd, with the same
 * configuration, in strict, check and disabled. The kernel must do what is on record (receive-table.json, which the
 * unit tests of the receive lane are judged by too), and l2vpnd what the kernel does, counter by counter, but for what
 * `rowOfOurs` names.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TABLE, VALIDATE_MODES } from './cases/receive-table.ts';
import { type DaemonOutcome, runOnDaemons } from './daemon-secy.ts';
import { type ExpectedCase, readExpected, rowOfOurs, writeExpected } from './expected.ts';
import { whyNoGuest } from './guest.ts';
import { type Outcome, prepareGuest, runOnGuest } from './guest-secy.ts';
import { type LiveLab, openLiveLab } from './live.ts';
import { placesOf, ROWS_AT_ONCE } from './places.ts';

const recording = process.env.L2VPND_RECORD === '1';
const reason = process.env.L2VPND_QUICK === '1' ? 'the table is not in the quick subset' : whyNoGuest(true);
if (reason !== null) console.log(`test/kernel/receive-table skipped: ${reason}`);

const groups = Array.from({ length: Math.ceil(TABLE.length / ROWS_AT_ONCE) }, (_, i) => {
  const rows = TABLE.slice(i * ROWS_AT_ONCE, (i + 1) * ROWS_AT_ONCE);
  return { rows, name: `${rows[0]!.name} … ${rows.at(-1)!.name}` };
});

describe.skipIf(reason !== null)('the receive decision table', () => {
  const expected = new Map(readExpected().cases.map((known) => [known.name, known]));
  const expectedOf = (name: string): ExpectedCase['outcome'] => expected.get(name)!.outcome;
  const recorded: ExpectedCase[] = [];
  let lab: LiveLab;

  beforeAll(async () => {
    lab = await openLiveLab();
    await prepareGuest(lab.guest);
  }, 180_000);

  afterAll(async () => {
    if (recording && recorded.length === TABLE.length) {
      const iproute2 = (await lab.guest.run('ip -V')).trim();
      writeExpected(lab.guest.release, iproute2, recorded);
    }
    await lab?.close();
  });

  it.each(groups)('$name', async ({ rows }) => {
    const places = placesOf(rows);
    const [kernel, daemon] = await Promise.all([
      runOnGuest(lab.guest, places),
      recording ? [] : runOnDaemons(lab, places),
    ]);
    for (const [i, { name, setup, frames }] of rows.entries()) {
      const [strict, check, disabled] = kernel.slice(i * VALIDATE_MODES.length);
      const outcome = { strict: strict!, check: check!, disabled: disabled! };
      const observed = { name, setup, frames: frames.map((frame) => frame.toString('hex')), outcome };
      recorded.push(observed);
      if (!recording)
        expect.soft(observed, `${name}: the kernel, against the record`).toEqual(expected.get(name));
      for (const [j, mode] of VALIDATE_MODES.entries()) {
        if (recording) continue;
        expect
          .soft(daemon[i * VALIDATE_MODES.length + j], `${name}, ${mode}: l2vpnd, against the kernel`)
          .toEqual(asDaemon(rowOfOurs(name) === name ? outcome[mode] : expectedOf(rowOfOurs(name))[mode]));
      }
    }
  });
});

function asDaemon({ counters, delivered }: Outcome): DaemonOutcome {
  const octets = delivered.reduce((sum, frame) => sum + frame.length / 2, 0);
  return { counters, delivered: { frames: delivered.length, octets } };
}
