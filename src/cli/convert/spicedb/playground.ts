/**
 * SpiceDB's validation files, as the playground exports them: a schema, or the name of its file,
 * with relationships, assertions and expected relations.
 */
import { isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Document, Node, Scalar } from 'yaml';
import type { Position } from '../../../schema/positions.js';
import { UnreadableInput } from '../finding.js';

export interface Line {
  readonly text: string;
  readonly position: Position;
}

export interface Playground {
  readonly schema?: Line;
  readonly schemaFile?: string;
  readonly relationships?: Line;
  readonly assertTrue: readonly Line[];
  readonly assertFalse: readonly Line[];
  readonly assertCaveated: readonly Line[];
  /** By `document:1#view`, such as `[user:anne] is <document:1#viewer>`. */
  readonly validation: readonly { readonly set: Line; readonly subjects: readonly Line[] }[];
}

export function parsePlayground(text: string, file: string): Playground {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col, file };
  };
  if (error !== undefined) throw new UnreadableInput(error.message, at(error.pos[0]));
  return new Reader(document, at).playground();
}

class Reader {
  readonly #document: Document;
  readonly #at: (offset: number) => Position;

  constructor(document: Document, at: (offset: number) => Position) {
    this.#document = document;
    this.#at = at;
  }

  playground(): Playground {
    const schema = this.#text('schema');
    const schemaFile = this.#text('schemaFile')?.text;
    const relationships = this.#text('relationships');
    return {
      ...(schema && { schema }),
      ...(schemaFile !== undefined && { schemaFile }),
      ...(relationships && { relationships }),
      assertTrue: this.#list('assertTrue'),
      assertFalse: this.#list('assertFalse'),
      assertCaveated: this.#list('assertCaveated'),
      validation: this.#validation(),
    };
  }

  #text(key: string): Line | undefined {
    const node: unknown = this.#document.get(key, true);
    return isScalar(node) && node.value !== null ? this.#line(node) : undefined;
  }

  #list(key: string): readonly Line[] {
    const node: unknown = this.#document.getIn(['assertions', key], true);
    return this.#lines(node);
  }

  #lines(node: unknown): readonly Line[] {
    return isSeq(node) ? node.items.filter(isScalar).map((item) => this.#line(item)) : [];
  }

  #validation(): Playground['validation'] {
    const node: unknown = this.#document.get('validation', true);
    if (!isMap(node)) return [];
    return node.items.flatMap(({ key, value }) =>
      isScalar(key) ? [{ set: this.#line(key), subjects: this.#lines(value) }] : [],
    );
  }

  /** The text of a block begins on the line below its mark. */
  #line(node: Scalar): Line {
    const isBlock = node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED';
    const start = this.#at((node as Node).range?.[0] ?? 0);
    const position = isBlock ? { ...start, line: start.line + 1, column: 1 } : start;
    return { text: String(node.value), position };
  }
}
