/** l2vpnd.json(5): every setting, with the descriptions of the schema. */
import { describeSettings, type SectionDescription, type SettingDescription } from '../../config/describe.ts';
import { CONFIG_VERSION } from '../../config/version.ts';
import { Page, type PageTitle } from './roff.ts';

export function settingsPage(title: Pick<PageTitle, 'date' | 'version'>): string {
  const page = new Page({ name: 'l2vpnd.json', section: 5, manual: 'File Formats', ...title });
  page.section('NAME').paragraph('l2vpnd.json - configuration of l2vpnd');
  page.section('SYNOPSIS').synopsis(['/etc/l2vpnd/<site>.json']);
  describe(page);
  for (const section of describeSettings()) addSection(page, section);
  page
    .section('EXAMPLES')
    .paragraph('Key agreement, over UDP; both ends have the same `ckn` and key:')
    .example(MKA_EXAMPLE);
  page.paragraph('Static keys, for a peer without key agreement:').example(STATIC_EXAMPLE);
  page.section('SEE ALSO').paragraph('l2vpnd(8), ip-macsec(8), ip-link(8), bridge(8)');
  return page.text();
}

function describe(page: Page): void {
  page
    .section('DESCRIPTION')
    .paragraph(
      'JSON, with comments (// and /* */) and trailing commas if wanted. Names follow `ip link ... type macsec|gretap` and ' +
        '`ip macsec`. Paths are relative to the file. An editor that reads l2vpnd.schema.json completes and checks it; ' +
        '`l2vpnd check` does, and prints it with every default.',
    )
    .paragraph(
      "A file with keys in it belongs to root or the daemon's user and is closed to others; one that only names key files may " +
        'be read by others, but not written. A key file has the same owner and mode, and hex digits.',
    )
    .paragraph(
      `The format has a version, ${CONFIG_VERSION}: a setting is renamed, removed or given another meaning by a new one only. A ` +
        'file of another version is refused, with both versions in the message.',
    )
    .paragraph(
      'Behind the name of a setting stands what may be written: a..b is a whole number from a to b.',
    );
}

function addSection(page: Page, { paths, settings }: SectionDescription): void {
  page.section(titleOf(paths));
  for (const setting of settings) page.item(termOf(setting), sentenceOf(setting));
}

function titleOf(paths: readonly string[]): string {
  const [path] = paths;
  return path === '' ? 'TOP LEVEL' : paths.join(' AND ');
}

function termOf({ name, values }: SettingDescription): string {
  return `\`${name}\`: ${values}`;
}

function sentenceOf({ description, isRequired, default: preset }: SettingDescription): string {
  const ends = isRequired ? ' Required.' : preset === null ? '' : ` Default: ${preset}.`;
  return `${description}${ends}`.trim();
}

const MKA_EXAMPLE = `{
  "version": ${CONFIG_VERSION},
  "tunnels": [{
    "name": "site2",
    "tap": { "ifname": "macsec1", "mac": "02:00:00:00:00:01", "bridge": "br0" },
    "gre": { "local": "192.0.2.1", "remote": "198.51.100.2", "encap": "udp" },
    "macsec": { "mka": { "ckn": "736974652d31", "cakFile": "site1-site2.cak" } }
  }]
}`;

const STATIC_EXAMPLE = `"macsec": {
  "txSa": [{ "keyFile": "site1.key" }],
  "rxSc": [{ "mac": "02:00:00:00:00:02", "sa": [{ "keyFile": "site2.key" }] }]
}`;
