/** What became of a store, for whoever reads it and for scripts. */
import type { Output } from '../../print.js';
import type { SourceStore } from './source-store.js';

export interface MovedStore {
  readonly id: string;
  readonly name: string;
  /** The store here, or the folder. */
  readonly to: string;
  readonly models: readonly MovedModel[];
  readonly assertions: number;
  readonly tuples: MovedTuples;
  /** Everything that was not taken, but for tuples. */
  readonly problems: readonly string[];
}

/** `to` is absent where it was not taken. */
export interface MovedModel {
  readonly from: string;
  readonly to?: string;
}

export interface MovedTuples {
  readonly read: number;
  readonly written: number;
  readonly already_there: number;
  readonly rejected: number;
}

export const NO_TUPLES: MovedTuples = { read: 0, written: 0, already_there: 0, rejected: 0 };

/** Collects what is not taken, and tells it at once. */
export class Problems {
  readonly all: string[] = [];
  readonly #store: SourceStore;
  readonly #output: Output;

  constructor(store: SourceStore, output: Output) {
    this.#store = store;
    this.#output = output;
  }

  add(text: string): void {
    this.all.push(text);
    this.#output.note(`${this.#store.name}: ${text}`);
  }
}

export const isWhole = ({ problems, tuples }: MovedStore): boolean =>
  problems.length === 0 && tuples.rejected === 0;

export function movedText({ name, id, to, models, assertions, tuples }: MovedStore): string {
  const { read, written, already_there: there, rejected } = tuples;
  const parts = [
    `${written} written`,
    ...(there > 0 ? [`${there} there already`] : []),
    ...(rejected > 0 ? [`${rejected} rejected`] : []),
  ];
  return [
    `${name}: ${id} -> ${to}`,
    ...models.map((model) => `  model ${model.from} -> ${model.to ?? 'not taken'}`),
    `  ${assertions} assertions`,
    `  ${read} tuples: ${parts.join(', ')}`,
  ].join('\n');
}
