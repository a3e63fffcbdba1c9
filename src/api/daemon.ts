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
  version: string;
  node: string;
  openssl: string;
  /** AEAD provider, and what it runs on. */
  aead: string;
  engine: string;
  started: string;
  reload: ReloadSnapshot;
}
