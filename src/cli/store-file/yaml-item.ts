/**
 * YAML read member by member, each with its place. A member that nobody asked for is refused: in a
 * test it would be an assertion that is never made. Aliases may stand anywhere, but what they are
 * read to, all together, is bounded.
 */
import { LineCounter, Scalar, isAlias, isMap, isScalar, isSeq, parseDocument } from 'yaml';
import type { Document, Node } from 'yaml';
import { didYouMean } from '../../schema/nearest.js';
import type { JsonValue } from '../../tuple/tuple.js';
import { usageError } from '../command-error.js';
import type { CommandError } from '../command-error.js';

/** As editors and terminals take it: `FILE:LINE:COLUMN`. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column?: number;
}

export const formatPlace = ({ file, line, column }: Place): string =>
  `${file}:${line}${column === undefined ? '' : `:${column}`}`;

/** A thousand tests with a thousand assertions. */
const ITEMS_MAX = 2_000_000;
/** Of one value, such as a context. */
const ALIASES_MAX = 100;

interface Source {
  readonly file: string;
  readonly document: Document;
  readonly lines: LineCounter;
  left: number;
}

/** A usage error names file, line and column. */
export function parseYamlFile(file: string, text: string): YamlItem {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    schema: 'core',
    uniqueKeys: true,
    stringKeys: true,
    lineCounter: lines,
    logLevel: 'error',
  });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) {
    const { line, col } = lines.linePos(problem.pos[0]);
    const [reason = ''] = problem.message.split('\n');
    const place = formatPlace({ file, line, column: col });
    throw usageError(`${place}: ${reason.replace(/ at line \d+, column \d+:?$/, '')}`);
  }
  if (document.contents === null) throw usageError(`${file}:1:1: the file is empty`);
  return new YamlItem({ file, document, lines, left: ITEMS_MAX }, document.contents);
}

export class YamlItem {
  readonly place: Place;
  readonly #source: Source;
  readonly #node: Node;

  /** `at` is where it stands for who reads the file. */
  constructor(source: Source, node: Node, at: Node = node) {
    const { line, col } = source.lines.linePos(at.range?.[0] ?? 0);
    this.place = { file: source.file, line, column: col };
    this.#source = source;
    this.#node = isAlias(node) ? (node.resolve(source.document) ?? node) : node;
    source.left--;
    if (source.left < 0) throw this.problem(`there are more than ${ITEMS_MAX} values`);
  }

  problem(message: string): CommandError {
    return usageError(`${formatPlace(this.place)}: ${message}`);
  }

  get isEmpty(): boolean {
    return isScalar(this.#node) && this.#node.value === null;
  }

  /** A text that begins on the line after its name, and has the lines that it has in the file. */
  get isLiteral(): boolean {
    return isScalar(this.#node) && this.#node.type === 'BLOCK_LITERAL';
  }

  /** Those that have a value. */
  members<Name extends string>(
    what: string,
    known: readonly Name[],
  ): Partial<Record<Name, YamlItem>> {
    const found: Partial<Record<Name, YamlItem>> = {};
    for (const [name, item] of this.entries(what)) {
      const isKnown = (known as readonly string[]).includes(name);
      if (!isKnown) throw item.problem(`${what} has no member '${name}'${didYouMean(name, known)}`);
      if (!item.isEmpty) found[name as Name] = item;
    }
    return found;
  }

  /** Members with names of the writer's choice. An item stands where its name does. */
  entries(what: string): readonly (readonly [string, YamlItem])[] {
    if (!isMap<Node, Node | null>(this.#node)) throw this.problem(`${what} must have members`);
    return this.#node.items.map(({ key, value }) => [
      isScalar(key) ? String(key.value) : '',
      new YamlItem(this.#source, value ?? new Scalar(null), key),
    ]);
  }

  list(what: string): readonly YamlItem[] {
    if (!isSeq<Node>(this.#node)) throw this.problem(`${what} must be a list`);
    return this.#node.items.map((node) => new YamlItem(this.#source, node));
  }

  text(what: string): string {
    if (isScalar(this.#node) && typeof this.#node.value === 'string') return this.#node.value;
    throw this.problem(`${what} must be a text`);
  }

  flag(what: string): boolean {
    if (isScalar(this.#node) && typeof this.#node.value === 'boolean') return this.#node.value;
    throw this.problem(`${what} must be true or false`);
  }

  value(): JsonValue {
    try {
      return this.#node.toJS(this.#source.document, { maxAliasCount: ALIASES_MAX }) as JsonValue;
    } catch {
      throw this.problem(`there are more than ${ALIASES_MAX} aliases in it`);
    }
  }
}
