/**
 * A store as of one head, by COPY: the fastest way that PostgreSQL has. For a graph, which takes what
 * it is given in the turn in which it comes; and for a reader who takes it in pieces, as fast as that
 * reader is.
 */
import type pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import type { StoreId } from '../ids.js';
import type { EntityAttributes } from '../tuple/attributes.js';
import type { JsonObject, ObjectRef, RelationTuple } from '../tuple/tuple.js';
import { CopyLines } from './copy-text.js';
import type { Database, Row } from './database.js';
import { textOf } from './rows.js';
import {
  assertionsOfLine,
  attributesOfLine,
  copyAssertions,
  copyAttributes,
  copyModels,
  copyTuples,
  modelOfLine,
  tupleOfLine,
} from './snapshot-lines.js';
import type { KeptAssertions, KeptModel } from './snapshot-lines.js';
import { HEAD_COLUMNS, headOf } from './stores.js';
import type { StoreHead } from './stores.js';

export interface SnapshotReceiver {
  /** Called first. */
  begin(head: StoreHead): void;
  tuple(tuple: RelationTuple): void;
  attributes(entity: ObjectRef, attributes: JsonObject): void;
}

/**
 * Returns the head; undefined when there is no such store. If the receiver throws, the reading ends
 * there.
 */
export async function readSnapshot(
  database: Database,
  storeId: StoreId,
  receiver: SnapshotReceiver,
): Promise<StoreHead | undefined> {
  return database.withDedicatedClient(async (client) => {
    const store = await beginSnapshot(client, storeId);
    if (store === undefined) return undefined;
    receiver.begin(store.head);
    for await (const lines of copied(client, copyTuples(storeId))) {
      for (const line of lines) receiver.tuple(tupleOfLine(line));
    }
    for await (const lines of copied(client, copyAttributes(storeId))) {
      for (const line of lines) {
        const { entity, attributes } = attributesOfLine(line);
        receiver.attributes(entity, attributes);
      }
    }
    return store.head;
  });
}

export type StorePiece =
  | { readonly kind: 'store'; readonly name: string; readonly head: StoreHead }
  | { readonly kind: 'models'; readonly models: readonly KeptModel[] }
  | { readonly kind: 'assertions'; readonly assertions: readonly KeptAssertions[] }
  | { readonly kind: 'tuples'; readonly tuples: readonly RelationTuple[] }
  | { readonly kind: 'attributes'; readonly entities: readonly EntityAttributes[] };

/**
 * The store itself first; nothing at all when there is no such store. With `models`, these and their
 * assertions come before the tuples. The transaction ends with the reading, wherever that ends.
 */
export function readPieces(
  database: Database,
  storeId: StoreId,
  { models }: { readonly models: boolean },
): AsyncGenerator<StorePiece, void, undefined> {
  return database.readDedicated((client) => piecesOf(client, storeId, models));
}

async function* piecesOf(
  client: pg.ClientBase,
  storeId: StoreId,
  withModels: boolean,
): AsyncGenerator<StorePiece, void, undefined> {
  const store = await beginSnapshot(client, storeId);
  if (store === undefined) return;
  yield { kind: 'store', ...store };
  if (withModels) {
    for await (const lines of copied(client, copyModels(storeId))) {
      yield { kind: 'models', models: lines.map(modelOfLine) };
    }
    for await (const lines of copied(client, copyAssertions(storeId))) {
      yield { kind: 'assertions', assertions: lines.map(assertionsOfLine) };
    }
  }
  for await (const lines of copied(client, copyTuples(storeId))) {
    yield { kind: 'tuples', tuples: lines.map(tupleOfLine) };
  }
  for await (const lines of copied(client, copyAttributes(storeId))) {
    yield { kind: 'attributes', entities: lines.map(attributesOfLine) };
  }
}

async function beginSnapshot(
  client: pg.ClientBase,
  storeId: StoreId,
): Promise<{ readonly name: string; readonly head: StoreHead } | undefined> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  const { rows } = await client.query<Row>(
    `SELECT ${HEAD_COLUMNS}, name FROM store WHERE store_id = $1 AND deleted_at IS NULL`,
    [storeId],
  );
  const [store] = rows;
  return store && { name: textOf(store, 'name'), head: headOf(store) };
}

/** The lines of a COPY as they come, some at a time. */
async function* copied(
  client: pg.ClientBase,
  statement: string,
): AsyncGenerator<readonly string[], void, undefined> {
  const lines = new CopyLines();
  for await (const chunk of client.query(copyTo(statement))) {
    const whole = lines.take(chunk as Buffer);
    if (whole.length > 0) yield whole;
  }
}
