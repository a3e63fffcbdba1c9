import { describe, expect, it } from 'vitest';
import { type ErrorCode, EXIT_STATUS, errnoName, L2vpnError, messageOf } from '../../src/errors.ts';

describe('L2vpnError', () => {
  const table: [ErrorCode, number][] = [
    ['L2VPN_USAGE', 64],
    ['L2VPN_DATA', 65],
    ['L2VPN_NOINPUT', 66],
    ['L2VPN_UNAVAILABLE', 69],
    ['L2VPN_INTERNAL', 70],
    ['L2VPN_SYSTEM', 71],
    ['L2VPN_STATE', 71],
    ['L2VPN_CANTCREATE', 73],
    ['L2VPN_BUSY', 75],
    ['L2VPN_PERMISSION', 77],
    ['L2VPN_CONFIG', 78],
    ['L2VPN_KEYFILE', 78],
  ];

  it.each(table)('%s ends the process with status %d and keeps message and cause', (code, status) => {
    const cause = new Error('beneath');
    const error = new L2vpnError(code, 'place: what; remedy', { cause });
    expect(error).toMatchObject({
      code,
      exitStatus: status,
      message: 'place: what; remedy',
      cause,
      name: 'L2vpnError',
    });
    expect(error).toBeInstanceOf(Error);
  });

  it('has no code that the table does not know', () => {
    expect(table.map(([code]) => code).sort()).toEqual(Object.keys(EXIT_STATUS).sort());
  });

  it('takes another status where the code alone says too little', () => {
    expect(new L2vpnError('L2VPN_KEYFILE', 'not there', { exitStatus: 66 }).exitStatus).toBe(66);
  });

  it('has no cause where none was given', () => {
    expect('cause' in new L2vpnError('L2VPN_USAGE', 'x')).toBe(false);
  });
});

describe('errnoName', () => {
  it.each([
    [Object.assign(new Error('x'), { code: 'ENOENT' }), 'ENOENT'],
    [Object.assign(new Error('x'), { code: 'ERR_INVALID_ARG_TYPE' }), ''],
    [new Error('x'), ''],
    ['ENOENT', ''],
    [undefined, ''],
  ])('of %o is "%s"', (error, name) => {
    expect(errnoName(error)).toBe(name);
  });
});

describe('messageOf', () => {
  it('says something of whatever was thrown', () => {
    expect([messageOf(new Error('a')), messageOf('b'), messageOf(undefined)]).toEqual([
      'a',
      'b',
      'undefined',
    ]);
  });
});
