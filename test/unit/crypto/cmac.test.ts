/** AES-CMAC against RFC 4493 and SP 800-38B; other lengths against OpenSSL's own, of the command line. */
import { spawnSync } from 'node:child_process';
import { createSecretKey, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { aesCmac, Cmac } from '../../../src/crypto/cmac.ts';
import { hex, keyOf, MKA } from '../keys/mka/vectors.ts';

describe('AES-CMAC (RFC 4493)', () => {
  it.each(MKA.cmac)('$name', ({ key, message, mac }) => {
    expect(aesCmac(keyOf(key), hex(message)).toString('hex')).toBe(mac);
  });

  it('takes a message in parts as the same message', () => {
    const { key, message, mac } = MKA.cmac[2]!;
    const whole = hex(message);
    const parts = [whole.subarray(0, 1), whole.subarray(1, 17), whole.subarray(17, 17), whole.subarray(17)];
    expect(aesCmac(keyOf(key), ...parts).toString('hex')).toBe(mac);
  });

  it.each([
    [16, 'AES-128-CBC'],
    [32, 'AES-256-CBC'],
  ])('with a key of %i octets is that of `openssl mac`', (keyLen, cipher) => {
    for (const len of [1, 15, 17, 31, 32, 33, 200]) {
      const [key, message] = [randomBytes(keyLen), randomBytes(len)];
      const mac = aesCmac(createSecretKey(key), message).toString('hex');
      expect(mac).toBe(opensslCmac(cipher, key, message));
    }
  });

  it.each([16, 32])('one after the other with one key of %i octets are those of each alone', (keyLen) => {
    const key = createSecretKey(randomBytes(keyLen));
    const cmac = new Cmac(key);
    for (let len = 0; len < 100; len++) {
      const message = randomBytes(len);
      expect(cmac.of(message)).toEqual(aesCmac(key, message));
    }
  });

  it('leaves the message as it was', () => {
    const message = hex(MKA.cmac[3]!.message);
    aesCmac(keyOf(MKA.cmac[3]!.key), message);
    expect(message.toString('hex')).toBe(MKA.cmac[3]!.message);
  });

  it('takes no key of another length', () => {
    expect(() => aesCmac(createSecretKey(Buffer.alloc(24)), Buffer.alloc(1))).toThrow(
      '"key" expected 16 or 32 octets, got 24',
    );
  });
});

function opensslCmac(cipher: string, key: Buffer, message: Buffer): string {
  const args = ['mac', '-cipher', cipher, '-macopt', `hexkey:${key.toString('hex')}`, '-in', '-', 'CMAC'];
  const { status, stdout, stderr } = spawnSync('openssl', args, { input: message, encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl mac: ${stderr}`);
  return stdout.trim().toLowerCase();
}
