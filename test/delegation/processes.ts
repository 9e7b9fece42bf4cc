/** Processes that sign with the keys of one database, as tests of them need: time and polls by hand. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../../src/clock.js';
import { MasterKey } from '../../src/delegation/sealed-key.js';
import { StoredKeys } from '../../src/delegation/stored-keys.js';
import type { StoredKeysParts } from '../../src/delegation/stored-keys.js';
import type { Timers } from '../../src/identity/timers.js';
import type { Database } from '../../src/storage/database.js';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export function newMaster(): MasterKey {
  const key = MasterKey.parse(randomBytes(32).toString('base64'));
  if (key === undefined) throw new Error('32 bytes are a master key');
  return key;
}

/** For whoever polls by hand. */
export const NO_TIMERS: Timers = { after: () => () => undefined };

/** The same clock with another opinion of the time. */
export const skewed = (clock: Clock, ms: number): Clock => ({
  now: () => clock.now() + ms,
  monotonic: () => clock.monotonic(),
});

export interface TestProcess {
  readonly keys: StoredKeys;
  /** What it told of, such as `made k1`. */
  readonly told: string[];
}

type Given = Pick<StoredKeysParts, 'database' | 'clock'> & Partial<StoredKeysParts>;

export function processOn(given: Given, master: MasterKey): TestProcess {
  const told: string[] = [];
  const tell =
    (what: string) =>
    (subject: unknown): void => {
      told.push(`${what} ${idOf(subject)}`.trim());
    };
  const keys = new StoredKeys({
    random: randomBytes,
    timers: NO_TIMERS,
    masterKey: () => master,
    algorithm: 'EdDSA',
    lifetimeMs: 30 * DAY,
    pollIntervalMs: 1000,
    auditStore: undefined,
    events: {
      made: tell('made'),
      removed: tell('removed'),
      signing: tell('signing'),
      unreadable: tell('unreadable'),
      failed: () => told.push('failed'),
      off: () => undefined,
    },
    ...given,
  });
  return { keys, told };
}

function idOf(subject: unknown): string {
  if (typeof subject === 'string') return subject;
  return typeof subject === 'object' && subject !== null && 'id' in subject
    ? String(subject.id)
    : '';
}

export const statesOf = ({ keys }: TestProcess): readonly string[] =>
  keys.list().map(({ state }) => state);

export const idIn = ({ keys }: TestProcess, state: string): string => {
  const found = keys.list().find((key) => key.state === state);
  if (found === undefined) throw new Error(`no key is ${state}`);
  return found.id;
};

export async function withoutKeys(database: Database): Promise<void> {
  await database.query('DELETE FROM signing_key');
}
