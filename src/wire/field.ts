/** What a codec tells people about a header: its fields, in the order in which they are read. Plain data, ready for JSON. */

export interface Field {
  name: string;
  value: string;
  /** What the value means. */
  note?: string;
}

export function hex(value: number, digits: number): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}
