/** l2vpnd(8): the program, its commands and options as `--help` has them, and what else one who runs it has to know. */
import { EXIT_STATUS_TEXTS } from '../../errors.ts';
import type { CommandDescription, OptionDescription, ValueDescription } from '../describe.ts';
import { Page, type PageTitle } from './roff.ts';

export function commandsPage(
  program: CommandDescription,
  title: Pick<PageTitle, 'date' | 'version'>,
): string {
  const page = new Page({ name: 'l2vpnd', section: 8, manual: 'System Administration', ...title });
  page.section('NAME').paragraph('l2vpnd - Layer 2 site-to-site VPN: MACsec over GRE, in userspace');
  page
    .section('SYNOPSIS')
    .synopsis(['`l2vpnd` `--config` <file> [<options>]', '`l2vpnd` <command> [<options>] [<arguments>]']);
  describe(page);
  page.section('OPTIONS');
  page.paragraph(
    'Of the daemon. Those that a command has too may stand before it or behind it; `--help` every command has.',
  );
  addOptions(page, program.options);
  page.section('COMMANDS');
  for (const command of program.commands) addCommand(page, command);
  addSurroundings(page);
  return page.text();
}

function describe(page: Page): void {
  page
    .section('DESCRIPTION')
    .paragraph(
      '`l2vpnd` joins two or more sites to one Ethernet segment over any IP network. A TAP device takes frames from the bridge ' +
        'of a site; the daemon protects each with a SecTAG and an ICV (MACsec, IEEE 802.1AE), wraps it in GRE (protocol ' +
        "0x6558), over UDP if that is wanted, and sends it to the peer. On the wire this is what the Linux kernel's " +
        'macsec over gretap sends, so the peer may be a kernel; here neither module is needed.',
    )
    .paragraph(
      'Keys come by key agreement (MKA, IEEE 802.1X) from one pre-shared key, or stand in the configuration. `l2vpnd init` ' +
        'writes the configurations of two sites, and their key. l2vpnd.json(5) has every setting.',
    )
    .paragraph(
      'With `--config` and no command the daemon runs in the foreground until a signal ends it. It needs CAP_NET_ADMIN, ' +
        'CAP_NET_RAW and /dev/net/tun. The other commands ask a running daemon over its control socket (`show`, `status`, ' +
        '`rotate`, `reload`), or need none.',
    );
}

function addCommand(page: Page, { name, summary, arguments: args, options }: CommandDescription): void {
  const words = args.map(({ isRequired, isRepeatable, ...value }) => {
    const word = `<${value.name}>${isRepeatable ? '...' : ''}`;
    return isRequired ? word : `[${word}]`;
  });
  // That each has a help is said once.
  const own = options.filter(({ long }) => long !== '--help');
  const required = own.filter((option) => option.isRequired).map(flagsText);
  const others = own.length === required.length ? [] : ['[<options>]'];
  page.subsection(['l2vpnd', name].join(' '));
  page.synopsis([['`l2vpnd`', `\`${name}\``, ...required, ...others, ...words].join(' ')]);
  page.paragraph(sentence(summary));
  for (const argument of args)
    page.item(
      `<${argument.name}>`,
      sentence((argument.description || `the ${argument.name}`) + wordsOf(argument)),
    );
  addOptions(page, own);
  for (const text of NOTES[name] ?? []) page.paragraph(text);
}

function addOptions(page: Page, options: readonly OptionDescription[]): void {
  for (const option of options) {
    const { description, value } = option;
    const preset = option.default === null ? '' : ` (default: ${option.default})`;
    page.item(flagsText(option), sentence(description + (value === null ? '' : wordsOf(value)) + preset));
  }
}

/** `-c`, `--config` <file>. */
function flagsText({ short, long, value }: OptionDescription): string {
  const flags = [...(short === null || short === long ? [] : [`\`${short}\``]), `\`${long}\``].join(', ');
  if (value === null) return flags;
  return `${flags} ${value.isOptional ? `[<${value.name}>]` : `<${value.name}>`}`;
}

function wordsOf({ words }: ValueDescription): string {
  return words.length === 0 ? '' : `: ${words.map((word) => `\`${word}\``).join(', ')}`;
}

function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}

/** What the help of a command is too short for. */
const NOTES: Readonly<Record<string, readonly string[]>> = {
  check: ['Exit status 0: a daemon would take the configuration. Warnings go to stderr.'],
  show: [
    'Beside what the kernel prints of a macsec device: the tunnel, its peer, MTU, key agreement, rotation, and with ' +
      '`--statistics` the drop reasons. Exit status 69 where a tunnel that is shown is down, its peer lost, or with key ' +
      'agreement not live.',
  ],
  status: [
    'A line per tunnel: its name, up or DOWN and for how long, the peer and when it was heard last, where packets go, and ' +
      'the worst of what is wrong. Exit status 0 only if every tunnel (of those named) is up, connected, in its bridge if ' +
      'that exists, has keys and packet numbers, and its peer is alive; 69 otherwise, and where no daemon answers. A peer ' +
      'that is not watched (`peerTimeoutSeconds` 0) counts as alive. With static keys a peer of which nothing has come yet ' +
      'does not: give such tunnels a `keepalive`.',
    'It is made for health checks, cron and monitoring. Nagios wants 2 for what is wrong: `l2vpnd status || exit 2`.',
    'Under `--json` an array of objects: `name`, `ifname`, `state` (up, down), `since`, `peer` (alive, lost, unknown, ' +
      'unwatched; null: down), `heard`, `remote`, `ok`, and `reasons`, the worst first. A daemon that does not answer, ' +
      'of several, is an object with `socket`, `ok` and `reasons`.',
  ],
  rotate: [
    'With static keys both key files are needed; with key agreement neither, and a new SAK is made. See `--wait` and ' +
      '`--write` for scripts: exit status 75 where the peer has not followed in time.',
  ],
  reload: ['Exit status 69 where a change waits for a restart; what else has changed is applied then.'],
};

function addSurroundings(page: Page): void {
  page
    .section('JSON')
    .paragraph(
      'Under `--json` stdout has JSON or nothing: one value, of `explain` and `rotate` one per line. Each line of stderr is ' +
        'an object then: {"warning": ...}, or for what ended the command {"error": ..., "code": "L2VPN_CONFIG", ' +
        '"exitStatus": 78}, as the control socket answers. Fields may be added; none is renamed or removed without ' +
        'a word in the changelog.',
    );
  page.section('SIGNALS');
  page.item(
    '`SIGTERM`, `SIGINT`',
    'The daemon stops: frames at hand are sent, packet numbers stored, interfaces removed.',
  );
  page.item('`SIGHUP`', 'As `l2vpnd reload`.');
  page.item('`SIGUSR1`', 'Ignored: the debugger of Node.js does not open.');
  page.section('FILES');
  page.item('/etc/l2vpnd/', "Configurations and key files, for root or the daemon's user alone.");
  page.item('/run/l2vpnd/', 'Control sockets. Commands find the only one by themselves.');
  page.item(
    '/var/lib/l2vpnd/',
    'Packet numbers, rotations, endpoints. Must survive a restart while static keys are in use.',
  );
  page.item('/dev/net/tun', 'Where TAP devices come from.');
  page
    .section('EXIT STATUS')
    .paragraph('0 is success; of the daemon: stopped by a signal. Others are those of sysexits(3):');
  for (const [status, { name, text }] of Object.entries(EXIT_STATUS_TEXTS))
    page.item(`\`${status}\` (${name})`, text);
  page.section('ENVIRONMENT');
  page.item('`L2VPND_DEBUG`', 'Not empty: errors are printed with their stacks.');
  page.item('`NO_COLOR`', 'Not empty: no colours, whatever stdout is. `--color` wins.');
  page.item('`FORCE_COLOR`', 'Colours, though stdout is no terminal; 0: none. `NO_COLOR` wins.');
  page.item('`NOTIFY_SOCKET`', 'Where systemd is told READY, RELOADING and STATUS; see sd_notify(3).');
  page.item(
    '`NODE_OPTIONS`',
    'Refused (64) where it has what would open the daemon to others: --inspect, --require and the like.',
  );
  page.section('EXAMPLES').paragraph('Two sites, their configurations and key made at the first:');
  page.example(
    'l2vpnd init --a 192.0.2.1 --b 198.51.100.2 --bridge br0 --dir /etc/l2vpnd\nscp -p /etc/l2vpnd/site2.json /etc/l2vpnd/site1-site2.cak root@198.51.100.2:/etc/l2vpnd',
  );
  page.paragraph('Is it sound, and does it run?');
  page.example(
    'l2vpnd check --config /etc/l2vpnd/site1.json\nl2vpnd --config /etc/l2vpnd/site1.json\nl2vpnd status',
  );
  page.paragraph('Which tunnels are not well, for a script:');
  page.example("l2vpnd status --json | jq -r '.[] | select(.ok | not) | .name'");
  page.paragraph('Why does the other end not get through?');
  page.example('tcpdump -w wan.pcap proto gre\nl2vpnd explain --config /etc/l2vpnd/site1.json -r wan.pcap');
  page.paragraph('A new key, where keys are agreed on:');
  page.example('l2vpnd rotate site2');
  page
    .section('SEE ALSO')
    .paragraph(
      'l2vpnd.json(5), ip-macsec(8), ip-link(8), bridge(8), tcpdump(8), systemd.service(5), sysexits(3)',
    );
}
