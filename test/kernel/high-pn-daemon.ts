/**
 * The daemon, but its first transmit SA begins a few hundred frames before three quarters of its packet numbers are used
 * up, which takes hours otherwise. A program of its own, so that the real one has no such switch.
 */
import { TunnelSaControl } from '../../src/tunnel/sa-control.ts';

const HIGH_PN = 0xc0000000n - 300n;

const { installTx } = TunnelSaControl.prototype;
let isFirst = true;

TunnelSaControl.prototype.installTx = function (sa) {
  const pn = isFirst ? HIGH_PN : sa.pn;
  isFirst = false;
  return installTx.call(this, { ...sa, pn });
};

await import('../../src/main.ts');
