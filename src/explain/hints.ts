/** What more can be found out about a frame that was refused: the rule that it breaks, the key that would fit. */
import { isXpn } from '../crypto/cipher-suite.ts';
import { Drop } from '../frame/drop.ts';
import type { MacsecConfig, RxScConfig, SaConfig } from '../macsec/config.ts';
import { AN_MASK, checkSecTag, SecTagFault, tciAt } from '../wire/sectag.ts';
import { Bench, createReceiver } from './receiver.ts';
import { sciAt } from './which-tunnel.ts';

/** 802.1AE 9.12, by fault. */
const TAG_FAULT_TEXT: Record<SecTagFault, string> = {
  [SecTagFault.None]: 'the SecTAG is sound',
  [SecTagFault.Short]: 'the frame ends inside the SecTAG',
  [SecTagFault.Version]: 'V is set: another version of MACsec (9.12 c)',
  [SecTagFault.Sci]: 'SC is set together with ES or SCB (9.12 d)',
  [SecTagFault.ShortLength]: 'bits 7 and 8 of the SL octet are set (9.12 e)',
  [SecTagFault.PacketNumber]: 'the PN is 0, which is never used (9.8)',
  [SecTagFault.Length]: 'the length is not what SL says: a frame was padded or cut (9.12 f to i)',
};

/** What else can be said of a refused frame. */
export function hintsOf(drop: Drop, frame: Buffer, macsec: MacsecConfig): string[] {
  if (drop === Drop.InPktsBadTag) {
    const fault = checkSecTag(frame, 0, frame.length, macsec.icvLen, isXpn(macsec.cipher));
    return [TAG_FAULT_TEXT[fault]];
  }
  if (drop === Drop.InPktsNoSci) {
    const known = macsec.rxSc.map((sc) => sc.sci).join(', ') || 'none';
    return [`the frame has SCI ${sciAt(frame) ?? 'of its source MAC'}; configured are ${known}`];
  }
  if (drop === Drop.InPktsNotValid || drop === Drop.InPktsNotUsingSa) {
    const hints = keyHints(frame, macsec);
    return isXpn(macsec.cipher)
      ? [...hints, 'the upper half of the PN was taken from the pn of the configuration']
      : hints;
  }
  return [];
}

/** Is the ICV right with another key of the configuration, or would any do? */
function keyHints(frame: Buffer, macsec: MacsecConfig): string[] {
  const [an, sci] = [tciAt(frame, 0) & AN_MASK, sciAt(frame)];
  const channel = macsec.rxSc.find((sc) => sc.sci === sci) ?? macsec.rxSc[0];
  if (channel === undefined) return [];
  const candidates: [string, SaConfig][] = [
    ...macsec.txSa.map((sa, i): [string, SaConfig] => [`txSa[${i}]`, sa]),
    ...macsec.rxSc.flatMap((sc, i) => sc.sa.map((sa, j): [string, SaConfig] => [`rxSc[${i}].sa[${j}]`, sa])),
  ];
  return candidates
    .filter(([, sa]) => opensWith(frame, macsec, channel, { ...sa, an, active: true }))
    .map(
      ([where, sa]) =>
        `the ICV is right with ${where}, key ${sa.keyId}: is it in the wrong place at one end?`,
    );
}

function opensWith(frame: Buffer, macsec: MacsecConfig, channel: RxScConfig, sa: SaConfig): boolean {
  const rxSc = [{ ...channel, active: true, sa: [sa] }];
  const secy = createReceiver({ ...macsec, validate: 'strict', replayProtect: false, rxSc });
  const bench = new Bench(frame.length);
  bench.put(frame);
  bench.validate(secy);
  secy.keyring.close();
  return bench.batch.verdict[0] === 0;
}
