/** How a rotation goes on is in the log. */
import { describe, expect, it } from 'vitest';
import type { RotationStatus } from '../../../src/api/rotate.ts';
import { RotationWatch } from '../../../src/report/rotation-watch.ts';
import { logLines } from './log-lines.ts';

type Step = Pick<RotationStatus, 'an' | 'state'>;

function told(...looks: readonly (Step | null)[]): string[] {
  const { log, lines } = logLines();
  const watch = new RotationWatch(log);
  for (const rotation of looks) watch.tick([{ name: 'site2', rotation }]);
  for (const line of lines) expect(line).toMatchObject({ level: 30, tunnel: 'site2' });
  return lines.map(({ an, msg }) => `${an}: ${msg}`);
}

const at = (state: RotationStatus['state'], an = 1): Step => ({ an, state });

describe('a rotation', () => {
  it('is told when transmit moves and when it ends, once each', () => {
    const waits = at('waiting for the peer');
    expect(told(null, waits, waits, at('grace time'), at('grace time'), at('done'), at('done'))).toEqual([
      '1: rotation: frames are sent with the new key',
      '1: rotation done: the old keys are gone',
    ]);
  });

  it('that ends between two looks is told, and so is the next', () => {
    expect(told(null, at('done'), at('done', 2))).toEqual([
      '1: rotation done: the old keys are gone',
      '2: rotation done: the old keys are gone',
    ]);
  });

  it('that was forgotten and is done anew is told anew', () => {
    expect(told(at('done'), null, at('done'))).toHaveLength(2);
  });
});
