import type { Session } from './database.js';
import { textOf } from './rows.js';

/** Keeps the value unless there is one already; returns the one that stands. */
export async function claimSetting(
  session: Session,
  name: string,
  value: unknown,
): Promise<unknown> {
  await session.query(
    `INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`,
    [name, JSON.stringify(value)],
  );
  return findSetting(session, name);
}

export async function findSetting(session: Session, name: string): Promise<unknown> {
  const [row] = await session.query(`SELECT value FROM setting WHERE name = $1`, [name]);
  return row?.['value'];
}

export async function putSetting(session: Session, name: string, value: unknown): Promise<void> {
  await session.query(
    `INSERT INTO setting (name, value) VALUES ($1, $2)
     ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
    [name, JSON.stringify(value)],
  );
}

/** For tokens that belong to no store. A migration made it, once in the life of the database. */
export async function deploymentTokenKey(session: Session): Promise<Uint8Array> {
  const [row] = await session.query(`SELECT value FROM setting WHERE name = 'token_key'`);
  if (row === undefined) throw new TypeError('the setting token_key is missing');
  return Buffer.from(textOf(row, 'value'), 'hex');
}
