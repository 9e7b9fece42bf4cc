/**
 * Which key signs when, as a function of the keys' times and the clock alone. All processes read the
 * same times, so they agree without a leader or a message:
 *
 *   next ────activeFrom────▶ active ──the next one's activeFrom──▶ retired ──75 min──▶ gone
 *   published, 1 h at least  published, signs                      published          deleted
 *
 * There is always a next key, made together with the first one and then with each that becomes
 * active. So a key has as a rule been published for its predecessor's whole lifetime before it signs;
 * `rotate` brings it forward, to the end of its first hour at the earliest; and a key that has to be
 * dropped has a successor which verifiers know.
 *
 * NOBODY SIGNS WITH WHAT OTHERS DO NOT PUBLISH. Let a process P have read the keys last at time r. A
 * key that P does not know was stored after r and signs from r + OVERLAP at the earliest. Until
 * r + IN_TOUCH, which is shorter, P publishes and signs with what it knows, database or not; its
 * set's max-age ends there, too. After that P does neither (`unavailable`). What P signs with until
 * then was active at r, so it became retired after r, and its stay among the published, RETIRED,
 * outlasts IN_TOUCH, the life of a token, and the max-age. The difference between OVERLAP and
 * IN_TOUCH is for clocks that differ and commits that take their time.
 *
 * Two exceptions. The very first key signs at once, for nobody can have asked for the set before: a
 * process makes or reads the keys before it serves. And when the active key is dropped and the next
 * one is younger than an hour, or there is none, it signs nevertheless; others have it after their
 * next poll, a second later. That is the price of an emergency within an hour after another.
 *
 * Rejected: a lease on signing (a leader to lose); a key that becomes active by a write (whoever is
 * cut off would go on with the old one for good); ten minutes for OVERLAP (the database being away
 * for five would silence everybody).
 */
export interface ScheduledKey {
  readonly id: string;
  readonly createdAt: Date;
  readonly activeFrom: Date;
}

export type KeyState = 'next' | 'active' | 'retired' | 'gone';

const MINUTE = 60_000;

/** Of the published set: how long a dropped key is believed at most by those who obey it. */
export const JWKS_MAX_AGE_SECONDS = 300;
/** No token that is signed here lives longer. */
export const TOKEN_LIFETIME_MAX_SECONDS = 300;
/**
 * From a key's making to its first use. Verifiers know it after the max-age and their cooldown, six
 * minutes; the rest is for processes without a database.
 */
export const OVERLAP_MS = 60 * MINUTE;
/** So long after the keys were read they are relied on. */
export const IN_TOUCH_MS = OVERLAP_MS - 5 * MINUTE;
/** From a key's last use to its end. */
export const RETIRED_MS =
  OVERLAP_MS + 5 * MINUTE + (TOKEN_LIFETIME_MAX_SECONDS + JWKS_MAX_AGE_SECONDS) * 1000;

export interface Rules<Key> {
  readonly now: number;
  readonly lifetimeMs: number;
  readonly make: (activeFrom: Date) => Key;
}

type Keys<Key> = readonly Key[];

const inOrder = <Key extends ScheduledKey>(keys: Keys<Key>): Keys<Key> =>
  keys.toSorted(
    (a, b) => a.activeFrom.getTime() - b.activeFrom.getTime() || (a.id < b.id ? -1 : 1),
  );

/** In the order in which they sign. One of them is active, if there is any. */
export function statesAt<Key extends ScheduledKey>(
  keys: Keys<Key>,
  now: number,
): readonly (readonly [Key, KeyState])[] {
  const ordered = inOrder(keys);
  // Of keys that all lie in the future the first was made by a process whose clock is ahead.
  const active = Math.max(
    0,
    ordered.findLastIndex((key) => key.activeFrom.getTime() <= now),
  );
  return ordered.map((key, i) => {
    const end = ordered[i + 1]?.activeFrom.getTime() ?? Infinity;
    if (i > active) return [key, 'next'];
    if (i === active) return [key, 'active'];
    return [key, now < end + RETIRED_MS ? 'retired' : 'gone'];
  });
}

/** The next instant at which some state changes by itself; Infinity if none does. */
export function nextChange(keys: Keys<ScheduledKey>, now: number): number {
  const starts = keys.map(({ activeFrom }) => activeFrom.getTime());
  const changes = starts.flatMap((start) => [start, start + RETIRED_MS]);
  return Math.min(Infinity, ...changes.filter((instant) => instant > now));
}

/** Whether a key is missing, or is to be deleted. */
export function needsUpkeep(keys: Keys<ScheduledKey>, now: number): boolean {
  const states = statesAt(keys, now);
  return find(states, 'next') === undefined || find(states, 'gone') !== undefined;
}

/** What has to be there, and nothing that is gone. */
export function upkeep<Key extends ScheduledKey>(keys: Keys<Key>, rules: Rules<Key>): Keys<Key> {
  const { now, lifetimeMs, make } = rules;
  const states = statesAt(keys, now);
  const kept = states.flatMap(([key, state]) => (state === 'gone' ? [] : [key]));
  const active = find(states, 'active') ?? make(new Date(now));
  if (kept.length === 0) kept.push(active);
  if (find(states, 'next') === undefined) {
    const planned = active.activeFrom.getTime() + lifetimeMs;
    kept.push(make(new Date(Math.max(planned, now + OVERLAP_MS))));
  }
  return kept;
}

/** The next key signs as soon as it may; nothing changes if that is under way. */
export function rotated<Key extends ScheduledKey>(keys: Keys<Key>, rules: Rules<Key>): Keys<Key> {
  const current = upkeep(keys, rules);
  const next = find(statesAt(current, rules.now), 'next');
  if (next === undefined) return current;
  const soonest = Math.max(rules.now, next.createdAt.getTime() + OVERLAP_MS);
  if (next.activeFrom.getTime() <= soonest) return current;
  return upkeep(broughtForward(current, next, soonest), rules);
}

/** Without the key. Who takes the place of the active one does so now. */
export function dropped<Key extends ScheduledKey>(
  keys: Keys<Key>,
  id: string,
  rules: Rules<Key>,
): Keys<Key> {
  const states = statesAt(keys, rules.now);
  const rest = keys.filter((key) => key.id !== id);
  if (find(states, 'active')?.id !== id) return upkeep(rest, rules);
  const next = find(states, 'next');
  const replaced =
    next === undefined
      ? [...rest, rules.make(new Date(rules.now))]
      : broughtForward(rest, next, rules.now);
  return upkeep(replaced, rules);
}

/** Without a next key of another kind, where there is time for one that takes its place. */
export function withoutNext<Key extends ScheduledKey>(
  keys: Keys<Key>,
  isUnwanted: (key: Key) => boolean,
  rules: Rules<Key>,
): Keys<Key> {
  const soon = rules.now + OVERLAP_MS;
  const kept = statesAt(keys, rules.now).flatMap(([key, state]) =>
    state === 'next' && isUnwanted(key) && key.activeFrom.getTime() > soon ? [] : [key],
  );
  return upkeep(kept, rules);
}

const find = <Key>(
  states: readonly (readonly [Key, KeyState])[],
  wanted: KeyState,
): Key | undefined => states.find(([, state]) => state === wanted)?.[0];

const broughtForward = <Key extends ScheduledKey>(
  keys: Keys<Key>,
  { id }: Key,
  to: number,
): Keys<Key> => keys.map((key) => (key.id === id ? { ...key, activeFrom: new Date(to) } : key));
