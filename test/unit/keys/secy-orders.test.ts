/** What a KaY orders reaches the SecY as it should: fresh SAs without a disk, encryption as the key server wants it, floors. */
import { createSecretKey } from 'node:crypto';
import { expect, it } from 'vitest';
import type { SakSa } from '../../../src/keys/mka/seams.ts';
import { ordersOver } from '../../../src/keys/secy-orders.ts';
import { PnBlock } from '../../../src/macsec/packet-number.ts';
import { TunnelSaControl } from '../../../src/tunnel/sa-control.ts';
import { SecyControl } from '../../../src/tunnel/secy-control.ts';
import { macsecConfig } from '../macsec/kit.ts';
import { MemoryLanes, MemoryState, OWN_SCI } from '../tunnel/kit.ts';

const PEER = '0000002222220001';

function opened() {
  const [lanes, state] = [new MemoryLanes(), new MemoryState()];
  const secy = new SecyControl(macsecConfig(), OWN_SCI, state, lanes);
  return { lanes, state, secy, orders: ordersOver(new TunnelSaControl(secy)) };
}

function sakOf(an: number, octet: number, encrypt = true): SakSa {
  const sak = createSecretKey(Buffer.alloc(16, octet));
  return { an, sak, keyId: `0${octet}`.repeat(16), ssci: null, salt: null, encrypt };
}

it('SAs begin at packet number 1, and no disk hears of them', async () => {
  const { lanes, state, orders } = opened();
  await orders.installRx(PEER, sakOf(0, 1));
  await orders.installTx(sakOf(0, 1));
  await orders.transmitWith(0);
  expect(orders.nextPn(0)).toBe(1n);
  const share = lanes.specs.at(-1)!.txShare[0]!.pn!;
  const block = new PnBlock(share, 10, false);
  expect([block.available() > 0, block.take(), orders.nextPn(0) > 1n]).toEqual([true, 1, true]);
  await orders.retireTx(0);
  expect([state.log, orders.nextPn(0)]).toEqual([[], 1n]);
  expect(lanes.specs.at(-1)!.config).toMatchObject({ txSa: [], rxSc: [{ sci: PEER, sa: [{ an: 0 }] }] });
});

it('what is sent is encrypted or not as the SAK in use says, from the step on that moves to it', async () => {
  const { lanes, orders } = opened();
  await orders.installTx(sakOf(0, 1, false));
  await orders.transmitWith(0);
  await orders.installTx(sakOf(1, 2, true));
  await orders.transmitWith(1);
  expect(lanes.specs.map(({ config }) => config.encrypt)).toEqual([true, false, false, true]);
});

it('a lowest packet number reaches the lanes with its SA, and is never lowered; that of an SA that has gone is nothing', async () => {
  const { lanes, orders } = opened();
  await orders.installRx(PEER, sakOf(0, 1));
  await orders.raiseLowestPn(PEER, 0, 500n);
  await orders.raiseLowestPn(PEER, 0, 400n);
  expect(lanes.specs.at(-1)!.rxShare[0]![0]).toMatchObject({ lowestPn: 500n });
  await orders.removeRxSc(PEER);
  await orders.raiseLowestPn(PEER, 0, 600n);
  expect(lanes.specs.at(-1)!.rxShare).toEqual([]);
});
