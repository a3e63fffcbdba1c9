/** Names to addresses: what is said of those that have none, and that they do not take all threads of libuv's pool. */
import { describe, expect, it } from 'vitest';
import { ASKED_AT_ONCE, type Lookup, NameResolver } from '../../../src/host/resolve-name.ts';

/** Questions that stay open until the test answers them. */
class SlowSystem {
  readonly open: (() => void)[] = [];
  most = 0;
  #asked = 0;

  readonly lookup: Lookup = async (name) => {
    this.most = Math.max(this.most, ++this.#asked);
    await new Promise<void>((resolve) => this.open.push(resolve));
    this.#asked--;
    return [name];
  };
}

const failing = (code: string): NameResolver =>
  new NameResolver(async () => {
    throw Object.assign(new Error(code), { code });
  });

describe('a host name', () => {
  it('is what the system says, /etc/hosts included', async () => {
    expect(await new NameResolver().resolve('localhost', 4)).toEqual(['127.0.0.1']);
  });

  it('of which there is none rejects with the reason', async () => {
    await expect(new NameResolver().resolve('no-such-name.invalid', 4)).rejects.toMatchObject({
      code: 'L2VPN_UNAVAILABLE',
      message: expect.stringMatching(/no such name, or it has no IPv4 address|no name server answers/),
    });
  });

  it.each<[string, 0 | 4 | 6, string]>([
    ['ENOTFOUND', 0, 'no such name, or it has no IP address'],
    ['ENOTFOUND', 6, 'no such name, or it has no IPv6 address'],
    ['EAI_AGAIN', 4, 'no name server answers'],
    ['EAI_FAIL', 4, 'the system says EAI_FAIL'],
  ])('%s, family %i: %s', async (code, family, message) => {
    await expect(failing(code).resolve('name', family)).rejects.toThrow(message);
  });

  it('waits while half of the threads wait for a name server, and goes on as they come back', async () => {
    const system = new SlowSystem();
    const resolver = new NameResolver(system.lookup);
    const all = ['a', 'b', 'c', 'd', 'e'].map((name) => resolver.resolve(name, 0));
    for (let i = 0; i < all.length; i++) {
      expect(system.open.length).toBe(Math.min(ASKED_AT_ONCE, all.length - i));
      system.open.shift()!();
      await all[i];
      // Who has waited asks now.
      await Promise.resolve();
    }
    expect(await Promise.all(all)).toEqual([['a'], ['b'], ['c'], ['d'], ['e']]);
    expect(system.most).toBe(ASKED_AT_ONCE);
  });
});
