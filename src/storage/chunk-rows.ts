/** A chunk of an import as lines of COPY text, each with its key. */
import type { EntityAttributes, StoreChange } from '../tuple/attributes.js';
import type { JsonObject, RelationTuple } from '../tuple/tuple.js';
import { formatCopyLine } from './copy-text.js';
import { asStored, keyValues, tupleValues } from './rows.js';

/** A tuple, its columns in the order of TUPLE_COLUMNS, or the attributes of an entity. */
interface ChunkRow<Content> {
  readonly key: string;
  readonly line: string;
  readonly content: Content;
}

export class ChunkRows {
  /** In the order of the primary key. */
  readonly tuples: readonly ChunkRow<RelationTuple>[];
  readonly entities: readonly ChunkRow<EntityAttributes>[];
  readonly #keys: ReadonlySet<string>;

  /** Of those with the same key the first counts. */
  constructor(tuples: readonly RelationTuple[], entities: readonly EntityAttributes[] = []) {
    const keys = new Set<string>();
    const isNew = (key: string): boolean => keys.size < keys.add(key).size;
    this.tuples = sorted(
      tuples.flatMap((tuple) => {
        const key = tupleKey(tuple);
        return isNew(key) ? [{ key, line: tupleLine(key, tuple), content: tuple }] : [];
      }),
    );
    this.entities = sorted(
      entities.flatMap((content) => {
        const key = `${content.entity.type}\t${content.entity.id}`;
        return isNew(key) ? [{ key, line: attributesLine(content), content }] : [];
      }),
    );
    this.#keys = keys;
  }

  get count(): number {
    return this.#keys.size;
  }

  /** Whether they have a key in common. */
  overlap({ tuples, entities }: ChunkRows): boolean {
    const isHere = ({ key }: { readonly key: string }): boolean => this.#keys.has(key);
    return tuples.some(isHere) || entities.some(isHere);
  }

  /** As they will be read back. */
  changes(): readonly StoreChange[] {
    return [
      ...this.tuples.map(({ content }) => ({
        operation: 'write' as const,
        tuple: asStored(content),
      })),
      ...this.entities.map(({ content: { entity, attributes } }) => ({
        operation: 'attributes' as const,
        entity,
        attributes: JSON.parse(JSON.stringify(attributes)) as JsonObject,
      })),
    ];
  }
}

/** No name holds a tab, so the order of these is that of the columns. */
const tupleKey = (tuple: RelationTuple): string => keyValues(tuple).join('\t');

const sorted = <Content>(rows: ChunkRow<Content>[]): readonly ChunkRow<Content>[] =>
  rows.sort((a, b) => (a.key < b.key ? -1 : 1));

/** Of what names hold, only a backslash is special; and most tuples carry nothing. */
const tupleLine = (key: string, tuple: RelationTuple): string =>
  tuple.condition === undefined && tuple.expiresAt === undefined && !key.includes('\\')
    ? `${key}\t\\N\t\\N\t\\N\n`
    : formatCopyLine(tupleValues(tuple));

const attributesLine = ({ entity, attributes }: EntityAttributes): string =>
  formatCopyLine([entity.type, entity.id, JSON.stringify(attributes)]);
