/** One tunnel, all of it: what `l2vpnd show` says, in blocks. */
import type { AgreementSnapshot } from '../../src/api/agreement.ts';
import type { PathDirectionSnapshot, SaSnapshot, TunnelSnapshot } from '../../src/api/tunnel.ts';
import { DROP_TEXTS } from '../../src/frame/drop.ts';
import type { FramePart, HistoryMessage, StateMessage } from '../../src/page/feed.ts';
import type { OverviewLine } from '../../src/page/overview.ts';
import { Chart, type Span } from './chart.ts';
import { element, facts, setText, table } from './dom.ts';
import { bitRate, count, duration, moment, percent } from './format.ts';
import { drawFrame } from './frame.ts';

const CAUSES = new Map(DROP_TEXTS.map(({ name, cause }) => [name, cause]));

/** What of a block changes each second is made anew where it says something else than before. */
export class Detail {
  readonly element: HTMLElement;
  readonly #name: string;
  readonly #chart = new Chart();
  readonly #rates = element('p', { class: 'rates' });
  readonly #blocks = new Map<string, { readonly node: HTMLElement; shown: string }>();

  constructor(name: string) {
    this.#name = name;
    const block = (id: string): HTMLElement => {
      const node = element('div', { class: 'block-of', id: `tunnel-${id}` });
      this.#blocks.set(id, { node, shown: '' });
      return node;
    };
    this.element = element(
      'section',
      { 'aria-labelledby': 'tunnel-title' },
      element('h2', { id: 'tunnel-title' }, `Tunnel ${name}`),
      block('state'),
      element('h3', {}, 'Throughput'),
      this.#rates,
      this.#spans(),
      this.#chart.element,
      element('h3', {}, 'Path'),
      block('path'),
      element('h3', {}, 'Drops'),
      block('drops'),
      element('h3', {}, 'Keys'),
      block('keys'),
      element('h3', {}, 'MTU'),
      block('mtu'),
    );
  }

  load(message: HistoryMessage): void {
    this.#chart.load(message);
  }

  show(message: StateMessage): void {
    const { tunnel, tunnels } = message;
    const line = tunnels.find(({ name }) => name === this.#name);
    this.#chart.add(message, this.#name);
    if (line !== undefined)
      setText(this.#rates, `Out ${bitRate(line.out_bits)}, in ${bitRate(line.in_bits)}`);
    if (tunnel === null) {
      const down = message.down.find(({ name }) => name === this.#name);
      const text =
        down === undefined
          ? 'There is no such tunnel.'
          : `Down since ${moment(down.since)}: ${down.reason}. It is tried again each ${down.retry_seconds} s.`;
      this.#put('state', () => element('p', { class: 'badge fault' }, text));
      for (const id of ['path', 'drops', 'keys', 'mtu']) this.#put(id, () => element('p', {}, '–'));
      return;
    }
    this.#put('state', () => stateOf(tunnel, line));
    this.#put('path', () => pathOf(tunnel));
    this.#put('drops', () => dropsOf(tunnel));
    this.#put('keys', () => keysOf(tunnel));
    this.#put('mtu', () => mtuOf(tunnel, message.frame));
  }

  #put(id: string, make: () => HTMLElement): void {
    const block = this.#blocks.get(id)!;
    const made = make();
    if (made.outerHTML === block.shown) return;
    block.shown = made.outerHTML;
    block.node.replaceChildren(made);
  }

  #spans(): HTMLElement {
    const choice = (span: Span, text: string, isPressed: boolean): HTMLButtonElement => {
      const button = element('button', { type: 'button', 'aria-pressed': `${isPressed}` }, text);
      button.addEventListener('click', () => {
        for (const other of buttons) other.setAttribute('aria-pressed', `${other === button}`);
        this.#chart.show(span);
      });
      return button;
    };
    const buttons = [choice('minutes', '5 minutes', true), choice('hour', '1 hour', false)];
    return element('div', { class: 'spans', role: 'group', 'aria-label': 'Time shown' }, ...buttons);
  }
}

function stateOf(tunnel: TunnelSnapshot, line: OverviewLine | undefined): HTMLElement {
  const { peer, remote, endpoint, local, encap, bridge, ifname, up_since: since, macsec, aead } = tunnel;
  const text = line === undefined || line.text === '' ? 'Everything is well.' : line.text;
  return element(
    'div',
    {},
    element('p', { class: `badge ${line?.health ?? 'waiting'}` }, text),
    facts([
      ['Peer', `${peer.state}${peer.since === null ? '' : ` since ${moment(peer.since)}`}`],
      ['Last authentic frame', peer.last_authentic === null ? 'none yet' : moment(peer.last_authentic)],
      ['From … to', `${local} … ${endpoint ?? remote} (GRE${encap === 'udp' ? ' in UDP' : ''})`],
      [
        'Interface',
        bridge === null ? ifname : `${ifname} in ${bridge.name} (${bridge.port?.state ?? bridge.membership})`,
      ],
      ['Up since', moment(since)],
      ['MACsec', macsec === null ? 'none: in clear' : `${macsec.cipher_suite}, ${aead}`],
    ]),
  );
}

function pathOf({ path_quality: quality, tx, rx, queue_drops: queues }: TunnelSnapshot): HTMLElement {
  const direction = (
    name: string,
    way: PathDirectionSnapshot | null,
    lane: TunnelSnapshot['tx'],
  ): (string | number)[] => [
    name,
    percent(way?.loss_ratio ?? null),
    percent(way?.reorder_ratio ?? null),
    lane.lately?.p50_seconds == null ? '–' : duration(lane.lately.p50_seconds),
    lane.lately?.p99_seconds == null ? '–' : duration(lane.lately.p99_seconds),
    lane.lately?.frames_per_batch == null ? '–' : lane.lately.frames_per_batch.toFixed(1),
  ];
  const rtt = quality.rtt_seconds === null ? 'not measured' : duration(quality.rtt_seconds);
  return element(
    'div',
    {},
    table(
      'The last minute, by direction',
      [
        'Direction',
        ['Lost', 'number'],
        ['Reordered', 'number'],
        ['Lane, median', 'number'],
        ['Lane, 99 %', 'number'],
        ['Frames per batch', 'number'],
      ],
      [direction('Out', quality.out, tx), direction('In', quality.in, rx)],
    ),
    facts([
      ['Round trip', rtt],
      ['Kernel queues dropped', `socket ${queues.socket ?? '–'}, TAP ${queues.tap ?? '–'}`],
    ]),
  );
}

function dropsOf({ drops }: TunnelSnapshot): HTMLElement {
  const rows = Object.entries(drops)
    .filter(([, frames]) => frames > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([name, frames]) => [name, count(frames), CAUSES.get(name) ?? '']);
  if (rows.length === 0) return element('p', {}, 'No frame was dropped.');
  return table(
    'Frames dropped since the start',
    ['Reason', ['Frames', 'number'], 'What it means, and what to do'],
    rows,
  );
}

function keysOf(tunnel: TunnelSnapshot): HTMLElement {
  const { macsec, agreement, pn_usage: usage } = tunnel;
  if (macsec === null) return element('p', {}, 'The tunnel has no MACsec: frames go in clear.');
  const row = (way: string, sa: SaSnapshot): (string | number)[] => {
    const isUsed = way === 'Out' && sa.an === macsec.encoding_sa;
    const left = usage?.exhaustion_seconds == null ? 'no traffic' : duration(usage.exhaustion_seconds);
    return [
      `${way}, AN ${sa.an}`,
      sa.active ? (isUsed ? 'in use' : 'active') : 'off',
      sa.key.slice(0, 16),
      typeof sa.pn === 'number' ? count(sa.pn) : sa.pn,
      isUsed ? `${percent(usage?.used_ratio ?? null)} used, ${left}` : '–',
    ];
  };
  const rows = [
    ...macsec.sa_list.map((sa) => row('Out', sa)),
    ...macsec.rx_sc.flatMap(({ sa_list }) => sa_list.map((sa) => row('In', sa))),
  ];
  return element(
    'div',
    {},
    table('Security associations', ['SA', 'State', 'Key', ['Next PN', 'number'], 'Packet numbers'], rows),
    agreement === null ? element('p', {}, 'The keys are static.') : agreementOf(agreement),
  );
}

function agreementOf(agreement: AgreementSnapshot): HTMLElement {
  const { role, ckn, live_peers, latest, next_rekey_seconds, saks_made, saks_received } = agreement;
  const { mkpdus_in, mkpdus_out, trouble } = agreement;
  return element(
    'div',
    {},
    trouble.length === 0 ? null : element('p', { class: 'badge fault' }, trouble.join('; ')),
    facts([
      ['Key agreement', `${role}, ${live_peers} live peer${live_peers === 1 ? '' : 's'}`],
      ['CAK', ckn.length > 16 ? `${ckn.slice(0, 16)}…` : ckn],
      ['SAK', latest === null ? 'none' : `${duration(latest.age_seconds)} old, AN ${latest.an}`],
      [
        'Next rekey',
        next_rekey_seconds === null ? 'when packet numbers run low' : `in ${duration(next_rekey_seconds)}`,
      ],
      ['SAKs', `${saks_made} made, ${saks_received} received`],
      ['MKPDUs', `${count(mkpdus_out)} out, ${count(mkpdus_in)} in`],
    ]),
  );
}

function mtuOf(tunnel: TunnelSnapshot, frame: readonly FramePart[]): HTMLElement {
  return drawFrame(tunnel, frame);
}
