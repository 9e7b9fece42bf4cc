/**
 * A chunk of an import, gathered and then put in the order of its keys, to be copied as it stands. Of
 * a tuple little more than the text of its key is kept (`document 1 viewer user anne `, a name never
 * holds a space): what is held for some tenths of a second is what garbage collection pays for, and
 * objects for each tuple took a third of an import's time in Node. So the tuples are made again where
 * they are wanted, one after the other.
 */
import type { AttributesChange, EntityAttributes, StoreChanges } from '../tuple/attributes.js';
import type { StoreChange } from '../tuple/attributes.js';
import type { JsonObject, RelationTuple } from '../tuple/tuple.js';
import { asStored, keyOfText, textOfKey } from './rows.js';

export interface TupleRow {
  readonly key: string;
  /** Where there is more to it than its key. */
  readonly tuple: RelationTuple | undefined;
}

export interface EntityRow {
  readonly key: string;
  readonly content: EntityAttributes;
}

interface Stored {
  readonly tuples: ReadonlySet<string>;
  readonly entities: ReadonlySet<string>;
}

/** Rows of a chunk that is not complete. */
export class ChunkGathering {
  #tuples: TupleRow[] = [];
  #entities: EntityRow[] = [];

  get count(): number {
    return this.#tuples.length + this.#entities.length;
  }

  addTuple(tuple: RelationTuple): void {
    const isOnlyKey = tuple.condition === undefined && tuple.expiresAt === undefined;
    this.#tuples.push({ key: textOfKey(tuple), tuple: isOnlyKey ? undefined : tuple });
  }

  addEntity(content: EntityAttributes): void {
    this.#entities.push({ key: `${content.entity.type} ${content.entity.id}`, content });
  }

  /** What was gathered; the next chunk begins. */
  take(): ChunkRows {
    const rows = new ChunkRows(this.#tuples, this.#entities);
    this.#tuples = [];
    this.#entities = [];
    return rows;
  }
}

export class ChunkRows {
  /** In the order of their keys, which is that of the primary key, and each key once. */
  readonly tuples: readonly TupleRow[];
  readonly entities: readonly EntityRow[];

  /** Of those with the same key the first counts. */
  constructor(tuples: readonly TupleRow[], entities: readonly EntityRow[]) {
    this.tuples = inOrder(tuples);
    this.entities = inOrder(entities);
  }

  static of(tuples: Iterable<RelationTuple>, entities: Iterable<EntityAttributes> = []): ChunkRows {
    const gathering = new ChunkGathering();
    for (const tuple of tuples) gathering.addTuple(tuple);
    for (const entity of entities) gathering.addEntity(entity);
    return gathering.take();
  }

  get count(): number {
    return this.tuples.length + this.entities.length;
  }

  /** The rows whose keys are not among these. */
  without({ tuples, entities }: Stored): ChunkRows {
    if (tuples.size + entities.size === 0) return this;
    return new ChunkRows(
      this.tuples.filter(({ key }) => !tuples.has(key)),
      this.entities.filter(({ key }) => !entities.has(key)),
    );
  }

  /** Whether they have a key in common. */
  overlap({ tuples, entities }: ChunkRows): boolean {
    return haveCommonKey(this.tuples, tuples) || haveCommonKey(this.entities, entities);
  }

  /** As they will be read back; made anew by each who goes through them. */
  changes(): StoreChanges {
    const { tuples, entities, count } = this;
    return {
      length: count,
      *[Symbol.iterator](): Generator<StoreChange> {
        for (const { key, tuple } of tuples) {
          yield {
            operation: 'write',
            tuple: tuple === undefined ? keyOfText(key) : asStored(tuple),
          };
        }
        for (const { content } of entities) yield attributesChange(content);
      },
    };
  }
}

const attributesChange = ({ entity, attributes }: EntityAttributes): AttributesChange => ({
  operation: 'attributes',
  entity,
  attributes: JSON.parse(JSON.stringify(attributes)) as JsonObject,
});

interface Keyed {
  readonly key: string;
}

function inOrder<Row extends Keyed>(rows: readonly Row[]): readonly Row[] {
  const sorted = rows.toSorted((a, b) => (a.key < b.key ? -1 : a.key === b.key ? 0 : 1));
  return sorted.filter((row, i) => row.key !== sorted[i - 1]?.key);
}

/** Of rows in order. */
function haveCommonKey(some: readonly Keyed[], others: readonly Keyed[]): boolean {
  let i = 0;
  for (const { key } of others) {
    while (i < some.length && (some[i]?.key ?? '') < key) i++;
    if (some[i]?.key === key) return true;
  }
  return false;
}
