/** A store's tuples and attributes as of one head, by COPY: the fastest way that PostgreSQL has. */
import type pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import type { StoreId } from '../ids.js';
import { subjectFromColumns } from '../tuple/filter.js';
import type { JsonObject, ObjectRef, RelationTuple } from '../tuple/tuple.js';
import { CopyLines, parseCopyLine } from './copy-text.js';
import type { CopyRow } from './copy-text.js';
import type { Database, Row } from './database.js';
import { KEY_COLUMNS } from './rows.js';
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
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const { rows } = await client.query<Row>(
      `SELECT ${HEAD_COLUMNS} FROM store WHERE store_id = $1 AND deleted_at IS NULL`,
      [storeId],
    );
    const [store] = rows;
    if (store === undefined) return undefined;
    const head = headOf(store);
    receiver.begin(head);
    await readLines(client, copyTuples(storeId), (line) => {
      receiver.tuple(tupleOf(line));
    });
    await readLines(client, copyAttributes(storeId), (line) => {
      const [type, id, attributes] = parseCopyLine(line);
      const entity = { type: type ?? '', id: id ?? '' };
      receiver.attributes(entity, JSON.parse(attributes ?? '{}') as JsonObject);
    });
    return head;
  });
}

async function readLines(
  client: pg.ClientBase,
  statement: string,
  take: (line: string) => void,
): Promise<void> {
  const lines = new CopyLines();
  for await (const chunk of client.query(copyTo(statement))) {
    for (const line of lines.take(chunk as Buffer)) take(line);
  }
}

/** COPY takes no parameters. A store's id is a ULID, and quoted all the same. */
const quoted = (storeId: StoreId): string => `'${storeId.replaceAll("'", "''")}'`;

const copyTuples = (storeId: StoreId): string =>
  `COPY (SELECT ${KEY_COLUMNS.join(', ')}, condition_name, condition_context,
     (extract(epoch FROM expires_at) * 1000)::bigint
   FROM relation_tuple WHERE store_id = ${quoted(storeId)}) TO STDOUT`;

const copyAttributes = (storeId: StoreId): string =>
  `COPY (SELECT object_type, object_id, attributes
   FROM entity_attributes WHERE store_id = ${quoted(storeId)}) TO STDOUT`;

const PLAIN_END = '\t\\N\t\\N\t\\N';

function tupleOf(line: string): RelationTuple {
  // Most tuples carry nothing, and nothing in them is escaped.
  const isPlain = line.endsWith(PLAIN_END) && line.indexOf('\\') === line.length - 8;
  const row = isPlain ? line.slice(0, -PLAIN_END.length).split('\t') : parseCopyLine(line);
  const [objectType, objectId, relation, subjectType, subjectId, subjectRelation] = row;
  const key = {
    object: { type: objectType ?? '', id: objectId ?? '' },
    relation: relation ?? '',
    subject: subjectFromColumns(subjectType ?? '', subjectId ?? '', subjectRelation ?? ''),
  };
  return isPlain ? key : { ...key, ...carried(row) };
}

function carried(row: CopyRow): Pick<RelationTuple, 'condition' | 'expiresAt'> {
  const [name, context, expiresAt] = row.slice(KEY_COLUMNS.length);
  return {
    ...(typeof name === 'string' && {
      condition: { name, context: JSON.parse(context ?? '{}') as JsonObject },
    }),
    ...(typeof expiresAt === 'string' && { expiresAt: Number(expiresAt) }),
  };
}
