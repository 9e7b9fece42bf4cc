import type { Session } from './database.js';

/** True for the first of all processes that claims it. */
export async function claimOnce(
  session: Session,
  digest: Uint8Array,
  expiresAt: Date,
): Promise<boolean> {
  const claimed = await session.query(
    `INSERT INTO used_once (digest, expires_at) VALUES (decode($1, 'hex'), $2)
     ON CONFLICT (digest) DO NOTHING RETURNING 1`,
    [Buffer.from(digest).toString('hex'), expiresAt],
  );
  return claimed.length > 0;
}

/** At most `limit` rows of what has expired; returns how many there were. */
export async function forgetUsed(session: Session, now: Date, limit: number): Promise<number> {
  const gone = await session.query(
    `DELETE FROM used_once WHERE digest = ANY (ARRAY(
       SELECT digest FROM used_once WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2))
     RETURNING 1`,
    [now, limit],
  );
  return gone.length;
}
