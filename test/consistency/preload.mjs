/**
 * Loaded into a server process before its main program. The process ends when the test that started
 * it does; and with `?slow=SEED`, whatever it reads from the database takes a random time, on the way
 * there and on the way back: so it hears late of what other processes write.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Database } from '../../dist/storage/database.js';

process.on('disconnect', () => process.exit(1));
process.channel?.unref();

const slow = new URL(import.meta.url).searchParams.get('slow');
if (slow !== null) slowDown(Number(slow));

function slowDown(seed) {
  /** Mostly a few milliseconds, now and then this many. */
  const longestMs = 60;
  let state = seed >>> 0;
  const pause = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return sleep(longestMs * (state / 2 ** 32) ** 4);
  };
  const { query } = Database.prototype;
  Database.prototype.query = async function (...args) {
    await pause();
    const rows = await query.apply(this, args);
    await pause();
    return rows;
  };
}
