import { describe, expect, it } from 'vitest';
import { fasterRuntime, fasterThan, flagsIn } from '../../../src/crypto/faster-runtime.ts';

const ICE_LAKE = `processor\t: 0
vendor_id\t: GenuineIntel
flags\t\t: fpu aes avx2 avx512f avx512dq avx512bw avx512vl vaes vpclmulqdq
bugs\t\t: spectre_v1

processor\t: 1
flags\t\t: fpu
`;

describe('a faster runtime', () => {
  const node20 = { node: '20.20.2', openssl: '3.0.19' };

  it('is named where the CPU has VAES with AVX-512 and OpenSSL no code for it', () => {
    expect(fasterThan(node20, flagsIn(ICE_LAKE))).toBe(
      'a faster runtime is to be had: OpenSSL 3.0.19 of Node.js 20.20.2 does AES-GCM without this ' +
        "CPU's AVX-512; that of Node.js 26, which the Debian package brings, carries a quarter more and up",
    );
  });

  it.each([
    ['3.0.19+quic', true],
    ['1.1.1w', true],
    ['3.1.0', false],
    ['3.5.4', false],
    ['4.0.0', false],
  ])('OpenSSL %s: %s', (openssl, isOld) => {
    expect(fasterThan({ node: '20.0.0', openssl }, flagsIn(ICE_LAKE)) !== null).toBe(isOld);
  });

  it.each(['avx512f', 'avx512vl', 'vaes', 'vpclmulqdq'])('is not named on a CPU without %s', (flag) => {
    expect(fasterThan(node20, flagsIn(ICE_LAKE.replace(` ${flag}`, '')))).toBeNull();
  });

  it('is not named where /proc/cpuinfo has no flags', () => {
    expect(fasterThan(node20, flagsIn('Features\t: fp asimd aes pmull'))).toBeNull();
  });

  it('is looked for once, and the answer is the same', () => {
    expect(fasterRuntime()).toBe(fasterRuntime());
  });
});
