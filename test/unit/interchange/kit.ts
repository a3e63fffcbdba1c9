/** From a source to a configuration, as `l2vpnd import` does it, with the keys in it. */
import { chooseSite } from '../../../src/interchange/choose-site.ts';
import { readSources, type SourceText } from '../../../src/interchange/read-source.ts';
import { siteDraft } from '../../../src/interchange/to-site.ts';
import type { Json } from '../config/sample.ts';

export interface Imported {
  tunnels: Json[];
  said: string[];
  missing: readonly string[];
}

export function importTexts(texts: readonly SourceText[], netns: string | null = null): Imported {
  const found = readSources(texts, null);
  const site = chooseSite(found.sites, netns, 'x.sh');
  const others = found.sites.filter((one) => one !== site);
  const { json, remarks, missing } = siteDraft(site, others, { inlineKeys: true, prefix: '' });
  return {
    tunnels: json.tunnels as Json[],
    said: [...found.remarks, ...remarks].map(({ where, text }) => `${where}: ${text}`),
    missing,
  };
}

export function importScript(text: string, netns: string | null = null): Imported {
  return importTexts([{ source: 'x.sh', text }], netns);
}
