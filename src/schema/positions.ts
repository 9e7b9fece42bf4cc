/** A place in a text, both counted from 1; columns in UTF-16 units, as editors count. */
export interface Position {
  readonly line: number;
  readonly column: number;
  /** The module file's name; absent in a model of one text. */
  readonly file?: string;
}

export const formatPosition = ({ line, column, file }: Position): string =>
  `line ${line}, column ${column}${file === undefined ? '' : ` of ${file}`}`;

/** The words of a node that have a place of their own. */
export type Part = 'name' | 'tupleset' | 'relation' | 'condition' | 'expression';

/**
 * Where in the DSL the nodes of one Model were written, beside the model because most models have
 * none (they came as JSON). The key is a node's identity: two equal rewrites in two relations have
 * two places, and a copied node has none.
 *
 *   name        a type, relation, condition or parameter type; the type of a restriction
 *   relation    of a computed, a `from` (before the keyword) or a userset restriction
 *   tupleset    of a `from` (after the keyword)
 *   condition   of a restriction (after `with`)
 *   expression  of a condition: where its CEL text begins
 */
export class Positions {
  readonly #parts = new Map<Part, Map<object, Position>>();

  of(node: object, part: Part): Position | undefined {
    return this.#parts.get(part)?.get(node);
  }

  record(node: object, part: Part, position: Position): void {
    const places = this.#parts.get(part);
    if (places === undefined) this.#parts.set(part, new Map([[node, position]]));
    else places.set(node, position);
  }
}

/** The place in the whole text of a place inside a fragment of it that begins at `start`. */
export function within(start: Position, line: number, column: number): Position {
  return line === 1
    ? { ...start, column: start.column + column - 1 }
    : { ...start, line: start.line + line - 1, column };
}
