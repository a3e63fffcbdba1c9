/**
 * A wpa_supplicant in the guest, with driver macsec_linux: the other end of a key agreement.
 *
 *     const peer = await Supplicant.start(guest, { release: 'sid', ifname: 'tun0', macsec: 'macsec0', ckn, cak });
 *     await peer.until((status) => status.secured);
 *     await peer.stop();
 *
 * The macsec device is made beforehand, so that its name is known and it may join a bridge; the driver takes it ("link
 * already exists, using it"). Each start makes a new one: what a killed process has left in the old one ("Object exists")
 * the next would stumble over, and 2.11 takes it away when it ends. The device below has a MAC address that somebody has
 * set: it is the SCI.
 */
import { vi } from 'vitest';
import type { Guest } from './guest.ts';
import { parseShow, type ShownSecY } from './macsec-show.ts';
import type { Release } from './supplicant-files.ts';

export interface SupplicantSetup {
  release: Release;
  /** The device below, whose MAC address is that of the SCI, and the macsec device on it. */
  ifname: string;
  macsec: string;
  /** The macsec device joins it. */
  bridge?: string;
  /** Network namespace of the guest that all are in. */
  netns?: string;
  /** Hex. */
  ckn: string;
  cak: string;
  /** Default 255, as wpa_supplicant has it. */
  priority?: number;
  /** Port of the SCI. Default 1. */
  port?: number;
  integrityOnly?: boolean;
  /** Null: no replay protection. */
  replayWindow?: number | null;
  /** `gcm-aes-256` only with release `sid`. */
  cipher?: 'gcm-aes-128' | 'gcm-aes-256';
}

export interface SupplicantStatus {
  secured: boolean;
  isKeyServer: boolean;
  livePeers: number;
  /** The own member identifier, 24 hex digits; empty before the first hello. */
  mi: string;
  /** All that `wpa_cli status` prints. */
  all: ReadonlyMap<string, string>;
}

/** What its protocol takes at most: a life time and a tick of 2 s, and the slowness of an emulated CPU. */
const PATIENCE_MS = 30_000;
const LOOK_EVERY_MS = 200;

export class Supplicant {
  readonly setup: SupplicantSetup;
  readonly #guest: Guest;
  readonly #dir: string;

  private constructor(guest: Guest, setup: SupplicantSetup) {
    this.#guest = guest;
    this.setup = setup;
    this.#dir = `/run/wpa-${setup.netns ?? 'main'}-${setup.ifname}`;
  }

  /** Resolves when its control interface answers. */
  static async start(guest: Guest, setup: SupplicantSetup): Promise<Supplicant> {
    const supplicant = new Supplicant(guest, setup);
    await supplicant.#configure();
    await supplicant.start();
    return supplicant;
  }

  /** After `stop` or `kill`: a new process on a new macsec device, with a new member identifier. */
  async start(): Promise<void> {
    await this.#makeDevice();
    const { release, ifname } = this.setup;
    const program = `wpa_supplicant-${release} -D macsec_linux -i ${ifname} -c ${this.#dir}/conf`;
    try {
      await this.#run(`${program} -B -t -d -f ${this.#dir}/log -P ${this.#dir}/pid`);
      await vi.waitFor(() => this.status(), { timeout: PATIENCE_MS, interval: LOOK_EVERY_MS });
    } catch (error) {
      throw new Error(`${String(error)}\n${await this.log()}`);
    }
  }

  /** It says goodbye to nobody: MKA has no such message. Resolves when the process is gone. */
  stop(): Promise<void> {
    return this.#end('TERM');
  }

  kill(): Promise<void> {
    return this.#end('KILL');
  }

  async status(): Promise<SupplicantStatus> {
    return parseStatus(await this.#cli('status'));
  }

  /** Resolves with the first status that is `wanted`; where none is, the error has the last one and the log's end. */
  async until(
    wanted: (status: SupplicantStatus) => boolean,
    timeoutMs: number = PATIENCE_MS,
  ): Promise<SupplicantStatus> {
    const look = async (): Promise<SupplicantStatus> => {
      const status = await this.status();
      if (!wanted(status)) throw new Error(`wpa_supplicant stays ${JSON.stringify([...status.all])}`);
      return status;
    };
    try {
      return await vi.waitFor(look, { timeout: timeoutMs, interval: LOOK_EVERY_MS });
    } catch (error) {
      throw new Error(`${String(error)}\n${await this.log()}`);
    }
  }

  /** Its SecY, as the kernel has it. */
  async secy(): Promise<ShownSecY> {
    return parseShow(await this.#run(`ip -j -s macsec show ${this.setup.macsec}`), this.setup.macsec);
  }

  /** What it has logged last; no key is in it (that takes its option -K). */
  log(lines: number = 40): Promise<string> {
    return this.#guest.run(`tail -n ${lines} ${this.#dir}/log`);
  }

  async #configure(): Promise<void> {
    const conf = Buffer.from(confOf(this.setup, this.#dir)).toString('base64');
    await this.#guest.run(`mkdir -p ${this.#dir}; echo ${conf} | base64 -d > ${this.#dir}/conf`);
  }

  async #makeDevice(): Promise<void> {
    const { ifname, macsec, bridge, port = 1, cipher = 'gcm-aes-128', integrityOnly = false } = this.setup;
    const words = `port ${port} cipher ${cipher} encrypt ${integrityOnly ? 'off' : 'on'}`;
    await this.removeDevice();
    await this.#run(`ip link add link ${ifname} name ${macsec} type macsec ${words}`);
    if (bridge !== undefined) await this.#run(`ip link set ${macsec} master ${bridge} up`);
  }

  /** Does nothing where there is none. */
  async removeDevice(): Promise<void> {
    await this.#run(`ip link del ${this.setup.macsec} 2>/dev/null || true`);
  }

  #cli(command: string): Promise<string> {
    const { release, ifname } = this.setup;
    return this.#run(`wpa_cli-${release} -p ${this.#dir}/control -i ${ifname} ${command}`);
  }

  #end(signal: 'TERM' | 'KILL'): Promise<void> {
    const pid = `$(cat ${this.#dir}/pid)`;
    const script = `pid=${pid}; kill -${signal} $pid; while kill -0 $pid 2>/dev/null; do usleep 20000; done`;
    return this.#guest.run(`${script}; rm -rf ${this.#dir}/pid ${this.#dir}/control`).then(() => {});
  }

  #run(script: string): Promise<string> {
    const { netns } = this.setup;
    if (netns === undefined) return this.#guest.run(script);
    // A shell of its own, which would take busybox's `ip`.
    const inside = `ip() { /usr/sbin/ip "$@"; }; ${script}`;
    return this.#guest.run(`ip netns exec ${netns} sh -ec '${inside.replaceAll("'", "'\\''")}'`);
  }
}

function confOf(setup: SupplicantSetup, dir: string): string {
  const { ckn, cak, priority = 255, port = 1, integrityOnly = false, replayWindow = null, cipher } = setup;
  const network: Record<string, string | number> = {
    ...{ key_mgmt: 'NONE', eapol_flags: 0, macsec_policy: 1, macsec_port: port },
    ...{ macsec_integ_only: integrityOnly ? 1 : 0, mka_priority: priority, mka_ckn: ckn, mka_cak: cak },
    ...(replayWindow === null ? {} : { macsec_replay_protect: 1, macsec_replay_window: replayWindow }),
    ...(cipher === 'gcm-aes-256' ? { macsec_csindex: 1 } : {}),
  };
  const lines = Object.entries(network).map(([name, value]) => `  ${name}=${value}`);
  return `ctrl_interface=${dir}/control\neapol_version=3\nap_scan=0\nnetwork={\n${lines.join('\n')}\n}\n`;
}

/** `Secured=Yes`, a line each. */
export function parseStatus(text: string): SupplicantStatus {
  const all = new Map(
    text.split('\n').flatMap((line): [string, string][] => {
      const at = line.indexOf('=');
      return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1)]];
    }),
  );
  return {
    secured: all.get('Secured') === 'Yes',
    // `Is Key Server`, of the KaY, stays No in 2.10.
    isKeyServer: all.get('is_key_server') === 'Yes' && all.get('is_elected') === 'Yes',
    livePeers: Number(all.get('live_peers') ?? 0),
    mi: all.get('mi') ?? '',
    all,
  };
}
