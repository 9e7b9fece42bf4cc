/**
 * A store as NDJSON: a value a line, and last a line that says what there should be, so that whoever
 * reads it knows whether it is whole. Of an import, a tuple and an entity's attributes look the same.
 */
import { createHash } from 'node:crypto';
import type { StoreExport, ContentPiece } from '../../operations/export.js';
import { formatObject } from '../../tuple/tuple.js';
import type { RelationTuple } from '../../tuple/tuple.js';
import { keyToWire } from './wire.js';

/** Of the lines that a backup has beside tuples and attributes. */
export const BACKUP_FORMAT = 1;

/** What the last line says. */
export interface WireEnd {
  readonly revision: number;
  readonly models?: number;
  readonly assertions?: number;
  readonly tuples: number;
  readonly attributes: number;
  /** Of all bytes before. */
  readonly sha256: string;
}

/** `storeLine` is that of a backup. */
export async function* exportLines(
  { pieces, revision }: StoreExport,
  storeLine?: object,
): AsyncGenerator<Buffer, void, undefined> {
  const hash = createHash('sha256');
  const isBackup = storeLine !== undefined;
  const counts = { ...(isBackup && { models: 0, assertions: 0 }), tuples: 0, attributes: 0 };
  if (isBackup) {
    const first = Buffer.from(lineOf({ store: storeLine }));
    hash.update(first);
    yield first;
  }
  for await (const piece of pieces) {
    const lines = linesOf(piece);
    counts[piece.kind] = (counts[piece.kind] ?? 0) + lines.length;
    const bytes = Buffer.from(lines.join(''));
    if (bytes.length === 0) continue;
    hash.update(bytes);
    yield bytes;
  }
  const end: WireEnd = { revision, ...counts, sha256: hash.digest('hex') };
  yield Buffer.from(lineOf({ end }));
}

export const lineOf = (value: object): string => `${JSON.stringify(value)}\n`;

function linesOf(piece: ContentPiece): readonly string[] {
  switch (piece.kind) {
    case 'models':
      return piece.models.map(({ createdAt, ...model }) =>
        lineOf({ model: { ...model, created_at: createdAt } }),
      );
    case 'assertions':
      return piece.assertions.map(({ modelId, body }) =>
        lineOf({ assertions: { model_id: modelId, body } }),
      );
    case 'tuples':
      return piece.tuples.map((tuple) => lineOf(tupleToLine(tuple)));
    case 'attributes':
      return piece.entities.map(({ entity, attributes }) =>
        lineOf({ entity: formatObject(entity), attributes }),
      );
  }
}

/** As a write takes it: what it does not carry is not said. */
const tupleToLine = (tuple: RelationTuple): object => ({
  ...keyToWire(tuple),
  ...(tuple.condition !== undefined && { condition: tuple.condition }),
  ...(tuple.expiresAt !== undefined && { expires_at: new Date(tuple.expiresAt).toISOString() }),
});
