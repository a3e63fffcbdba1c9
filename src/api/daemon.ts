/** The daemon itself, as the control protocol tells of it. */

/** How the last reload of the configuration went; at first, how it was loaded at the start. */
export interface ReloadSnapshot {
  successful: boolean;
  /** When the configuration was last taken over. */
  success_time: string;
  /** Changes in the file that wait for a restart, in sentences. */
  refused: string[];
  /** Why the last one failed, with everything as it was; null: it did not. */
  error: string | null;
}

export interface DaemonSnapshot {
  pid: number;
  /** Of l2vpnd. */
  version: string;
  /** The configuration file, absolute, and when it was read last. */
  config: string;
  config_read: string;
  /** The AEAD provider, why it was chosen, and what it runs on. */
  aead: string;
  aead_reason: string;
  engine: string;
  /** Versions of node and its OpenSSL. */
  node: string;
  openssl: string;
  started: string;
  reload: ReloadSnapshot;
}
