/** Rows of the tuple tables ⇄ relation tuples, and values out of rows of any table. */
import { asRevision } from '../ids.js';
import type { Revision } from '../ids.js';
import { subjectColumns, subjectFromColumns } from '../tuple/filter.js';
import type { JsonObject, RelationTuple, TupleKey } from '../tuple/tuple.js';
import type { Row, SqlValue } from './database.js';

export const KEY_COLUMNS = [
  'object_type',
  'object_id',
  'relation',
  'subject_type',
  'subject_id',
  'subject_relation',
] as const;
export type KeyColumn = (typeof KEY_COLUMNS)[number];

export const TUPLE_COLUMNS = [
  ...KEY_COLUMNS,
  'condition_name',
  'condition_context',
  'expires_at',
] as const;

export function textOf(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw new TypeError(`column ${column} holds no text`);
  return value;
}

export function dateOf(row: Row, column: string): Date {
  const value = row[column];
  if (!(value instanceof Date)) throw new TypeError(`column ${column} holds no time`);
  return value;
}

export function bytesOf(row: Row, column: string): Uint8Array {
  const value = row[column];
  if (!(value instanceof Uint8Array)) throw new TypeError(`column ${column} holds no bytes`);
  return value;
}

/** A bigint arrives as text, an integer as a number. */
export function numberOf(row: Row, column: string): number {
  const value = Number(row[column]);
  if (!Number.isSafeInteger(value)) throw new TypeError(`column ${column} holds no whole number`);
  return value;
}

export const revisionOf = (row: Row, column: string): Revision => asRevision(numberOf(row, column));

export function keyOf(row: Row): TupleKey {
  return {
    object: { type: textOf(row, 'object_type'), id: textOf(row, 'object_id') },
    relation: textOf(row, 'relation'),
    subject: subjectFromColumns(
      textOf(row, 'subject_type'),
      textOf(row, 'subject_id'),
      textOf(row, 'subject_relation'),
    ),
  };
}

export function tupleOf(row: Row): RelationTuple {
  const conditionName = row['condition_name'];
  const expiresAt = row['expires_at'];
  return {
    ...keyOf(row),
    ...(typeof conditionName === 'string' && {
      // Written by `tupleValues` as JSON of a JsonObject.
      condition: { name: conditionName, context: (row['condition_context'] ?? {}) as JsonObject },
    }),
    ...(expiresAt instanceof Date && { expiresAt: expiresAt.getTime() }),
  };
}

/** In the order of KEY_COLUMNS. */
export function keyValues(key: TupleKey): string[] {
  const subject = subjectColumns(key.subject);
  return [key.object.type, key.object.id, key.relation, subject.type, subject.id, subject.relation];
}

/** The values of KEY_COLUMNS with a space between, which no name holds. */
export const textOfKey = (key: TupleKey): string => keyValues(key).join(' ');

export function keyOfText(text: string): TupleKey {
  const [objectType, objectId, relation, subjectType, subjectId, subjectRelation] = text.split(' ');
  if (
    objectType === undefined ||
    objectId === undefined ||
    relation === undefined ||
    subjectType === undefined ||
    subjectId === undefined ||
    subjectRelation === undefined
  ) {
    throw new TypeError('a text that should be a key is none');
  }
  return {
    object: { type: objectType, id: objectId },
    relation,
    subject: subjectFromColumns(subjectType, subjectId, subjectRelation),
  };
}

/** In the order of TUPLE_COLUMNS. */
export function tupleValues(tuple: RelationTuple): (string | null)[] {
  return [
    ...keyValues(tuple),
    tuple.condition?.name ?? null,
    tuple.condition === undefined ? null : JSON.stringify(tuple.condition.context),
    tuple.expiresAt === undefined ? null : new Date(tuple.expiresAt).toISOString(),
  ];
}

/** As it will be read back: JSON knows no -0 and no Infinity, and all replicas must agree. */
export function asStored(tuple: RelationTuple): RelationTuple {
  if (tuple.condition === undefined) return tuple;
  const { name, context } = tuple.condition;
  return {
    ...tuple,
    condition: { name, context: JSON.parse(JSON.stringify(context)) as JsonObject },
  };
}

/** Rows of values → one array a column, for `unnest`. */
export function columnArrays(
  rows: readonly (readonly (string | number | null)[])[],
  columnCount: number,
): SqlValue[] {
  return Array.from({ length: columnCount }, (_, column) =>
    rows.map((values) => values[column] ?? null),
  );
}
