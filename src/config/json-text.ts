/** JSON as text: syntax errors with their place, the line of a value, names that stand twice. */
import { findNodeAtLocation, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { L2vpnError } from '../errors.ts';
import type { JsonPath, Problem } from './problem.ts';

/** V8's own message is not passed on, nor kept as cause: it quotes the text, and the text holds keys. */
export function parseJson(text: string, file: string): unknown {
  const json = text.startsWith('\ufeff') ? text.slice(1) : text;
  if (json.trim() === '')
    throw new L2vpnError('L2VPN_CONFIG', `${file} is empty; it must hold a JSON object`);
  try {
    return JSON.parse(json);
  } catch {
    const { offset, what } = syntaxError(json);
    throw new L2vpnError('L2VPN_CONFIG', `${file}:${lineAndColumn(json, offset)}: not valid JSON: ${what}`);
  }
}

function syntaxError(json: string): { offset: number; what: string } {
  const errors: ParseError[] = [];
  try {
    parseTree(json, errors, { disallowComments: true, allowTrailingComma: false });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { offset: 0, what: 'nested too deeply' };
  }
  const [first] = errors;
  if (first === undefined) return { offset: 0, what: 'not accepted by this JSON parser' };
  const words = printParseErrorCode(first.error)
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase();
  return { offset: first.offset, what: words };
}

function lineAndColumn(text: string, offset: number): string {
  const before = text.slice(0, offset);
  return `${before.split('\n').length}:${offset - before.lastIndexOf('\n')}`;
}

/** Finds the line of a JSON path. Knows nothing where the text is nested too deeply for a tree. */
export class LineFinder {
  readonly #text: string;
  readonly #tree: Node | undefined;

  constructor(text: string) {
    this.#text = text;
    try {
      this.#tree = parseTree(text.replace(/^\ufeff/, ' '));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }

  /** The line of the value at `path`, or of the nearest thing around it that is in the file. */
  lineOf(path: JsonPath): number {
    for (let length = path.length; this.#tree !== undefined && length >= 0; length--) {
      const node = findNodeAtLocation(this.#tree, path.slice(0, length));
      if (node !== undefined) return this.#text.slice(0, node.offset).split('\n').length;
    }
    return 1;
  }

  /** Names that stand twice in one object: JSON.parse would take the last without a word. */
  duplicateNames(): Problem[] {
    return this.#tree === undefined ? [] : duplicateNames(this.#tree, []);
  }
}

function duplicateNames(node: Node, path: JsonPath): Problem[] {
  const children = node.children ?? [];
  if (node.type === 'array') return children.flatMap((child, i) => duplicateNames(child, [...path, i]));
  if (node.type !== 'object') return [];
  const seen = new Set<string>();
  return children.flatMap(({ children: property }) => {
    const [name, value] = property ?? [];
    if (name === undefined || value === undefined) return [];
    const at = [...path, String(name.value)];
    const again = seen.has(name.value)
      ? [{ path: at, text: 'stands twice in one object; keep one of them' }]
      : [];
    seen.add(name.value);
    return [...again, ...duplicateNames(value, at)];
  });
}
