/** What an end says of the way to it, as part of a hello. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PathReport, readPathReport, writePathReport } from '../../../src/link/path-report.ts';

const REPORT: PathReport = {
  total: { expected: 2 ** 40, lost: 12, reordered: 3 },
  minute: { expected: 1000, lost: 2, reordered: 0 },
};
const INTERVAL = Buffer.from('00002710', 'hex');

describe('a report of the path', () => {
  it('is read as it was written, behind parts that nobody knows and before others', () => {
    const unknown = Buffer.from('00630003 aabbcc'.replace(' ', ''), 'hex');
    for (const parts of [[], [unknown]]) {
      const body = Buffer.concat([INTERVAL, ...parts, writePathReport(REPORT), ...parts]);
      expect(readPathReport(body, 4)).toEqual(REPORT);
    }
  });

  it('is missing in the hello of an older end, and where this one knows nothing', () => {
    expect(readPathReport(INTERVAL, 4)).toBeNull();
    expect(writePathReport(null)).toHaveLength(0);
  });

  it.each([
    ['more lost than expected', { ...REPORT, minute: { expected: 1, lost: 2, reordered: 0 } }],
    ['less than nothing', { ...REPORT, total: { expected: -1, lost: -2, reordered: 0 } }],
    ['not a number', { ...REPORT, total: { expected: Number.NaN, lost: 0, reordered: 0 } }],
  ])('that says %s is none', (_, report) => {
    expect(readPathReport(Buffer.concat([INTERVAL, writePathReport(report)]), 4)).toBeNull();
  });

  it('never throws, whatever comes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
        readPathReport(Buffer.concat([INTERVAL, octets]), 4);
      }),
    );
  });
});
