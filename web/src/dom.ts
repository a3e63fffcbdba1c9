/** Elements, made and changed without HTML in strings: what a peer's name or a log line says is text. */

type Child = Node | string | number | null;
type Attributes = Readonly<Record<string, string | boolean>>;

export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(key, '');
    else if (value !== false) made.setAttribute(key, value);
  }
  for (const child of children)
    if (child !== null) made.append(typeof child === 'number' ? `${child}` : child);
  return made;
}

/** The element of the page with this id. */
export function byId<Type extends HTMLElement = HTMLElement>(id: string): Type {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found as Type;
}

/** Changes the text where it is another: readers of the screen hear only news. */
export function setText(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** A table of facts: a name and what it is. */
export function facts(pairs: readonly (readonly [string, Child])[]): HTMLDListElement {
  return element(
    'dl',
    { class: 'facts' },
    ...pairs.map(([name, value]) =>
      element('div', {}, element('dt', {}, name), element('dd', {}, value ?? '–')),
    ),
  );
}

export function table(
  title: string,
  columns: readonly (string | readonly [string, 'number'])[],
  rows: readonly (readonly Child[])[],
): HTMLElement {
  const isNumber = (i: number): boolean => typeof columns[i] !== 'string';
  const head = columns.map((column, i) =>
    element(
      'th',
      { scope: 'col', ...(isNumber(i) ? { class: 'number' } : {}) },
      typeof column === 'string' ? column : column[0],
    ),
  );
  const body = rows.map((cells) =>
    element(
      'tr',
      {},
      ...cells.map((cell, i) =>
        i === 0
          ? element('th', { scope: 'row' }, cell)
          : element('td', isNumber(i) ? { class: 'number' } : {}, cell),
      ),
    ),
  );
  return element(
    'div',
    { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': title },
    element(
      'table',
      {},
      element('caption', {}, title),
      element('thead', {}, element('tr', {}, ...head)),
      element('tbody', {}, ...body),
    ),
  );
}
