/**
 * The schema as it is in the catalog, as SQL that makes it again: tables, columns, constraints,
 * indexes, functions, triggers, in the order of their names. Nothing in it depends on the version of PostgreSQL, from 15
 * on: what 18 newly keeps as constraints, NOT NULL, is told with the columns.
 */
import type { Session } from '../../src/storage/database.js';
import { textOf } from '../../src/storage/rows.js';

/** TypeORM's own. */
const LEFT_OUT = `c.relname NOT IN ('migrations', 'migrations_id_seq')`;

export async function dumpSchema(session: Session): Promise<string> {
  await refuseOtherObjects(session);
  const tables = await list(
    session,
    `SELECT relname FROM pg_class c WHERE relnamespace = 'public'::regnamespace
       AND relkind = 'r' AND ${LEFT_OUT} ORDER BY relname COLLATE "C"`,
  );
  const parts: string[] = [];
  for (const table of tables) parts.push(await dumpTable(session, table));
  const functions = await list(
    session,
    `SELECT pg_get_functiondef(oid) || ';' FROM pg_proc
     WHERE pronamespace = 'public'::regnamespace ORDER BY proname COLLATE "C"`,
  );
  const triggers = await list(
    session,
    `SELECT replace(pg_get_triggerdef(oid), 'public.', '') || ';' FROM pg_trigger
     WHERE NOT tgisinternal ORDER BY tgname COLLATE "C"`,
  );
  const code = [...functions.map((text) => text.replace('public.', '')), ...triggers];
  if (code.length > 0) parts.push(`${code.join('\n')}\n`);
  return parts.join('\n');
}

async function dumpTable(session: Session, table: string): Promise<string> {
  const columns = await list(
    session,
    `SELECT concat_ws(' ', quote_ident(attname), format_type(atttypid, atttypmod),
         CASE WHEN attcollation <> typcollation THEN 'COLLATE ' || quote_ident(collname) END,
         CASE WHEN attnotnull THEN 'NOT NULL' END,
         'DEFAULT ' || pg_get_expr(adbin, adrelid))
     FROM pg_attribute a JOIN pg_type t ON t.oid = atttypid
       LEFT JOIN pg_collation l ON l.oid = attcollation
       LEFT JOIN pg_attrdef d ON (adrelid, adnum) = (attrelid, attnum)
     WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    table,
  );
  const constraints = await list(
    session,
    `SELECT 'CONSTRAINT ' || quote_ident(conname) || ' ' || pg_get_constraintdef(oid)
     FROM pg_constraint WHERE conrelid = $1::regclass AND contype <> 'n'
     ORDER BY conname COLLATE "C"`,
    table,
  );
  const indexes = await list(
    session,
    `SELECT replace(pg_get_indexdef(indexrelid), ' ON public.', ' ON ')
     FROM pg_index JOIN pg_class ON oid = indexrelid WHERE indrelid = $1::regclass
       AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
     ORDER BY relname COLLATE "C"`,
    table,
  );
  const body = [...columns, ...constraints].map((line) => `  ${line}`).join(',\n');
  return [`CREATE TABLE ${table} (\n${body}\n);`, ...indexes.map((line) => `${line};`), ''].join(
    '\n',
  );
}

/** A dump that passed over what it does not know would prove nothing. */
async function refuseOtherObjects(session: Session): Promise<void> {
  const others = await list(
    session,
    `SELECT relname FROM pg_class c WHERE relnamespace = 'public'::regnamespace
       AND relkind NOT IN ('r', 'i') AND ${LEFT_OUT}
     UNION ALL SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace
       AND typrelid = 0 AND typelem = 0
     UNION ALL SELECT nspname FROM pg_namespace
       WHERE nspname NOT LIKE 'pg\\_%' AND nspname NOT IN ('public', 'information_schema')`,
  );
  if (others.length > 0) throw new Error(`the dump of schemas knows no ${others.join(', ')}`);
}

/** The one column of each row. */
async function list(session: Session, sql: string, ...values: string[]): Promise<string[]> {
  const rows = await session.query(`SELECT line FROM (${sql}) AS lines (line)`, values);
  return rows.map((row) => textOf(row, 'line'));
}
