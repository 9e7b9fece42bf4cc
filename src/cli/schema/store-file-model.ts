/**
 * The model of a store file (`shop.fga.yaml`): either its `model` is the DSL itself, whose places are
 * then told as places of the store file, or `model_file` names where it is.
 */
import { LineCounter, Scalar, parseDocument } from 'yaml';

export type StoreFileModel =
  | { readonly kind: 'file'; readonly name: string }
  | {
      readonly kind: 'inline';
      readonly text: string;
      /** The place in the store file of one in the text. */
      readonly placeOf: (line: number, column: number) => Place;
    }
  | { readonly kind: 'none'; readonly problems: readonly StoreFileProblem[] };

export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface StoreFileProblem extends Partial<Place> {
  readonly message: string;
}

export function modelOfStoreFile(text: string): StoreFileModel {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  if (document.errors.length > 0) {
    return {
      kind: 'none',
      problems: document.errors.map(({ message, pos }) => ({ message, ...placeAt(pos[0]) })),
    };
  }
  const contents: unknown = document.contents;
  if (contents === null || typeof contents !== 'object' || !('items' in contents)) {
    return { kind: 'none', problems: [{ message: 'a store file is a YAML map' }] };
  }
  const inline = document.get('model', true);
  if (inline instanceof Scalar && typeof inline.value === 'string') {
    const start = placeAt(inline.range?.[0] ?? 0);
    const isBlock = inline.type === Scalar.BLOCK_LITERAL;
    const places = isBlock ? blockPlaces(text, inline.value, start) : () => start;
    return { kind: 'inline', text: inline.value, placeOf: places };
  }
  const name = document.get('model_file');
  if (typeof name === 'string' && name !== '') return { kind: 'file', name };
  return { kind: 'none', problems: [{ message: "it has neither 'model' nor 'model_file'" }] };
}

/** Lines of a block scalar follow its `|`, each behind the block's indentation. */
function blockPlaces(
  text: string,
  value: string,
  start: Place,
): (line: number, column: number) => Place {
  const lines = text.split('\n').slice(start.line);
  const inner = value.split('\n');
  return (line, column) => {
    const whole = (lines[line - 1] ?? '').replace(/\r$/, '');
    const indentation = Math.max(0, whole.length - (inner[line - 1] ?? '').length);
    return { line: start.line + line, column: column + indentation };
  };
}
