/** The names of the formats. Imports nothing: every command line is read with them. */

/** What `import` reads. */
export const SOURCE_FORMATS = ['script', 'ip-json', 'networkd'] as const;
export type SourceFormat = (typeof SOURCE_FORMATS)[number];

/** What `export` makes. */
export const EXPORT_FORMATS = ['iproute2', 'wpa_supplicant', 'networkd', 'scapy'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];
