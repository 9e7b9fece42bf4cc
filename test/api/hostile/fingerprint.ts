import type { Pemba } from '../../support/pemba.js';

const TABLES = [
  ...['store', 'authorization_model', 'assertion', 'relation_tuple', 'tuple_change'],
  ...['api_key', 'audit_entry'],
];

/** Of every row of every table: equal before and after if nothing was written. */
export async function fingerprintOf({ assembly }: Pemba): Promise<unknown> {
  const sums = TABLES.map(
    (table) => `(SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM ${table} t) ${table}`,
  );
  const [row] = await assembly.database.query(`SELECT ${sums.join(', ')}`);
  return row;
}
