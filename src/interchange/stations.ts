/** An SCI of 16 hex digits as what it is made of. */

export interface Station {
  readonly mac: string;
  readonly port: number;
}

export function stationOf(sci: string): Station {
  return { mac: sci.slice(0, 12).replace(/..(?=.)/g, '$&:'), port: Number.parseInt(sci.slice(12), 16) };
}
