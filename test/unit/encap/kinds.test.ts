/** The words of `gre.encap` are told once, in encap/config.ts: schema and kinds follow. */
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/load.ts';
import { jsonSchema } from '../../../src/config/schema.ts';
import { ENCAP_WORDS, type EncapWord } from '../../../src/encap/config.ts';
import { encapOverhead, endpointOf, rehearsalOf } from '../../../src/encap/kinds.ts';
import { endpointText } from '../../../src/ports/endpoint.ts';
import { sample } from '../config/sample.ts';

const WORDS = Object.keys(ENCAP_WORDS) as EncapWord[];

describe('gre.encap', () => {
  it.each(WORDS)(
    '"%s" is a word of the configuration, and has headers around an Ethernet header',
    (encap) => {
      const file = sample();
      file.tunnels[0].gre.encap = encap;
      const { gre } = parseConfig(JSON.stringify(file), 'site1.json').tunnels[0]!;
      const names = encapOverhead(gre).map(({ name }) => name);
      expect([names.at(0), names.at(-1)]).toEqual(['IPv4', 'Ethernet']);
    },
  );

  it('has these words, and what each is, in the JSON Schema', () => {
    const found: unknown[] = [];
    JSON.stringify(jsonSchema(), (name, value) => {
      if (name === 'encap') found.push([value.enum, value.description]);
      return value;
    });
    const said = Object.entries(ENCAP_WORDS).map(([word, what]) => `"${word}": ${what}.`);
    expect(found).toEqual([[WORDS, said.join(' ')]]);
  });
});

describe('endpointOf', () => {
  it('is where the packets of GRE-in-UDP go; a raw socket knows by itself', () => {
    const udp = endpointOf(rehearsalOf('gre-udp').receives);
    expect(udp).not.toBeNull();
    expect(endpointText(udp!)).toBeNull();
    expect(endpointOf(rehearsalOf('gretap').receives)).toBeNull();
  });
});
