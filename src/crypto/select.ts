/** Which AEAD provider does the work (`crypto` in the configuration), and why. */
import { L2vpnError } from '../errors.ts';
import { loadAddon } from '../native/load.ts';
import type { AeadProvider } from './aead.ts';
import { batchProvider } from './batch-provider.ts';
import { nodeProvider } from './node-provider.ts';
import { selfTest } from './self-test.ts';

export interface AeadChoice {
  readonly provider: AeadProvider;
  /** For the log and `show`. */
  readonly reason: string;
}

/**
 * `auto` takes `batch` when it is there and has just reproduced the published vectors, else `node`. Asked for
 * by name, a provider that fails its self-test is an error (`L2VPN_UNAVAILABLE`), never replaced in silence.
 */
export function selectProvider(wanted: 'auto' | 'node' | 'batch'): AeadChoice {
  if (wanted === 'node') return tested(nodeProvider, 'crypto: "node" was asked for');
  const addon = loadAddon();
  const batch = batchProvider(addon);
  const fault = batch === null ? addon.opensslFault() : selfTest(batch);
  if (batch !== null && fault === null) {
    return { provider: batch, reason: 'self-test passed: published vectors, and equal to node:crypto' };
  }
  if (wanted === 'batch') {
    throw new L2vpnError(
      'L2VPN_UNAVAILABLE',
      `crypto: "batch" cannot be used (${fault}); use "auto" or "node"`,
    );
  }
  return tested(nodeProvider, `"batch" cannot be used: ${fault}`);
}

/** The provider of a worker, which the main thread has chosen; tested once more, since a thread has an addon of its own. */
export function providerNamed(name: AeadProvider['name']): AeadProvider {
  if (name === 'node') return nodeProvider;
  const batch = batchProvider(loadAddon());
  if (batch === null) throw new L2vpnError('L2VPN_INTERNAL', 'AEAD provider "batch" is gone');
  return tested(batch, 'chosen by the main thread').provider;
}

function tested(provider: AeadProvider, reason: string): AeadChoice {
  const fault = selfTest(provider);
  if (fault === null) return { provider, reason };
  throw new L2vpnError('L2VPN_UNAVAILABLE', `AEAD self-test of "${provider.name}" failed: ${fault}`);
}
