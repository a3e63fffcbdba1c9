/** What a changed configuration asks of a running daemon: every field is live, restarts its tunnel, or is refused by its name. */
import { describe, expect, it } from 'vitest';
import { withKeyPrints } from '../../../src/config/key-prints.ts';
import type { Config } from '../../../src/config/types.ts';
import { changedNames, planReload, type ReloadPlan, restartedNames } from '../../../src/daemon/reload.ts';
import { CAK_256, mkaSample } from '../config/mka-sample.ts';
import { type Json, load, otherTunnel, sample } from '../config/sample.ts';

function plan(change: (file: Json) => void, start: Json = sample()): ReloadPlan {
  const after = structuredClone(start);
  change(after);
  return planReload(load(start), load(after));
}

/** What a plan does, without configurations and keys. */
function shape({ add, remove, replace, refit, macsec, logLevel, refused }: ReloadPlan): object {
  return {
    add: add.map(({ name }) => name),
    remove,
    replace: replace.map(({ config, keepsSas }) => (keepsSas ? `${config.name} with its SAs` : config.name)),
    refit: refit.map(({ name }) => name),
    macsec: macsec.map(({ name, keys }) => (keys ? `${name} keys` : name)),
    logLevel,
    refused: refused.map((text) => text.replace(/ cannot change while it runs; restart l2vpnd$/, '')),
  };
}

const NOTHING = { add: [], remove: [], replace: [], refit: [], macsec: [], logLevel: null, refused: [] };
const XPN = { ssci: 1, salt: '00'.repeat(12) };

function xpnSample(): Json {
  const file = sample();
  const { macsec } = file.tunnels[0];
  macsec.cipher = 'gcm-aes-xpn-128';
  Object.assign(macsec.txSa[0], XPN);
  Object.assign(macsec.rxSc[0].sa[0], XPN, { ssci: 2 });
  return file;
}

describe('what a reload does', () => {
  it('an unchanged file: nothing', () => {
    expect(shape(plan(() => {}))).toEqual(NOTHING);
  });

  const tunnel = (file: Json): Json => file.tunnels[0];

  it.each<[string, (file: Json) => void]>([
    ['tap.mtu', (file) => Object.assign(tunnel(file).tap, { mtu: 1300 })],
    ['tap.lanMtu', (file) => Object.assign(tunnel(file).tap, { lanMtu: 9000 })],
    ['tap.mssClamp', (file) => Object.assign(tunnel(file).tap, { mssClamp: 1200 })],
    ['tap.bridge', (file) => Object.assign(tunnel(file).tap, { bridge: 'br9' })],
    ['gre.local', (file) => Object.assign(tunnel(file).gre, { local: '9.9.9.9' })],
    ['gre.local auto', (file) => Object.assign(tunnel(file).gre, { local: 'auto' })],
    ['gre.remote', (file) => Object.assign(tunnel(file).gre, { remote: '9.9.9.9' })],
    ['gre.remote by name', (file) => Object.assign(tunnel(file).gre, { remote: 'hub.example.net' })],
    ['gre.encap', (file) => Object.assign(tunnel(file).gre, { encap: 'udp' })],
    ['gre.port', (file) => Object.assign(tunnel(file).gre, { encap: 'udp', port: 5000 })],
    ['gre.key', (file) => Object.assign(tunnel(file).gre, { key: 9 })],
    ['gre.checksum', (file) => Object.assign(tunnel(file).gre, { checksum: true })],
    ['gre.ttl', (file) => Object.assign(tunnel(file).gre, { ttl: 9 })],
    ['gre.tos', (file) => Object.assign(tunnel(file).gre, { tos: 8 })],
    ['gre.tos', (file) => Object.assign(tunnel(file).gre, { tos: 'inherit' })],
    ['gre.sourcePort', (file) => Object.assign(tunnel(file).gre, { encap: 'udp', sourcePort: 'flow' })],
    ['gre.df', (file) => Object.assign(tunnel(file).gre, { df: false })],
    ['gre.mtuProbeSeconds', (file) => Object.assign(tunnel(file).gre, { mtuProbeSeconds: 0 })],
  ])('%s: the tunnel restarts alone, and keeps its TAP', (_, change) => {
    const made = plan(change);
    expect(shape(made)).toEqual({ ...NOTHING, refit: ['site2'] });
    const [now] = made.effective.tunnels;
    expect(made.refit[0]).toEqual({ name: 'site2', tap: now!.tap, gre: now!.gre });
    expect(restartedNames(made)).toEqual(['site2']);
    expect(changedNames(made)).toEqual([]);
  });

  it.each<[string, boolean, (file: Json) => void]>([
    ['tap.ifname', true, (file) => Object.assign(tunnel(file).tap, { ifname: 'macsec9' })],
    ['tap.mac', true, (file) => Object.assign(tunnel(file).tap, { mac: '00:00:00:99:99:99' })],
    ['tap.queues', true, (file) => Object.assign(tunnel(file).tap, { queues: 2 })],
    [
      'tap.carrier',
      true,
      (file) => {
        tunnel(file).tap.carrier = 'peer';
        tunnel(file).keepalive = {};
      },
    ],
    ['tap.carrierDelayMs', true, (file) => Object.assign(tunnel(file).tap, { carrierDelayMs: 5 })],
    ['keepalive', true, (file) => Object.assign(tunnel(file), { keepalive: {} })],
    ['macsec.icvLen', true, (file) => Object.assign(tunnel(file).macsec, { icvLen: 12 })],
    ['macsec.port', true, (file) => Object.assign(tunnel(file).macsec, { port: 9 })],
    ['macsec (on or off)', false, (file) => Object.assign(tunnel(file), { macsec: null })],
  ])('%s: another tunnel takes its place', (_, keepsSas, change) => {
    const made = plan(change);
    expect(shape(made)).toEqual({ ...NOTHING, replace: [keepsSas ? 'site2 with its SAs' : 'site2'] });
    expect(made.replace[0]!.config).toEqual(made.effective.tunnels[0]);
    expect(restartedNames(made)).toEqual(['site2']);
  });

  it.each<[string, Json]>([
    ['crypto', 'node'],
    ['workers', 2],
    ['stateDir', '/elsewhere'],
    ['controlSocket', '/elsewhere.sock'],
    ['metrics', { listen: '127.0.0.1:9999' }],
  ])('%s is refused by its name, and stays as it was', (key, value) => {
    const made = plan((file) => Object.assign(file, { [key]: value }));
    expect(shape(made)).toEqual({ ...NOTHING, refused: [key] });
    expect(made.effective).toEqual(load(sample()));
  });

  it('peerTimeoutSeconds changes while it runs, and nothing else does', () => {
    const made = plan((file) => Object.assign(tunnel(file), { peerTimeoutSeconds: 30 }));
    expect(shape(made)).toEqual(NOTHING);
    expect(made.peerTimeouts).toEqual([{ name: 'site2', seconds: 30 }]);
    expect(changedNames(made)).toEqual(['site2']);
    expect(made.effective.tunnels[0]).toMatchObject({ peerTimeoutSeconds: 30 });
  });

  it('another cipher comes with its keys, once', () => {
    const start = sample();
    const wanted = structuredClone(start);
    const { macsec } = wanted.tunnels[0];
    macsec.cipher = 'gcm-aes-256';
    for (const sa of [macsec.txSa[0], macsec.rxSc[0].sa[0]]) sa.key += sa.key;
    const first = planReload(load(start), load(wanted));
    expect(shape(first)).toEqual({ ...NOTHING, replace: ['site2'] });
    expect(shape(planReload(first.effective, load(wanted)))).toEqual(NOTHING);
  });

  it('another cipher with the keys of the one before takes the SAs of the file', () => {
    const made = planReload(load(sample()), load(xpnSample()));
    expect(shape(made)).toEqual({ ...NOTHING, replace: ['site2'] });
  });

  it.each<[string, Json]>([
    ['protect', false],
    ['encrypt', false],
    ['validate', 'check'],
    ['replayProtect', false],
    ['replayWindow', 64],
    ['replayBitmap', false],
    ['sendSci', false],
  ])('macsec.%s changes while it runs; keys stay what they are', (key, value) => {
    const made = plan((file) => Object.assign(tunnel(file).macsec, { [key]: value }));
    expect(shape(made)).toEqual({ ...NOTHING, macsec: ['site2'] });
    expect(made.macsec[0]?.config).toMatchObject({ [key]: value });
    expect(made.effective.tunnels[0]?.macsec).toMatchObject({ [key]: value });
  });

  it.each(['endStation', 'scb'])('macsec.%s changes while it runs', (key) => {
    const made = plan((file) => Object.assign(tunnel(file).macsec, { sendSci: false, [key]: true }));
    expect(shape(made)).toEqual({ ...NOTHING, macsec: ['site2'] });
  });

  it.each<[string, (macsec: Json) => void]>([
    ['another key', (macsec) => Object.assign(macsec.txSa[0], { key: '99'.repeat(16) })],
    ['another key of the peer', (macsec) => Object.assign(macsec.rxSc[0].sa[0], { key: '99'.repeat(16) })],
    ['another keyId', (macsec) => Object.assign(macsec.txSa[0], { keyId: '99' })],
    ['another pn', (macsec) => Object.assign(macsec.txSa[0], { pn: 99 })],
    ['an SA switched off', (macsec) => Object.assign(macsec.rxSc[0].sa[0], { active: false })],
    ['a channel switched off', (macsec) => Object.assign(macsec.rxSc[0], { active: false })],
    ['an SA more', (macsec) => macsec.txSa.push({ an: 1, key: '99'.repeat(16) })],
    ['an SA of the peer more', (macsec) => macsec.rxSc[0].sa.push({ an: 1, key: '99'.repeat(16) })],
    ['a peer more', (macsec) => macsec.rxSc.push({ sci: '0000009999990001', sa: [] })],
    ['no peer', (macsec) => Object.assign(macsec, { rxSc: [] })],
    [
      'another encodingSa',
      (macsec) => {
        macsec.txSa[0].an = 1;
        macsec.encodingSa = 1;
      },
    ],
  ])('%s: the SAs of the file take the place of those that run', (_, change) => {
    expect(shape(plan((file) => change(tunnel(file).macsec)))).toEqual({
      ...NOTHING,
      macsec: ['site2 keys'],
    });
  });

  it.each(['ssci', 'salt'])('another %s is another SA', (key) => {
    const value = key === 'ssci' ? 7 : '77'.repeat(12);
    const made = plan((file) => Object.assign(tunnel(file).macsec.txSa[0], { [key]: value }), xpnSample());
    expect(shape(made)).toEqual({ ...NOTHING, macsec: ['site2 keys'] });
  });

  it('log.level changes', () => {
    expect(shape(plan((file) => Object.assign(file, { log: { level: 'debug' } })))).toEqual({
      ...NOTHING,
      logLevel: 'debug',
    });
  });

  it('tunnels come and go by their names', () => {
    const both = { tunnels: [...sample().tunnels, otherTunnel()] };
    const come = plan((file) => file.tunnels.push(otherTunnel()));
    expect(shape(come)).toEqual({ ...NOTHING, add: ['site3'] });
    expect(come.effective).toEqual(load(both));
    const go = plan((file) => file.tunnels.shift(), both);
    expect(shape(go)).toEqual({ ...NOTHING, remove: ['site2'] });
    expect(go.effective.tunnels.map(({ name }) => name)).toEqual(['site3']);
  });

  it('a tunnel with another name is another tunnel', () => {
    expect(shape(plan((file) => Object.assign(tunnel(file), { name: 'renamed' })))).toEqual({
      ...NOTHING,
      add: ['renamed'],
      remove: ['site2'],
    });
  });

  it('the order of tunnels does not matter', () => {
    const both = { tunnels: [...sample().tunnels, otherTunnel()] };
    expect(shape(plan((file) => file.tunnels.reverse(), both))).toEqual(NOTHING);
  });

  it('all kinds of changes at once', () => {
    const made = plan((file) => {
      tunnel(file).gre.ttl = 3;
      tunnel(file).macsec.validate = 'check';
      file.tunnels.push(otherTunnel());
      file.crypto = 'node';
    });
    expect(shape(made)).toEqual({
      ...NOTHING,
      add: ['site3'],
      refit: ['site2'],
      macsec: ['site2'],
      refused: ['crypto'],
    });
    expect(made.effective.tunnels[0]).toMatchObject({ gre: { ttl: 3 }, macsec: { validate: 'check' } });
  });

  it('has an answer for every field that there is', () => {
    const config: Config = load(sample());
    expect(Object.keys(config).sort()).toEqual(
      [
        'tunnels',
        'crypto',
        'workers',
        'stateDir',
        'stateMayBeLost',
        'controlSocket',
        'metrics',
        'log',
      ].sort(),
    );
    expect(Object.keys(config.tunnels[0]?.tap ?? {}).sort()).toEqual(
      ['ifname', 'mac', 'mtu', 'lanMtu', 'mssClamp', 'bridge', 'queues', 'carrier', 'carrierDelayMs'].sort(),
    );
    expect(Object.keys(config.tunnels[0]?.macsec ?? {}).sort()).toEqual(
      [
        ...['cipher', 'protect', 'encrypt', 'validate', 'sendSci', 'endStation', 'scb', 'icvLen', 'port'],
        ...['encodingSa', 'replayProtect', 'replayWindow', 'replayBitmap', 'txSa', 'rxSc'],
      ].sort(),
    );
  });
});

describe('key agreement', () => {
  const mka = (file: Json): Json => file.tunnels[0].macsec.mka;
  const fallback = { ckn: '01', cak: '7c'.repeat(16) };

  it('an unchanged file: nothing, also beside prints of its keys', () => {
    const start = load(mkaSample({ fallback }));
    expect(shape(planReload(withKeyPrints(start), load(mkaSample({ fallback }))))).toEqual(NOTHING);
  });

  it.each<[string, Json]>([
    ['cak', CAK_256],
    ['ckn', '0102'],
    ['priority', 1],
    ['helloMs', 200],
    ['lifeMs', 9000],
    ['rekeySeconds', 60],
    ['peerLoss', 'keep'],
    ['icvIndicator', false],
    ['fallback', null],
    ['fallback', { ...fallback, ckn: '02' }],
    ['fallback', { ...fallback, cak: CAK_256 }],
  ])('%s changes its tunnel, with the new value', (key, value) => {
    const made = plan((file) => Object.assign(mka(file), { [key]: value }), mkaSample({ fallback }));
    expect(shape(made)).toEqual({ ...NOTHING, macsec: ['site2 keys'] });
    const expected = load(mkaSample({ fallback, [key]: value })).tunnels[0]!.mka;
    expect(made.macsec[0]!.filed.now.mka).toEqual(expected);
    expect(made.effective.tunnels[0]!.mka).toEqual(expected);
  });

  it('a setting of the SecY leaves the agreement alone', () => {
    const made = plan((file) => Object.assign(file.tunnels[0].macsec, { replayWindow: 9 }), mkaSample());
    expect(shape(made)).toEqual({ ...NOTHING, macsec: ['site2'] });
  });

  it('in the place of static keys, and back: another tunnel takes the place of this one', () => {
    for (const [from, to] of [
      [sample(), mkaSample()],
      [mkaSample(), sample()],
    ]) {
      const made = planReload(load(from), load(to));
      expect(shape(made)).toEqual({ ...NOTHING, replace: ['site2'] });
      expect(made.effective).toEqual(load(to));
    }
  });
});
