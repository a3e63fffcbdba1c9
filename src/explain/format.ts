/** An explanation as text for people: a line per field, the verdict last. */
import { ETHERNET_LEN, etherTypeAt, etherTypeName, formatDstMac, formatSrcMac } from '../wire/ethernet.ts';
import { hex } from '../wire/field.ts';
import type { CapturedPacket } from './capture-file.ts';
import type { Judgement } from './gate.ts';
import type { Decoded, Layer } from './layers.ts';

/** Column of the values. */
const NAME_WIDTH = 18;
/** Octets of a delivered frame that are shown. */
const DUMP_LEN = 256;

export function formatPacket(
  number: number,
  packet: CapturedPacket,
  decoded: Decoded | null,
  judgement: Judgement | null,
): string {
  const lines = [heading(number, packet)];
  for (const layer of decoded?.layers ?? []) lines.push(...formatLayer(layer));
  if (decoded === null) lines.push(`  link type ${packet.linkType} cannot be read`);
  if (judgement !== null) lines.push(...formatJudgement(judgement));
  return `${lines.join('\n')}\n`;
}

function heading(number: number, { time, data, originalLen }: CapturedPacket): string {
  const cut = originalLen > data.length ? ` of ${originalLen}: the capture cut it` : '';
  return `packet ${number}: ${data.length} octets${cut}${time === null ? '' : `, ${formatTime(time)}`}`;
}

/** Milliseconds are enough to find a packet; a time that no clock has is told as seconds. */
export function formatTime(time: number): string {
  const date = new Date(time * 1000);
  return Number.isNaN(date.getTime()) ? `${time} s` : date.toISOString();
}

function formatLayer({ name, at, len, fields, fault }: Layer): string[] {
  const lines = [`  ${name} (${len} octets at ${at})`];
  for (const field of fields) {
    lines.push(
      `    ${field.name.padEnd(NAME_WIDTH)}${field.value}${field.note === undefined ? '' : `  ${field.note}`}`,
    );
  }
  if (fault !== undefined) lines.push(`    fault: ${fault}`);
  return lines;
}

function formatJudgement(judgement: Judgement): string[] {
  const { tunnel, direction, accepted, reason, explanation, hints, frame } = judgement;
  const whose =
    tunnel === null ? '' : ` tunnel ${tunnel}, ${direction === 'sent' ? 'sent by this site' : 'received'}:`;
  const verdict = accepted ? `ACCEPTED (${reason}): ${explanation}` : `REFUSED (${reason}): ${explanation}`;
  const lines = [` ${whose} ${verdict}`, ...hints.map((hint) => `    ${hint}`)];
  return frame === null ? lines : [...lines, ...formatFrame(frame)];
}

function formatFrame(frame: Buffer): string[] {
  const type = etherTypeAt(frame, 0);
  const ends = `${formatSrcMac(frame, 0)} > ${formatDstMac(frame, 0)}`;
  const head = `  delivered frame (${frame.length} octets): ${ends}, EtherType ${hex(type, 4)} ${etherTypeName(type)}`;
  const shown = frame.subarray(ETHERNET_LEN, DUMP_LEN);
  const lines: string[] = [];
  for (let at = 0; at < shown.length; at += 16) lines.push(dumpLine(at, shown.subarray(at, at + 16)));
  if (frame.length > DUMP_LEN) lines.push(`    … ${frame.length - DUMP_LEN} octets more`);
  return [head, ...lines];
}

function dumpLine(at: number, octets: Buffer): string {
  const words = octets.toString('hex').replace(/(.{4})(?=.)/g, '$1 ');
  const text = octets.toString('latin1').replace(/[^\x20-\x7e]/g, '.');
  return `    ${hex(at, 4)}  ${words.padEnd(39)}  ${text}`;
}

/** The same as a JSON value; `frame` is hex. */
export function jsonOfPacket(
  number: number,
  packet: CapturedPacket,
  decoded: Decoded | null,
  judgement: Judgement | null,
): object {
  return {
    number,
    time: packet.time === null ? null : formatTime(packet.time),
    octets: packet.data.length,
    original_octets: packet.originalLen,
    layers: decoded?.layers ?? [],
    verdict: judgement && { ...judgement, frame: judgement.frame?.toString('hex') ?? null },
  };
}
