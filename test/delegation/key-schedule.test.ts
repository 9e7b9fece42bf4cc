/** Which key signs when: the states as time goes by, and what changes them. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  IN_TOUCH_MS,
  JWKS_MAX_AGE_SECONDS,
  OVERLAP_MS,
  RETIRED_MS,
  TOKEN_LIFETIME_MAX_SECONDS,
  dropped,
  needsUpkeep,
  nextChange,
  rotated,
  statesAt,
  upkeep,
  withoutNext,
} from '../../src/delegation/key-schedule.js';
import type { Rules, ScheduledKey } from '../../src/delegation/key-schedule.js';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const LIFETIME = 30 * DAY;
const START = Date.UTC(2030, 0, 1);

/** `k1`, `k2` … in the order in which they are made. */
class Keys {
  now = START;
  keys: readonly ScheduledKey[] = [];
  #made = 0;

  change(
    how: (keys: readonly ScheduledKey[], rules: Rules<ScheduledKey>) => typeof this.keys,
  ): this {
    this.keys = how(this.keys, {
      now: this.now,
      lifetimeMs: LIFETIME,
      make: (activeFrom) => ({
        id: `k${++this.#made}`,
        createdAt: new Date(this.now),
        activeFrom,
      }),
    });
    return this;
  }

  after(ms: number): this {
    this.now += ms;
    return this;
  }

  get states(): string {
    return statesAt(this.keys, this.now)
      .map(([{ id }, state]) => `${id} ${state}`)
      .join(', ');
  }
}

const drop =
  (id: string) =>
  (keys: readonly ScheduledKey[], rules: Rules<ScheduledKey>): readonly ScheduledKey[] =>
    dropped(keys, id, rules);

const fresh = (): Keys => new Keys().change(upkeep);

describe('the times', () => {
  it('leave verifiers time to learn of a key, and tokens to end', () => {
    const maxAgeMs = JWKS_MAX_AGE_SECONDS * 1000;
    const cooldownMs = 30_000;
    expect(OVERLAP_MS).toBeGreaterThanOrEqual(Math.max(10 * MINUTE, maxAgeMs + cooldownMs));
    expect(IN_TOUCH_MS).toBeLessThan(OVERLAP_MS);
    expect(RETIRED_MS).toBeGreaterThanOrEqual(
      IN_TOUCH_MS + TOKEN_LIFETIME_MAX_SECONDS * 1000 + maxAgeMs,
    );
  });
});

describe('keys', () => {
  it('begin with one that signs at once and one that waits', () => {
    expect(fresh().states).toBe('k1 active, k2 next');
  });

  it('take turns by the clock alone', () => {
    const keys = fresh().after(LIFETIME - 1);
    expect(keys.states).toBe('k1 active, k2 next');
    expect(keys.after(1).states).toBe('k1 retired, k2 active');
    expect(keys.after(RETIRED_MS - 1).states).toBe('k1 retired, k2 active');
    expect(keys.after(1).states).toBe('k1 gone, k2 active');
  });

  it('are made and deleted when it is time, and then only', () => {
    const keys = fresh();
    expect(needsUpkeep(keys.keys, keys.now)).toBe(false);
    expect(keys.change(upkeep).states).toBe('k1 active, k2 next');
    expect(needsUpkeep(keys.keys, keys.after(LIFETIME).now)).toBe(true);
    expect(keys.change(upkeep).states).toBe('k1 retired, k2 active, k3 next');
    expect(needsUpkeep(keys.keys, keys.after(RETIRED_MS).now)).toBe(true);
    expect(keys.change(upkeep).states).toBe('k2 active, k3 next');
  });

  it('go on after a sleep of years, and the next is published before it signs', () => {
    const keys = fresh().after(1000 * DAY);
    expect(keys.states).toBe('k1 gone, k2 active');
    expect(keys.change(upkeep).states).toBe('k2 active, k3 next');
    expect(keys.after(OVERLAP_MS - 1).states).toBe('k2 active, k3 next');
    expect(keys.after(1).states).toBe('k2 retired, k3 active');
  });

  it('of a process whose clock is ahead are used in their order', () => {
    const keys = fresh().after(-5000);
    expect(keys.states).toBe('k1 active, k2 next');
    expect(needsUpkeep(keys.keys, keys.now)).toBe(false);
  });
});

describe('rotating', () => {
  it('lets the next key sign at once when it is known for an hour', () => {
    expect(fresh().after(OVERLAP_MS).change(rotated).states).toBe('k1 retired, k2 active, k3 next');
  });

  it('waits for the hour to end otherwise', () => {
    const keys = fresh().after(MINUTE).change(rotated);
    expect(keys.states).toBe('k1 active, k2 next');
    expect(keys.after(OVERLAP_MS - MINUTE - 1).states).toBe('k1 active, k2 next');
    expect(keys.after(1).states).toBe('k1 retired, k2 active');
  });

  it('changes nothing when it is under way', () => {
    const keys = fresh().change(rotated);
    const once = keys.keys;
    expect(keys.after(MINUTE).change(rotated).keys).toEqual(once);
  });

  it('begins a whole lifetime', () => {
    const keys = fresh()
      .after(DAY)
      .change(rotated)
      .after(LIFETIME - 1);
    expect(keys.states).toBe('k1 gone, k2 active, k3 next');
    expect(keys.after(1).states).toBe('k1 gone, k2 retired, k3 active');
  });
});

describe('dropping', () => {
  it('the active key puts the next in its place at once, however young', () => {
    const keys = fresh().after(1).change(drop('k1'));
    expect(keys.states).toBe('k2 active, k3 next');
  });

  it('the next key makes another, which is published before it signs', () => {
    const keys = fresh()
      .after(LIFETIME - MINUTE)
      .change(drop('k2'));
    expect(keys.states).toBe('k1 active, k3 next');
    expect(keys.after(OVERLAP_MS - 1).states).toBe('k1 active, k3 next');
    expect(keys.after(1).states).toBe('k1 retired, k3 active');
  });

  it('a retired key leaves the others as they are', () => {
    const keys = fresh().after(DAY).change(rotated).change(drop('k1'));
    expect(keys.states).toBe('k2 active, k3 next');
  });

  it('the active key brings no retired one back', () => {
    const keys = fresh().after(DAY).change(rotated).change(drop('k2'));
    expect(keys.states).toBe('k1 retired, k3 active, k4 next');
  });

  it('all of them ends with two new ones', () => {
    const keys = fresh().change(drop('k1')).change(drop('k2')).change(drop('k3'));
    expect(keys.states).toBe('k4 active, k5 next');
  });

  it('the only key makes one that signs at once', () => {
    const keys = fresh().after(LIFETIME).change(drop('k1'));
    expect(keys.change(drop('k2')).states).toBe('k3 active, k4 next');
  });
});

it('a next key of another kind is replaced, unless its time has all but come', () => {
  const other: Parameters<Keys['change']>[0] = (keys, rules) =>
    withoutNext(keys, ({ id }) => id === 'k2', rules);
  expect(fresh().change(other).states).toBe('k1 active, k3 next');
  expect(
    fresh()
      .after(LIFETIME - OVERLAP_MS)
      .change(other).states,
  ).toBe('k1 active, k2 next');
});

type Step = 'upkeep' | 'rotate' | 'drop' | number;

it('whatever happens, one key signs, and the next is known for an hour before it does', () => {
  const step = fc.oneof<fc.Arbitrary<Step>[]>(
    fc.constantFrom<Step>('upkeep', 'rotate', 'drop'),
    fc.integer({ min: 1, max: 2 * OVERLAP_MS }),
    fc.integer({ min: 1, max: 40 * DAY }),
  );
  const property = fc.property(fc.array(step, { maxLength: 40 }), fc.nat(), (steps, which) => {
    const keys = fresh();
    const emergencies = new Set(['k1']);
    for (const one of steps) {
      const states = statesAt(keys.keys, keys.now);
      if (one === 'upkeep') keys.change(upkeep);
      else if (one === 'rotate') keys.change(rotated);
      else if (one === 'drop') {
        const [victim, state] = states[which % states.length] ?? [undefined, undefined];
        keys.change(drop(victim?.id ?? ''));
        if (state === 'active') emergencies.add(find(keys, 'active')?.id ?? '');
      } else {
        keys.after(Math.min(one, nextChange(keys.keys, keys.now) - keys.now));
      }
      const active = statesAt(keys.keys, keys.now).filter(([, state]) => state === 'active');
      expect(active).toHaveLength(1);
      const signing = find(keys, 'active');
      const publishedMs = keys.now - (signing?.createdAt.getTime() ?? 0);
      if (!emergencies.has(signing?.id ?? '')) {
        expect(publishedMs).toBeGreaterThanOrEqual(OVERLAP_MS);
      }
    }
  });
  fc.assert(property, { numRuns: 500 });
});

const find = (keys: Keys, wanted: string): ScheduledKey | undefined =>
  statesAt(keys.keys, keys.now).find(([, state]) => state === wanted)?.[0];
