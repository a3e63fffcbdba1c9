/** Any MKPDU that can be written, for properties. */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { CIPHER_SUITES, sakLen } from '../../../../src/crypto/cipher-suite.ts';
import type {
  BasicSet,
  DistributedSak,
  Mkpdu,
  PeerList,
  SakUse,
  UsedKey,
  XpnSet,
} from '../../../../src/keys/mka/mkpdu.ts';

const hexOctets = (min: number, max = min): fc.Arbitrary<string> =>
  fc.uint8Array({ minLength: min, maxLength: max }).map((octets) => Buffer.from(octets).toString('hex'));
const octet = fc.integer({ min: 0, max: 255 });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const bits2 = fc.integer({ min: 0, max: 3 });
const mi = hexOctets(12);

const basic: fc.Arbitrary<BasicSet> = fc.record({
  version: octet,
  priority: octet,
  keyServer: fc.boolean(),
  macsecDesired: fc.boolean(),
  capability: bits2,
  sci: hexOctets(8),
  mi,
  mn: fc.integer({ min: 1, max: 0xffffffff }),
  ckn: hexOctets(1, 32),
});

const peerList: fc.Arbitrary<PeerList> = fc.record({
  peers: fc.array(fc.record({ mi, mn: u32 }), { maxLength: 20 }),
  keyServerSsci: octet,
});

/** A key identifier of zeros alone is none. */
const ki = fc.option(fc.record({ mi, kn: fc.integer({ min: 1, max: 0xffffffff }) }));
const usedKey: fc.Arbitrary<UsedKey> = fc.record({
  ...{ ki, an: bits2, tx: fc.boolean(), rx: fc.boolean(), lowestPn: u32 },
});
const sakUse: fc.Arbitrary<SakUse> = fc.record({
  latest: usedKey,
  old: usedKey,
  plainTx: fc.boolean(),
  plainRx: fc.boolean(),
  delayProtect: fc.boolean(),
});

const withKey = fc
  .record({ an: bits2, confidentialityOffset: bits2, kn: u32, cipher: fc.constantFrom(...CIPHER_SUITES) })
  .map(
    ({ cipher, ...head }): DistributedSak => ({
      ...head,
      cipher: cipher.name,
      wrapped: new Uint8Array(randomBytes(sakLen(cipher.name) + 8)),
    }),
  );
const noMacsec: fc.Arbitrary<DistributedSak> = fc.record({
  an: bits2,
  confidentialityOffset: bits2,
  kn: fc.constant(0),
  cipher: fc.constant(null),
  wrapped: fc.constant(new Uint8Array()),
});

const xpn: fc.Arbitrary<XpnSet> = fc.record({
  suspensionTime: octet,
  latestLowestPnHigh: u32,
  oldLowestPnHigh: u32,
});

export const anyMkpdu: fc.Arbitrary<Mkpdu> = fc.record({
  basic,
  livePeers: fc.option(peerList),
  potentialPeers: fc.option(peerList),
  sakUse: fc.option(sakUse),
  distributedSak: fc.option(fc.oneof(withKey, noMacsec)),
  xpn: fc.option(xpn),
  linkControl: fc.option(fc.record({ version: octet, calmHelloMs: fc.integer({ min: 0, max: 0xffff }) })),
  icvIndicator: fc.boolean(),
});
