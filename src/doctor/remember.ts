/** A host that is asked the same thing once: a hub has a thousand tunnels, and a run of the doctor is one moment. */
import type { Host } from './host.ts';

export function remembering(host: Host): Host {
  return {
    ...host,
    read: once((path) => host.read(path)),
    readLink: once((path) => host.readLink(path)),
    modeOf: once((path) => host.modeOf(path)),
    resolve: once((name) => host.resolve(name)),
    linkOf: once((address) => host.linkOf(address)),
    sourceTo: once((remote) => host.sourceTo(remote)),
    isLocalAddress: once((address) => host.isLocalAddress(address)),
    linkTo: onceOfTwo((local, remote) => host.linkTo(local, remote)),
    links: onceOnly(() => host.links()),
  };
}

function once<T>(ask: (what: string) => T): (what: string) => T {
  const known = new Map<string, T>();
  return (what) => {
    if (!known.has(what)) known.set(what, ask(what));
    return known.get(what)!;
  };
}

function onceOfTwo<T>(ask: (one: string, other: string) => T): (one: string, other: string) => T {
  const known = new Map<string, T>();
  return (one, other) => {
    const key = `${one} ${other}`;
    if (!known.has(key)) known.set(key, ask(one, other));
    return known.get(key)!;
  };
}

function onceOnly<T>(ask: () => T): () => T {
  let known: { readonly value: T } | null = null;
  return () => {
    known ??= { value: ask() };
    return known.value;
  };
}
