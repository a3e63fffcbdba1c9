/** Which of the formats a source is in, told by its names and content. */
import { L2vpnError } from '../errors.ts';
import type { SourceFormat } from './formats.ts';
import { readIpJson } from './ip-json.ts';
import type { Found } from './kernel-site.ts';
import { readNetworkd, splitNetworkdFiles } from './networkd-files.ts';
import { readScript } from './script.ts';

export interface SourceText {
  /** A path, or `standard input`. */
  readonly source: string;
  readonly text: string;
}

/** Throws L2VPN_DATA. `format`: null, to be told by the content. */
export function readSources(texts: readonly SourceText[], format: SourceFormat | null): Found {
  const is = format ?? formatOf(texts);
  if (is === 'ip-json') return readIpJson(texts);
  if (is === 'networkd')
    return readNetworkd(texts.flatMap(({ text, source }) => splitNetworkdFiles(text, baseName(source))));
  return readScript(texts.map(({ text }) => text).join('\n'));
}

function formatOf(texts: readonly SourceText[]): SourceFormat {
  const kinds = new Set(texts.map(formatOfOne));
  const [kind, ...others] = kinds;
  if (kind !== undefined && others.length === 0) return kind;
  const list = texts.map((one) => `${one.source} (${formatOfOne(one)})`).join(', ');
  throw new L2vpnError(
    'L2VPN_DATA',
    `the sources are of several formats: ${list}; give those of one, or name it by --from`,
  );
}

function formatOfOne({ source, text }: SourceText): SourceFormat {
  if (/^\s*[[{]\s*["{\]}]/.test(text)) return 'ip-json';
  if (/\.(netdev|network|link)$/.test(source) || /^\[(NetDev|Match|Network|Tunnel|MACsec)\]\s*$/m.test(text))
    return 'networkd';
  if (text.includes('\0'))
    throw new L2vpnError(
      'L2VPN_DATA',
      `${source} is no text: neither a script, nor JSON of "ip", nor a .netdev`,
    );
  return 'script';
}

function baseName(source: string): string {
  return source.slice(source.lastIndexOf('/') + 1);
}
