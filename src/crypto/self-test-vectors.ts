/**
 * What the self-test of `self-test.ts` runs: frames of IEEE 802.1AEbw-2013 Annex C, as published in Scapy's
 * test/contrib/macsec.uts, recomputed with an independent AES-GCM. Hex.
 */
import type { AeadAlgorithm } from './cipher-suite.ts';

export interface AeadVector {
  /** Clause, cipher suite and mode. */
  readonly name: string;
  readonly algorithm: AeadAlgorithm;
  readonly key: string;
  readonly iv: string;
  readonly aad: string;
  readonly text: string;
  readonly sealed: string;
  readonly icv: string;
}

export const AEAD_VECTORS: readonly AeadVector[] = [
  {
    name: 'C.1.1 GCM-AES-128 integrity-only',
    algorithm: 'aes-128-gcm',
    key: 'ad7a2bd03eac835a6f620fdcb506b345',
    iv: '12153524c0895e81b2c28465',
    aad:
      'd609b1f056637a0d46df998d88e5222ab2c2846512153524c0895e8108000f10111213' +
      '1415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f30313233340001',
    text: '',
    sealed: '',
    icv: 'f09478a9b09007d06f46e9b6a1da25dd',
  },
  {
    name: 'C.1.2 GCM-AES-256 integrity-only',
    algorithm: 'aes-256-gcm',
    key: 'e3c08a8f06c6e3ad95a70557b23f75483ce33021a9c72b7025666204c69c0b72',
    iv: '12153524c0895e81b2c28465',
    aad:
      'd609b1f056637a0d46df998d88e5222ab2c2846512153524c0895e8108000f10111213' +
      '1415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f30313233340001',
    text: '',
    sealed: '',
    icv: '2f0bc5af409e06d609ea8b7d0fa5ea50',
  },
  {
    name: 'C.5.1 GCM-AES-128 confidentiality offset 0',
    algorithm: 'aes-128-gcm',
    key: '071b113b0ca743fecccf3d051f737382',
    iv: 'f0761e8dcd3d000176d457ed',
    aad: 'e20106d7cd0df0761e8dcd3d88e54c2a76d457ed',
    text: '08000f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f' + '30313233340004',
    sealed: '13b4c72b389dc5018e72a171dd85a5d3752274d3a019fbcaed09a425cd9b2e1c9b72ee' + 'e7c9de7d52b3f3',
    icv: 'd6a5284f4a6d3fe22a5d6c2b960494c3',
  },
  {
    name: 'C.5.2 GCM-AES-256 confidentiality offset 0',
    algorithm: 'aes-256-gcm',
    key: '691d3ee909d7f54167fd1ca0b5d769081f2bde1aee655fdbab80bd5295ae6be7',
    iv: 'f0761e8dcd3d000176d457ed',
    aad: 'e20106d7cd0df0761e8dcd3d88e54c2a76d457ed',
    text: '08000f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f' + '30313233340004',
    sealed: 'c1623f55730c93533097addad25664966125352b43adacbd61c5ef3ac90b5bee929ce4' + '630ea79f6ce519',
    icv: '12af39c2d1fdc2051f8b7b3c9d397ef2',
  },
];
