/**
 * The index on tuples by kind, which is relation and type of object, and in one by subject. It holds
 * one text a tuple, because comparing seven columns was most of what a write to it cost:
 *
 *   store ⇥ relation ⇥ type ⇥ type of subject ⇥ id of subject ⇥ relation of subject ⇥ id
 *   └──────── kind ───────┘
 *
 * No name holds white space or control characters (src/tuple/tuple.ts). So the texts are in the order
 * of their columns, and those that begin with some names lie between these with a tab and these with
 * a newline, the character after it. SQL here is about rows of `relation_tuple t`.
 */
import type { StoreId } from '../ids.js';
import type { TupleKey } from '../tuple/tuple.js';
import { KEY_COLUMNS, keyValues } from './rows.js';
import type { KeyColumn } from './rows.js';

const TAB = "E'\\t'";
const NEWLINE = "E'\\n'";

export const KIND_COLUMNS: readonly KeyColumn[] = ['relation', 'object_type'];
export const SUBJECT_COLUMNS: readonly KeyColumn[] = [
  'subject_type',
  'subject_id',
  'subject_relation',
];
export const KIND_ORDER: readonly KeyColumn[] = [...KIND_COLUMNS, ...SUBJECT_COLUMNS, 'object_id'];

const joined = (texts: readonly string[]): string => texts.join(` || ${TAB} || `);
const entryOfColumns = (columns: readonly KeyColumn[]): string =>
  joined(['store_id', ...columns].map((column) => `t.${column}`));

/** What the index holds of a row, as migrations/0015_kind_text.sql has it. */
export const ENTRY = entryOfColumns(KIND_ORDER);
/** What the entries of the row's kind begin with. */
export const KIND = entryOfColumns(KIND_COLUMNS);

/** Names as the entries of a store begin with them. */
export const entryPrefix = (storeId: StoreId, names: readonly string[]): string =>
  [storeId, ...names].join('\t');

export function entryOf(storeId: StoreId, key: TupleKey): string {
  const values = keyValues(key);
  const names = KIND_ORDER.map((column) => values[KEY_COLUMNS.indexOf(column)] ?? '');
  return entryPrefix(storeId, names);
}

/** Conditions on entries that begin with these; `prefix` and `names` are SQL for texts. */
export function beginsWith(prefix: string, names: readonly string[] = []): string {
  const begin = joined([prefix, ...names]);
  return `${ENTRY} >= ${begin} || ${TAB} AND ${isBefore(begin)}`;
}
const isBefore = (end: string): string => `${ENTRY} < ${end} || ${NEWLINE}`;

/** Conditions on entries that begin with `prefix`, and are behind all that begin with `passed`. */
export const beginsWithPast = (prefix: string, passed: string): string =>
  `${ENTRY} >= ${passed} || ${NEWLINE} AND ${isBefore(prefix)}`;
