/** The statements of the write path, put together from their parts. `write-tuples.ts` sends them. */
import { insertedEntries } from './audit.js';
import type { Prepared } from './database.js';
import { KEY_COLUMNS, TUPLE_COLUMNS } from './rows.js';
import { CHANGE_CHANNEL } from './stores.js';

const KEY_TYPES = KEY_COLUMNS.map(() => 'text');
const TUPLE_TYPES = [...KEY_TYPES, 'text', 'text', 'timestamptz'];

function unnested(first: number, types: readonly string[]): string {
  return `unnest(${types.map((type, i) => `$${first + i}::${type}[]`).join(', ')})`;
}

/**
 * The stored tuples whose keys are in the arrays from parameter `first` on, each looked up by its
 * key: as a plain join, some thousand keys would have PostgreSQL read the whole table instead.
 */
const stored = (first: number, columns: readonly string[]): string => `
  SELECT found.* FROM ${unnested(first, KEY_TYPES)} AS named (${KEY_COLUMNS.join(', ')})
  CROSS JOIN LATERAL (
    SELECT ${columns.join(', ')} FROM relation_tuple t
    WHERE t.store_id = $1 ${KEY_COLUMNS.map((c) => `AND t.${c} = named.${c}`).join(' ')} LIMIT 1
  ) AS found`;

const FIRST_NAMED = 2;
/** One row a tuple found, one without a tuple if none was; no row when there is no such store. */
export const readNamedStatement = `
  SELECT s.head_revision, s.audit_sequence, s.audit_hash, t.*, (
    SELECT changed_at FROM tuple_change
    WHERE store_id = $1 ORDER BY revision DESC, ordinal DESC LIMIT 1
  ) AS head_changed_at
  FROM store s LEFT JOIN LATERAL (
    ${stored(
      FIRST_NAMED,
      TUPLE_COLUMNS.map((column) => `t.${column}`),
    )}
  ) AS t ON true
  WHERE s.store_id = $1 AND s.deleted_at IS NULL`;

const ENTITY_COLUMNS = ['object_type', 'object_id'] as const;
export const ATTRIBUTE_COLUMNS = [...ENTITY_COLUMNS, 'attributes'] as const;

const storedAttributes = (first: number, columns: string): string => `
  SELECT found.* FROM ${unnested(first, ['text', 'text'])} AS named (${ENTITY_COLUMNS.join(', ')})
  CROSS JOIN LATERAL (
    SELECT ${columns} FROM entity_attributes a
    WHERE a.store_id = $1 ${ENTITY_COLUMNS.map((c) => `AND a.${c} = named.${c}`).join(' ')} LIMIT 1
  ) AS found`;

/** As the one for tuples; with the head, which has to be the one that the tuples were read at. */
export const readAttributesStatement = `
  SELECT s.head_revision, a.* FROM store s LEFT JOIN LATERAL (
    ${storedAttributes(FIRST_NAMED, ATTRIBUTE_COLUMNS.map((column) => `a.${column}`).join(', '))}
  ) AS a ON true
  WHERE s.store_id = $1 AND s.deleted_at IS NULL`;

const LOG_COLUMNS = ['revision', 'ordinal', 'operation', ...TUPLE_COLUMNS] as const;
const LOG_TYPES = ['bigint', 'integer', 'text', ...TUPLE_TYPES];
const TUPLE_SELECTION = [
  ...KEY_COLUMNS,
  'condition_name',
  'condition_context::jsonb',
  'expires_at',
];

const FIRST_LOGGED = 5;
const FIRST_STORED = FIRST_LOGGED + LOG_COLUMNS.length;

/** After everything else: where the audit log was found to end, where it ends now, the entries. */
interface AuditParameters {
  readonly first: number;
}

/**
 * Everything else depends on its row. A store that was deleted since it was read takes the write with
 * it, as if that had come first. (Asking here whether it is deleted offers PostgreSQL an index that
 * holds only stores that are not, by name, and a plan that reads all of it may be kept for long.)
 */
const moved = (audit?: AuditParameters): string => {
  const [set, where] =
    audit === undefined
      ? ['', '']
      : [
          `, audit_sequence = $${audit.first + 1}, audit_hash = decode($${audit.first + 2}, 'hex')`,
          `AND audit_sequence = $${audit.first}`,
        ];
  return `moved AS (
    UPDATE store SET head_revision = $3${set}
    WHERE store_id = $1 AND head_revision = $2 ${where} RETURNING store_id
  )`;
};

const recorded = (audit?: AuditParameters): string =>
  audit === undefined ? '' : `, recorded AS (${insertedEntries(audit.first + 3, 'moved')})`;

const storedFrom = (source: string): string => `stored AS (
    INSERT INTO relation_tuple (store_id, ${TUPLE_COLUMNS.join(', ')}, written_at)
    SELECT store_id, ${TUPLE_SELECTION.join(', ')}, $4::timestamptz FROM moved, ${source}
    ON CONFLICT (store_id, ${KEY_COLUMNS.join(', ')}) DO UPDATE SET
      condition_name = excluded.condition_name, condition_context = excluded.condition_context,
      expires_at = excluded.expires_at, written_at = excluded.written_at
  )`;

const LOGGED = `${unnested(FIRST_LOGGED, LOG_TYPES)} AS entry (${LOG_COLUMNS.join(', ')})`;
const loggedFrom = (source: string, more = '', moreSelected = ''): string => `logged AS (
    INSERT INTO tuple_change (store_id, revision, ordinal, operation,
      ${TUPLE_COLUMNS.join(', ')}, changed_at${more})
    SELECT store_id, revision, ordinal, operation, ${TUPLE_SELECTION.join(', ')},
      $4::timestamptz${moreSelected}
    FROM moved, ${source}
  )`;

const notified = `SELECT pg_notify('${CHANGE_CHANNEL}', store_id || ' ' || $3::bigint) FROM moved`;

/** As a rule nothing is deleted: what is logged is what is stored. */
const saveWrites = (audit?: AuditParameters): string =>
  `WITH ${moved(audit)}, ${storedFrom(LOGGED)}, ${loggedFrom(LOGGED)}${recorded(audit)} ${notified}`;

export const saveWritesStatement: Prepared = { name: 'save_writes', text: saveWrites() };

export const saveAuditedWritesStatement: Prepared = {
  name: 'save_audited_writes',
  text: saveWrites({ first: FIRST_STORED }),
};

const FIRST_STORED_OF_ALL = FIRST_STORED + 1;
const FIRST_REMOVED = FIRST_STORED_OF_ALL + TUPLE_COLUMNS.length;
const FIRST_GIVEN = FIRST_REMOVED + KEY_COLUMNS.length;
const FIRST_TAKEN = FIRST_GIVEN + ATTRIBUTE_COLUMNS.length;

/** With what it says of attributes. */
const LOGGED_OF_ALL = `${unnested(FIRST_LOGGED, [...LOG_TYPES, 'text'])}
  AS entry (${LOG_COLUMNS.join(', ')}, attributes)`;

const ATTRIBUTES_SAVED = `given AS (
    INSERT INTO entity_attributes (store_id, ${ATTRIBUTE_COLUMNS.join(', ')}, written_at)
    SELECT store_id, ${ENTITY_COLUMNS.join(', ')}, attributes::json, $4::timestamptz
    FROM moved, ${unnested(FIRST_GIVEN, ['text', 'text', 'text'])}
      AS new (${ATTRIBUTE_COLUMNS.join(', ')})
    ON CONFLICT (store_id, ${ENTITY_COLUMNS.join(', ')}) DO UPDATE SET
      attributes = excluded.attributes, written_at = excluded.written_at
  ), taken AS (
    DELETE FROM entity_attributes WHERE store_id = $1 AND EXISTS (SELECT FROM moved)
      AND ctid = ANY (ARRAY(${storedAttributes(FIRST_TAKEN, 'a.ctid')}))
  )`;

/**
 * The sets of removed and of stored keys are disjoint, so the order of the parts is of no matter.
 * It is planned each time: a plan that is kept from when the table was small would read all of it.
 */
const saveAll = (audit?: AuditParameters): string => `
  WITH ${moved(audit)}, removed AS (
    DELETE FROM relation_tuple
    WHERE store_id = $1 AND EXISTS (SELECT FROM moved)
      AND ctid = ANY (ARRAY(${stored(FIRST_REMOVED, ['t.ctid'])}))
  ), ${storedFrom(
    `${unnested(FIRST_STORED_OF_ALL, TUPLE_TYPES)} AS new (${TUPLE_COLUMNS.join(', ')})`,
  )}, ${ATTRIBUTES_SAVED},
  ${loggedFrom(LOGGED_OF_ALL, ', attributes', ', attributes::json')}${recorded(audit)} ${notified}`;

export const saveStatement = saveAll();
export const saveAuditedStatement = saveAll({ first: FIRST_TAKEN + ENTITY_COLUMNS.length });
