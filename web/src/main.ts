/** The page: follows the daemon's feed, lists the tunnels, and shows the one that was chosen. */
import type { StateMessage } from '../../src/page/feed.ts';
import type { OverviewLine } from '../../src/page/overview.ts';
import { Detail } from './detail.ts';
import { byId, element, setText } from './dom.ts';
import { addEvents } from './events.ts';
import { FeedReader } from './feed.ts';
import { bitRate, count } from './format.ts';
import './style.css';

const STATES: Readonly<Record<OverviewLine['health'], string>> = {
  ok: 'up',
  waiting: 'waiting',
  fault: 'fault',
};

class Page {
  readonly #reader: FeedReader;
  readonly #rows = new Map<string, HTMLTableRowElement>();
  #detail: Detail | null = null;
  #chosen: string | null = decodeURIComponent(location.hash.slice(1)) || null;
  /** Lines of the log come again from the first whenever another tunnel is followed. */
  #isAnew = true;

  constructor() {
    this.#reader = new FeedReader({
      state: (message) => this.#state(message),
      history: (message) => {
        if (message.name === this.#chosen) this.#detail?.load(message);
      },
      link: (trouble) => this.#link(trouble),
      token: askToken,
    });
    addEventListener('hashchange', () => this.#choose(decodeURIComponent(location.hash.slice(1))));
    this.#choose(this.#chosen);
  }

  #choose(name: string | null): void {
    this.#chosen = name;
    this.#isAnew = true;
    this.#detail = name === null ? null : new Detail(name);
    byId('tunnel').replaceChildren(...(this.#detail === null ? [] : [this.#detail.element]));
    for (const [of, row] of this.#rows) row.classList.toggle('chosen', of === name);
    this.#reader.follow(name);
  }

  #state(message: StateMessage): void {
    const { tunnels, down, host, version, more, events } = message;
    setText(byId('host'), `on ${host} · ${version}`);
    this.#summarize(tunnels, down.length);
    this.#list(message);
    setText(byId('more'), `and ${count(more)} more: l2vpnd status lists all of them`);
    byId('more').hidden = more === 0;
    if (this.#isAnew) byId('events').replaceChildren();
    this.#isAnew = false;
    addEvents(byId('events'), events);
    const first = tunnels[0]?.name ?? down[0]?.name;
    if (this.#chosen === null && first !== undefined) this.#choose(first);
    else this.#detail?.show(message);
  }

  /** The worst first, as `l2vpnd show` has it. */
  #summarize(tunnels: readonly OverviewLine[], down: number): void {
    const bad = tunnels.filter(({ health }) => health === 'fault');
    const all = tunnels.length + down;
    const parts: string[] = [`${all - down - bad.length} of ${all} tunnel${all === 1 ? '' : 's'} up`];
    if (down > 0) parts.unshift(`${down} down`);
    if (bad.length > 0) parts.unshift(`${bad[0]!.name}: ${bad[0]!.text}`);
    setText(byId('summary'), parts.join(' · '));
    byId('summary').className = bad.length + down > 0 ? 'badge fault' : 'badge ok';
    document.title = `${bad.length + down > 0 ? '⚠ ' : ''}l2vpnd`;
  }

  #list({ tunnels, down }: StateMessage): void {
    const body = byId('tunnels').querySelector('tbody')!;
    const there = new Set<string>();
    for (const line of tunnels) {
      there.add(line.name);
      const state = line.text === '' ? STATES[line.health] : line.text;
      this.#row(body, line.name, line.health, [
        state,
        bitRate(line.out_bits),
        bitRate(line.in_bits),
        line.drops === null ? '–' : count(line.drops),
      ]);
    }
    for (const { name, reason } of down) {
      there.add(name);
      this.#row(body, name, 'fault', [`down: ${reason}`, '–', '–', '–']);
    }
    for (const [name, row] of this.#rows) {
      if (there.has(name)) continue;
      row.remove();
      this.#rows.delete(name);
    }
  }

  #row(
    body: HTMLTableSectionElement,
    name: string,
    health: OverviewLine['health'],
    cells: readonly string[],
  ): void {
    let row = this.#rows.get(name);
    if (row === undefined) {
      const link = element('a', { href: `#${encodeURIComponent(name)}` }, name);
      const columns = cells.map((_, i) => element('td', i === 0 ? {} : { class: 'number' }));
      row = element('tr', {}, element('th', { scope: 'row' }, link), ...columns);
      row.classList.toggle('chosen', name === this.#chosen);
      this.#rows.set(name, row);
      body.append(row);
    }
    row.dataset.health = health;
    for (const [i, text] of cells.entries()) setText(row.cells[i + 1]!, text);
  }

  #link(trouble: string | null): void {
    const node = byId('link');
    node.hidden = trouble === null;
    setText(node, trouble === null ? '' : `${trouble}; trying again`);
    document.body.classList.toggle('stale', trouble !== null);
    if (trouble !== null) {
      this.#isAnew = true;
      setText(byId('summary'), 'no connection');
      byId('summary').className = 'badge fault';
    }
  }
}

function askToken(): Promise<string> {
  const dialog = byId<HTMLDialogElement>('login');
  const field = byId<HTMLInputElement>('token');
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(field.value), { once: true });
  });
}

// It can be scrolled by the keyboard, too.
for (const node of document.querySelectorAll('.scroll, #events')) node.setAttribute('tabindex', '0');
new Page();
