/** The EAPOL header. */
import { describe, expect, it } from 'vitest';
import { describeEapol, EAPOL_LEN, eapolBodyLenAt } from '../../../src/wire/eapol.ts';
import { alwaysReadsOnly, fromHex, lines, readsOnly } from './codec.ts';

describe('an EAPOL header (802.1X-2020 11.3)', () => {
  it.each([
    ['03 05 0054', ['version: 3', 'type: 0x05 (MKA)', 'body length: 84']],
    ['02 00 0000', ['version: 2', 'type: 0x00 (EAP packet)', 'body length: 0']],
    ['01 01 0000', ['version: 1', 'type: 0x01 (start)', 'body length: 0']],
    ['03 08 0010', ['version: 3', 'type: 0x08 (announcement request)', 'body length: 16']],
    ['03 09 ffff', ['version: 3', 'type: 0x09 (unknown)', 'body length: 65535']],
  ])('%s', (octets, fields) => expect(lines(readsOnly(fromHex(octets), describeEapol))).toEqual(fields));

  it('is read without an octet around it', () =>
    alwaysReadsOnly([EAPOL_LEN, EAPOL_LEN], (buf, at) => [describeEapol(buf, at), eapolBodyLenAt(buf, at)]));
});
