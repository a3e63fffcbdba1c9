/** `l2vpnd version`: what this is, what it runs on, and which versions of file and protocol it speaks. */
import { API_VERSION } from '../api/version.ts';
import { CONFIG_VERSION } from '../config/version.ts';
import { packageVersion } from '../package-root.ts';
import { type OutputOptions, printJson, printText } from './output.ts';

export async function version({ json = false }: OutputOptions): Promise<number> {
  const { openssl } = process.versions;
  const versions = {
    l2vpnd: packageVersion(),
    config: CONFIG_VERSION,
    control: API_VERSION,
    node: process.versions.node,
    openssl: openssl ?? null,
  };
  if (json) printJson(versions);
  else printText(sayVersions(versions));
  return 0;
}

function sayVersions({ l2vpnd, config, control, node, openssl }: Record<string, unknown>): string {
  return (
    `l2vpnd ${l2vpnd}, on Node.js ${node} with OpenSSL ${openssl}\n` +
    `configuration version ${config}, control protocol version ${control}\n`
  );
}
