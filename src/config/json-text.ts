/**
 * JSON as people write it, with comments and trailing commas: its value, errors with their place, the line of a
 * value, names that stand twice.
 */
import {
  createScanner,
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser';
import { L2vpnError } from '../errors.ts';
import type { JsonPath, Problem } from './problem.ts';

/** Deeper than any configuration; less than what recursion over it takes. */
const MAX_DEPTH = 32;
/** `SyntaxKind.EOF` of jsonc-parser: a const enum, which a module on its own cannot read. */
const END = 17;

/** Throws L2VPN_CONFIG. No message repeats the text around an error: it may be a key. */
export function parseJson(text: string, file: string): JsonText {
  // Of the same length, so that every offset stays.
  const json = text.replace(/^\ufeff/, ' ');
  const lines = new Lines(json);
  const fault = (offset: number, what: string): L2vpnError =>
    new L2vpnError('L2VPN_CONFIG', `${file}:${lines.lineAndColumn(offset)}: ${what}`);

  const tooDeep = offsetBeyondDepth(json);
  if (tooDeep !== null) throw fault(tooDeep, `is nested deeper than ${MAX_DEPTH} levels`);
  const errors: ParseError[] = [];
  const tree = parseTree(json, errors, { allowTrailingComma: true, allowEmptyContent: true });
  const [first] = errors;
  if (first !== undefined) throw fault(first.offset, `not valid JSON: ${wordsOf(first)}`);
  if (tree === undefined)
    throw new L2vpnError('L2VPN_CONFIG', `${file} is empty; it must hold a JSON object`);
  return new JsonText(tree, lines);
}

/**
 * The string at `path` in a text that may be broken elsewhere; undefined where it is not there; null where that
 * cannot be said of a broken text.
 */
export function findString(text: string, path: JsonPath): string | undefined | null {
  const json = text.replace(/^\ufeff/, ' ');
  if (offsetBeyondDepth(json) !== null) return null;
  const errors: ParseError[] = [];
  const tree = parseTree(json, errors, { allowTrailingComma: true });
  const node = tree === undefined ? undefined : findNodeAtLocation(tree, path);
  if (node?.type === 'string') return node.value;
  return errors.length === 0 && node === undefined ? undefined : null;
}

/** Where the text goes deeper than MAX_DEPTH, or null. Without recursion. */
function offsetBeyondDepth(json: string): number | null {
  const scanner = createScanner(json, true);
  for (let depth = 0; scanner.scan() !== END; ) {
    const at = scanner.getTokenOffset();
    if (json[at] === '{' || json[at] === '[') depth++;
    if (json[at] === '}' || json[at] === ']') depth--;
    if (depth > MAX_DEPTH) return at;
  }
  return null;
}

function wordsOf({ error }: ParseError): string {
  return printParseErrorCode(error)
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase();
}

/** A JSON text that was understood. */
export class JsonText {
  readonly value: unknown;
  readonly #tree: Node;
  readonly #lines: Lines;

  constructor(tree: Node, lines: Lines) {
    this.value = getNodeValue(tree);
    this.#tree = tree;
    this.#lines = lines;
  }

  /** The line of the value at `path`, or of the nearest thing around it that is in the file. */
  lineOf(path: JsonPath): number {
    for (let length = path.length; length > 0; length--) {
      const node = findNodeAtLocation(this.#tree, path.slice(0, length));
      if (node !== undefined) return this.#lines.lineOf(node.offset);
    }
    return this.#lines.lineOf(this.#tree.offset);
  }

  /** Names that stand twice in one object: the last would be taken without a word. */
  duplicateNames(): Problem[] {
    return duplicateNames(this.#tree, []);
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

/** Offsets of a text as lines and columns, both from 1. */
class Lines {
  /** Where each line begins. */
  readonly #starts: number[] = [0];

  constructor(text: string) {
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.#starts.push(at + 1);
  }

  lineOf(offset: number): number {
    let [low, high] = [0, this.#starts.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#starts[middle]! <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  }

  lineAndColumn(offset: number): string {
    const line = this.lineOf(offset);
    return `${line}:${offset - this.#starts[line - 1]! + 1}`;
  }
}
