/**
 * What an end tells the other one of the way between them, behind the interval in the body of a hello (docs/protocol.md):
 *
 *      0       2       4
 *      | part 2| len 2 | content of so many octets | next part …
 *
 * Part 1: six numbers of 64 bits (IEEE 754), frames that were expected, lost and reordered ever, and in the last minute. A
 * part that is not known is passed over, and so is a hello without parts, which is what came before them.
 */

/** Frames of the user, by their packet numbers. */
export interface PathFigures {
  readonly expected: number;
  /** Of those that were expected; late ones that were dropped are lost. */
  readonly lost: number;
  /** That came behind one that was sent after them. */
  readonly reordered: number;
}

export interface PathReport {
  /** As long as the daemon has run. */
  readonly total: PathFigures;
  readonly minute: PathFigures;
}

const PART_HEAD = 4;
const PART_REPORT = 1;
const NUMBER_LEN = 8;
const REPORT_LEN = 6 * NUMBER_LEN;

/** `report` as a part of a hello; nothing where there is none. */
export function writePathReport(report: PathReport | null): Buffer {
  if (report === null) return Buffer.alloc(0);
  const part = Buffer.alloc(PART_HEAD + REPORT_LEN);
  part.writeUInt16BE(PART_REPORT, 0);
  part.writeUInt16BE(REPORT_LEN, 2);
  const { total, minute } = report;
  [total, minute].forEach((figures, i) => {
    const { expected, lost, reordered } = figures;
    const at = PART_HEAD + i * 3 * NUMBER_LEN;
    part.writeDoubleBE(expected, at);
    part.writeDoubleBE(lost, at + NUMBER_LEN);
    part.writeDoubleBE(reordered, at + 2 * NUMBER_LEN);
  });
  return part;
}

/** The report among the parts of a hello that begin at `from`; null: there is none, or it makes no sense. */
export function readPathReport(body: Buffer, from: number): PathReport | null {
  for (let at = from; at + PART_HEAD <= body.length; ) {
    const len = body.readUInt16BE(at + 2);
    const end = at + PART_HEAD + len;
    if (end > body.length) return null;
    if (body.readUInt16BE(at) === PART_REPORT && len >= REPORT_LEN) return reportAt(body, at + PART_HEAD);
    at = end;
  }
  return null;
}

function reportAt(body: Buffer, at: number): PathReport | null {
  const total = figuresAt(body, at);
  const minute = figuresAt(body, at + 3 * NUMBER_LEN);
  return isSound(total) && isSound(minute) ? { total, minute } : null;
}

function figuresAt(body: Buffer, at: number): PathFigures {
  return {
    expected: body.readDoubleBE(at),
    lost: body.readDoubleBE(at + NUMBER_LEN),
    reordered: body.readDoubleBE(at + 2 * NUMBER_LEN),
  };
}

/** The peer is who it is, and may be wrong all the same. */
function isSound({ expected, lost, reordered }: PathFigures): boolean {
  const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
  return isCount(expected) && isCount(lost) && isCount(reordered) && lost <= expected;
}
