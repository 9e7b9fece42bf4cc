import type { Database, Row, Session } from './database.js';
import { bytesOf, dateOf, textOf } from './rows.js';

export interface SigningKeyRecord {
  /** The thumbprint of the public key. */
  readonly id: string;
  readonly algorithm: string;
  readonly createdAt: Date;
  readonly activeFrom: Date;
  readonly sealed: Uint8Array;
}

type Records = readonly SigningKeyRecord[];

const recordOf = (row: Row): SigningKeyRecord => ({
  id: textOf(row, 'key_id'),
  algorithm: textOf(row, 'algorithm'),
  createdAt: dateOf(row, 'created_at'),
  activeFrom: dateOf(row, 'active_from'),
  sealed: bytesOf(row, 'sealed'),
});

/** All of them: a handful. */
export async function readSigningKeys(session: Session): Promise<Records> {
  const rows = await session.query(
    `SELECT key_id, algorithm, created_at, active_from, sealed FROM signing_key
     ORDER BY active_from, key_id`,
  );
  return rows.map(recordOf);
}

/**
 * Makes the keys what `decide` makes of them, one process at a time and all or nothing; returns what
 * it decided. `record` is done with it. Those who only read wait for nobody.
 */
export function changeSigningKeys(
  database: Database,
  decide: (stored: Records) => Records,
  record: (session: Session, before: Records, after: Records) => Promise<void>,
): Promise<Records> {
  return database.transaction(async (session) => {
    await session.query('LOCK TABLE signing_key IN SHARE ROW EXCLUSIVE MODE');
    const before = await readSigningKeys(session);
    const after = decide(before);
    const known = new Map(before.map((key) => [key.id, key]));
    for (const key of after) {
      const stored = known.get(key.id);
      known.delete(key.id);
      if (stored === undefined) await insert(session, key);
      else if (stored.activeFrom.getTime() !== key.activeFrom.getTime()) await move(session, key);
    }
    for (const id of known.keys()) {
      await session.query('DELETE FROM signing_key WHERE key_id = $1', [id]);
    }
    await record(session, before, after);
    return after;
  });
}

async function insert(session: Session, key: SigningKeyRecord): Promise<void> {
  await session.query(
    `INSERT INTO signing_key (key_id, algorithm, created_at, active_from, sealed)
     VALUES ($1, $2, $3, $4, decode($5, 'hex'))`,
    [key.id, key.algorithm, key.createdAt, key.activeFrom, Buffer.from(key.sealed).toString('hex')],
  );
}

async function move(session: Session, { id, activeFrom }: SigningKeyRecord): Promise<void> {
  await session.query('UPDATE signing_key SET active_from = $2 WHERE key_id = $1', [
    id,
    activeFrom,
  ]);
}
