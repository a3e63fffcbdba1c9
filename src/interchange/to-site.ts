/** The links of a kernel as a configuration: one tunnel per `gretap`, with the `macsec` on it. */
import { defaultMacsec } from '../macsec/config.ts';
import { pnToJson } from '../macsec/pn-json.ts';
import type {
  FoundGre,
  FoundKey,
  FoundLink,
  FoundMacsec,
  FoundRxSc,
  FoundSa,
  FoundVlan,
  KernelSite,
  Remark,
  Say,
} from './kernel-site.ts';
import { remark, shown } from './kernel-site.ts';
import { stationOf } from './stations.ts';

/** A key that the source shows, and the file that the configuration names for it. */
export interface KeyToWrite {
  readonly file: string;
  readonly hex: string;
}

export interface SiteDraft {
  /** The shape of a configuration file. */
  readonly json: { readonly tunnels: readonly object[] };
  readonly keys: readonly KeyToWrite[];
  /** Key files that the configuration names and that nobody has yet: the source does not show these keys. */
  readonly missing: readonly string[];
  readonly remarks: readonly Remark[];
}

export interface DraftOptions {
  /** Keys stand in the configuration itself. */
  readonly inlineKeys: boolean;
  /** What the names of key files begin with. */
  readonly prefix: string;
}

/** A `gretap` with what is on it. */
export interface KernelTunnel {
  readonly gre: FoundLink & { gre: FoundGre };
  readonly macsec: (FoundLink & { macsec: FoundMacsec }) | null;
}

/** Octets of SecTAG and EtherType, which the kernel always counts in full. */
const SECTAG_LEN = 16;

export function tunnelsOf({ links }: KernelSite): KernelTunnel[] {
  const all = [...links.values()];
  return all.filter(isGre).map((gre) => ({
    gre,
    macsec: all.filter(isMacsec).find(({ below }) => below === gre.name) ?? null,
  }));
}

function isGre(link: FoundLink): link is FoundLink & { gre: FoundGre } {
  return link.gre !== null;
}

function isMacsec(link: FoundLink): link is FoundLink & { macsec: FoundMacsec } {
  return link.macsec !== null;
}

/** `others`: further sites of the same source, where the other end may be. */
export function siteDraft(site: KernelSite, others: readonly KernelSite[], options: DraftOptions): SiteDraft {
  const draft = new Draft(site, options);
  const peers = others.flatMap(tunnelsOf);
  const tunnels = tunnelsOf(site).flatMap((tunnel) => draft.tunnel(tunnel, peers) ?? []);
  draft.sayOthers(tunnelsOf(site));
  return { json: { tunnels }, keys: draft.keys, missing: draft.missing, remarks: draft.remarks };
}

class Draft {
  readonly keys: KeyToWrite[] = [];
  readonly missing: string[] = [];
  readonly remarks: Remark[] = [];
  readonly #site: KernelSite;
  readonly #options: DraftOptions;

  constructor(site: KernelSite, options: DraftOptions) {
    this.#site = site;
    this.#options = options;
  }

  /** Null: l2vpnd can have no such tunnel, which is told. */
  tunnel({ gre, macsec }: KernelTunnel, peers: readonly KernelTunnel[]): object | null {
    const top = macsec ?? gre;
    const outer = this.#gre(gre, macsec !== null);
    if (outer === null) return null;
    const own = macsec === null ? null : this.#ownSci(macsec, gre, peers);
    return {
      name: tunnelName(top.name),
      tap: { ifname: top.name, ...this.#mac(top, own), ...this.#mtu(gre, macsec), ...this.#port(top) },
      gre: outer,
      macsec: macsec === null ? null : this.#macsec(macsec, own),
    };
  }

  /** Links that are no part of a tunnel, in one line. */
  sayOthers(tunnels: readonly KernelTunnel[]): void {
    const taken = new Set(tunnels.flatMap(({ gre, macsec }) => [gre.name, macsec?.name]));
    const others = [...this.#site.links.values()].filter(({ name }) => !taken.has(name));
    for (const { name, below } of others.filter(isMacsec)) {
      const more = taken.has(below ?? undefined)
        ? 'is the second on it, and a tunnel has one SecY'
        : 'is no gretap';
      this.#say(name, `is left out: ${below ?? 'what it is on'} ${more}`);
    }
    const names = others.filter(
      ({ macsec, kind }) => macsec === null && kind !== 'bridge' && kind !== 'unknown',
    );
    if (names.length === 0 || this.#site.isListing) return;
    const list = names.map(({ name, kind }) => `${name} (${kind})`).join(', ');
    this.#say('other links', `are no part of a tunnel and stay as they are: ${list}`);
  }

  readonly #say: Say = (where, text) => {
    this.remarks.push(remark(where, text));
  };

  #gre({ name, gre }: FoundLink & { gre: FoundGre }, isSecured: boolean): object | null {
    if (gre.remote === null) {
      this.#say(name, 'is left out: it has no remote address');
      return null;
    }
    if (gre.encap !== null && (gre.encap.type !== 'fou' || gre.encap.port === 0)) {
      this.#say(
        name,
        `is left out: l2vpnd has "encap fou" with a port, which is RFC 8086, and not ${shown(gre.encap.type)}`,
      );
      return null;
    }
    if (gre.local === null)
      this.#say(name, 'has no local address: "local": "auto" takes that of the route to the peer');
    return {
      local: gre.local ?? 'auto',
      remote: gre.remote,
      ...this.#encap(name, gre),
      ...this.#greKey(name, gre),
      ...this.#checksum(name, gre),
      ...this.#ttl(name, gre, isSecured),
      ...this.#tos(name, gre, isSecured),
      ...(gre.pmtudisc ? {} : { df: false }),
    };
  }

  #encap(name: string, { encap }: FoundGre): object {
    if (encap === null) return {};
    const { port, sourcePort } = encap;
    const { fouPorts } = this.#site;
    if (fouPorts.size > 0 && !fouPorts.has(port)) {
      const heard = [...fouPorts].join(', ');
      this.#say(
        name,
        `sends to port ${port} and hears port ${heard}: l2vpnd has one port for both, which is now ${port}`,
      );
    }
    if (sourcePort !== 'auto' && sourcePort !== port)
      this.#say(
        name,
        `encap-sport ${sourcePort} is left out: l2vpnd sends from the port that it hears, ${port}`,
      );
    return {
      ...{ encap: 'udp' },
      ...(port === 4754 ? {} : { port }),
      ...(sourcePort === 'auto' ? { sourcePort: 'flow' } : {}),
    };
  }

  #greKey(name: string, { inKey, outKey }: FoundGre): object {
    if (inKey !== outKey)
      this.#say(name, 'has another GRE key for each direction: l2vpnd has one, which is now that of okey');
    return outKey === null ? {} : { key: outKey };
  }

  #checksum(name: string, { inChecksum, outChecksum }: FoundGre): object {
    if (inChecksum !== outChecksum)
      this.#say(
        name,
        'has the GRE checksum in one direction: l2vpnd has it in both or none, which is now that of ocsum',
      );
    return outChecksum ? { checksum: true } : {};
  }

  #ttl(name: string, { ttl }: FoundGre, isSecured: boolean): object {
    if (ttl === 'inherit') {
      // Below a SecTAG the kernel sees no IP packet, and takes 64 as we do.
      if (!isSecured) this.#say(name, 'ttl inherit is left out: outer packets have a TTL of 64');
      return {};
    }
    return ttl === 64 ? {} : { ttl };
  }

  #tos(name: string, { tos }: FoundGre, isSecured: boolean): object {
    if (tos === 'inherit' && isSecured) {
      this.#say(
        name,
        'tos inherit is left out: below a macsec the kernel sends 0 whatever the inner packet has, and l2vpnd would not',
      );
      return {};
    }
    return tos === 0 ? {} : { tos };
  }

  /** What the peer has to know us by; null where nothing tells. */
  #ownSci(
    link: FoundLink & { macsec: FoundMacsec },
    { gre }: { gre: FoundGre },
    peers: readonly KernelTunnel[],
  ): string | null {
    if (link.macsec.sci !== null) return link.macsec.sci;
    if (link.mac !== null)
      return link.mac.replaceAll(':', '') + link.macsec.port.toString(16).padStart(4, '0');
    const far = peers.find((peer) => peer.gre.gre.local === gre.remote && peer.gre.gre.remote === gre.local);
    const expected = far?.macsec?.macsec.rxSc;
    if (expected?.length === 1) return expected[0]!.sci;
    this.#say(
      link.name,
      'has a random MAC address: set "tap.mac" to the address that the peer receives from (its "rx … address")',
    );
    return null;
  }

  #mac(top: FoundLink, sci: string | null): object {
    const ofSci = sci === null ? null : stationOf(sci).mac;
    if (ofSci !== null && top.mac !== null && top.mac !== ofSci)
      this.#say(top.name, `has the address ${top.mac}, but the SCI of ${ofSci}: the TAP has that of the SCI`);
    const mac = ofSci ?? top.mac;
    return mac === null ? {} : { mac };
  }

  #mtu(gre: FoundLink, macsec: (FoundLink & { macsec: FoundMacsec }) | null): object {
    if (macsec === null) return gre.mtu === null ? {} : { mtu: gre.mtu };
    const mtu = macsec.mtu ?? (gre.mtu === null ? null : gre.mtu - SECTAG_LEN - macsec.macsec.icvLen);
    return mtu === null ? {} : { mtu };
  }

  #port({ name, master, port, hasAddresses }: FoundLink): object {
    if (hasAddresses)
      this.#say(name, 'has IP addresses: l2vpnd gives its TAP none; that is left to who gave them');
    if (master === null) return {};
    const kind = this.#site.links.get(master)?.kind;
    if (kind !== undefined && kind !== 'bridge' && kind !== 'unknown') {
      this.#say(name, `belongs to ${master}, which is a ${kind} and no bridge: left out`);
      return {};
    }
    const { isolated, cost, priority, vlans } = port;
    return {
      bridge: master,
      ...(isolated ? { isolated } : {}),
      ...(cost === null && priority === null
        ? {}
        : { stp: { ...(cost === null ? {} : { cost }), ...(priority === null ? {} : { priority }) } }),
      ...(vlans.length === 0 ? {} : { vlans: vlans.map(vlanJson) }),
    };
  }

  #macsec({ name, macsec }: FoundLink & { macsec: FoundMacsec }, own: string | null): object {
    const port = own === null ? macsec.port : stationOf(own).port;
    if (!macsec.encrypt && macsec.protect)
      this.#say(
        name,
        'has encrypt off, as the kernel does where nothing is said: frames are authenticated but readable',
      );
    if (!macsec.replay)
      this.#say(
        name,
        'has replay off, as the kernel does where nothing is said: "replayProtect": true drops repeated frames, whatever the peer does',
      );
    if (macsec.txSa.length > 0)
      this.#say(
        name,
        'a packet number may never be used twice with a key: if the kernel has sent with these keys, take new ones at both ends ("l2vpnd genkey --sak")',
      );
    return {
      ...differing({
        ...{
          cipher: macsec.cipher,
          protect: macsec.protect,
          encrypt: macsec.encrypt,
          validate: macsec.validate,
        },
        ...{ sendSci: macsec.sendSci, endStation: macsec.endStation, scb: macsec.scb, icvLen: macsec.icvLen },
        ...{ port, encodingSa: macsec.encodingSa, replayProtect: macsec.replay },
        ...(macsec.replay ? { replayWindow: macsec.window } : {}),
      }),
      txSa: macsec.txSa.map((sa) => this.#sa(sa, name, `tx${sa.an}`)),
      rxSc: macsec.rxSc.map((sc) => this.#rxSc(sc, name, macsec.rxSc.length)),
    };
  }

  #rxSc({ sci, active, sa }: FoundRxSc, name: string, channels: number): object {
    const { mac, port } = stationOf(sci);
    const of = channels === 1 ? '' : `-${sci}`;
    return {
      ...(isStation(mac) ? { mac, ...(port === 1 ? {} : { port }) } : { sci }),
      ...(active ? {} : { active }),
      sa: sa.map((one) => this.#sa(one, name, `rx${of}${of === '' ? '' : '-'}${one.an}`)),
    };
  }

  #sa(sa: FoundSa, name: string, use: string): object {
    if (!sa.active)
      this.#say(
        name,
        `SA ${sa.an} of ${use.startsWith('tx') ? 'tx' : 'rx'} is off, as the kernel has it where "on" is not said`,
      );
    return {
      an: sa.an,
      ...(sa.pn === 1n ? {} : { pn: pnToJson(sa.pn) }),
      ...(sa.keyId === null ? {} : { keyId: sa.keyId }),
      ...this.#key(sa.key, `${this.#options.prefix}${tunnelName(name)}-${use}.key`),
      ...(sa.active ? {} : { active: false }),
      ...(sa.ssci === null ? {} : { ssci: sa.ssci }),
      ...(sa.salt === null ? {} : { salt: sa.salt }),
    };
  }

  #key(key: FoundKey, file: string): object {
    if (key !== null && 'file' in key) return { keyFile: key.file };
    if (key === null) this.missing.push(file);
    else if (this.#options.inlineKeys) return { key: key.hex };
    else this.keys.push({ file, hex: key.hex });
    return { keyFile: file };
  }
}

/** What is not as it is by default. */
function differing(settings: Readonly<Record<string, unknown>>): object {
  const defaults: Readonly<Record<string, unknown>> = { ...defaultMacsec };
  return Object.fromEntries(Object.entries(settings).filter(([name, value]) => value !== defaults[name]));
}

/** Not all zero, and no group. */
function isStation(mac: string): boolean {
  return !/^[0:]+$/.test(mac) && (Number.parseInt(mac, 16) & 1) === 0;
}

function vlanJson({ first, last, pvid, untagged }: FoundVlan): unknown {
  const vid = first === last ? first : `${first}-${last}`;
  return pvid || untagged ? { vid, ...(pvid ? { pvid } : {}), ...(untagged ? { untagged } : {}) } : vid;
}

/** A name that a tunnel may have, of a device's. */
function tunnelName(device: string): string {
  const name = device.replace(/[^A-Za-z0-9._-]/g, '-');
  return /^[A-Za-z0-9]/.test(name) ? name : `t${name}`;
}
