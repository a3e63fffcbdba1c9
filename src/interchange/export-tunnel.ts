/** A tunnel in the words of others. */
import type { TunnelConfig } from '../config/types.ts';
import type { Exported } from './exported.ts';
import type { ExportFormat } from './formats.ts';
import { iproute2Script } from './iproute2-text.ts';
import { networkdFiles } from './networkd-text.ts';
import { otherEnd } from './other-end.ts';
import { scapyProgram } from './scapy-text.ts';
import { supplicantScript } from './supplicant-text.ts';

const WRITERS: Readonly<Record<ExportFormat, (tunnel: TunnelConfig, showKeys: boolean) => Exported>> = {
  iproute2: iproute2Script,
  wpa_supplicant: supplicantScript,
  networkd: networkdFiles,
  scapy: scapyProgram,
};

export interface ExportOptions {
  readonly format: ExportFormat;
  /** The other end of the tunnel, instead of this one. */
  readonly peer: boolean;
  readonly showKeys: boolean;
}

/** Throws L2VPN_CONFIG where the format cannot say it, or the other end cannot be told. */
export function exportTunnel(tunnel: TunnelConfig, { format, peer, showKeys }: ExportOptions): Exported {
  return WRITERS[format](peer ? otherEnd(tunnel) : tunnel, showKeys);
}
