/** The daemon's process as the control protocol tells of it. */
export interface DaemonSnapshot {
  pid: number;
  /** Of l2vpnd. */
  version: string;
  /** The configuration file, absolute, and when it was read last. */
  config: string;
  config_read: string;
  /** The AEAD provider, and why it was chosen. */
  aead: string;
  aead_reason: string;
  /** Versions of node and its OpenSSL. */
  node: string;
  openssl: string;
}
