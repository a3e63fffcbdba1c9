/** Whole frames through the real SecY, octet for octet: IEEE 802.1AE Annex C, and what a Linux kernel sent. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { CipherName } from '../../../src/crypto/cipher-suite.ts';
import type { MacsecConfig, SaConfig } from '../../../src/macsec/config.ts';
import { AN_MASK, TCI_E, TCI_ES, TCI_SC, TCI_SCB } from '../../../src/wire/sectag.ts';
import { hex, macsecConfig, PROVIDERS, rxScOf, Site, saOf } from './kit.ts';

interface AnnexC {
  name: string;
  clause: string;
  suite: string;
  mode: string;
  frame_octets: number;
  key: string;
  iv: string;
  sectag_with_ethertype: string;
  sci_for_iv: string;
  pn_lower32: string;
  input_frame: string;
  secured_frame: string;
  ssci?: string;
  pn_upper32?: string;
  salt?: string;
}

interface KernelFrame {
  name: string;
  key: string;
  sci: string;
  iv: string;
  secured_frame: string;
  clear_frame: string;
}

const published = JSON.parse(
  readFileSync(new URL('../../vectors/vectors.json', import.meta.url), 'utf8'),
) as { macsec_annex_c: AnnexC[]; linux_kernel_frames: KernelFrame[] };

/** A vector as the SecY needs it. */
interface Case {
  readonly name: string;
  readonly cipher: CipherName;
  readonly tci: number;
  readonly sci: string;
  readonly sa: SaConfig;
  readonly clear: string;
  readonly secured: string;
}

/** The SA of a vector: with 32-bit numbers, or with its whole XPN, SSCI and salt. */
function saOfVector(vector: AnnexC, an: number): SaConfig {
  if (vector.salt === undefined) return saOf({ an, pn: BigInt(`0x${vector.pn_lower32}`) }, vector.key);
  const pn = BigInt(`0x${vector.pn_upper32}${vector.pn_lower32}`);
  const ssci = Number.parseInt(vector.ssci!, 16);
  return saOf({ an, pn, ssci, salt: hex(vector.salt) }, vector.key);
}

function annexC(vector: AnnexC): Case {
  const tci = hex(vector.sectag_with_ethertype)[2]!;
  const an = tci & AN_MASK;
  return {
    name: `${vector.clause} ${vector.suite}, ${vector.frame_octets} octets, ${vector.mode}`,
    cipher: vector.suite.toLowerCase() as CipherName,
    tci,
    sci: vector.sci_for_iv,
    sa: saOfVector(vector, an),
    clear: vector.input_frame,
    secured: vector.secured_frame,
  };
}

function kernelFrame(vector: KernelFrame): Case {
  const tci = hex(vector.secured_frame)[14]!;
  return {
    name: `Linux: ${vector.name}`,
    cipher: 'gcm-aes-128',
    tci,
    sci: vector.sci,
    sa: saOf({ an: tci & AN_MASK, pn: BigInt(`0x${vector.iv.slice(16)}`) }, vector.key),
    clear: vector.clear_frame,
    secured: vector.secured_frame,
  };
}

/** The SecY whose frames have the vector's TCI. */
function configOf({ cipher, tci, sci, sa }: Case): MacsecConfig {
  return macsecConfig({
    cipher,
    encrypt: (tci & TCI_E) !== 0,
    sendSci: (tci & TCI_SC) !== 0,
    endStation: (tci & TCI_ES) !== 0,
    scb: (tci & TCI_SCB) !== 0,
    encodingSa: sa.an,
    txSa: [sa],
    rxSc: [rxScOf([sa], sci)],
  });
}

const cases = [...published.macsec_annex_c.map(annexC), ...published.linux_kernel_frames.map(kernelFrame)];

describe.each(PROVIDERS)(
  'published frames (802.1AE Annex C, Linux macsec), AEAD provider $name',
  (provider) => {
    it('are all there, those with numbers beyond 2^53 too', () => {
      expect(cases).toHaveLength(17);
      expect(cases.filter(({ sa }) => sa.pn > 2n ** 53n)).toHaveLength(7);
    });

    it.each(cases)('$name: the clear frame becomes the secured one', (vector) => {
      const site = new Site(configOf(vector), { provider, sci: vector.sci });
      expect(site.protect([hex(vector.clear)]).hex).toEqual([vector.secured]);
    });

    it.each(cases)('$name: the secured frame becomes the clear one', (vector) => {
      const site = new Site(configOf(vector), { provider });
      expect(site.validate([hex(vector.secured)]).hex).toEqual([vector.clear]);
      expect(site.counted[`RxSc.${vector.sci}.InPktsOK`]).toBe(1);
    });

    it('come out right when they share a batch with others', () => {
      const [vector] = cases;
      const site = new Site(configOf(vector!), { provider });
      const forged = hex(vector!.secured);
      forged[forged.length - 1]! ^= 1;
      const got = site.validate([forged, hex(vector!.secured), hex(vector!.secured)]).hex;
      expect(got).toEqual(['InPktsNotValid', vector!.clear, 'InPktsLate']);
    });
  },
);
