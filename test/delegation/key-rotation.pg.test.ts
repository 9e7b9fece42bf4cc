/**
 * Three processes on one database, with clocks that differ, which are cut off from it at times, and
 * verifiers that keep the set they were given to the end of its max-age and never ask early. Whatever
 * happens, short of an emergency: what one process signs, all others publish and all verifiers know,
 * for as long as the token lives.
 */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { OVERLAP_MS, TOKEN_LIFETIME_MAX_SECONDS } from '../../src/delegation/key-schedule.js';
import { PembaError } from '../../src/errors.js';
import type { Database } from '../../src/storage/database.js';
import { ManualTime } from '../support/manual-time.js';
import { describeWithPostgres } from '../support/postgres.js';
import { openStorage } from '../support/storage.js';
import type { TestStorage } from '../support/storage.js';
import { DAY, HOUR, MINUTE, newMaster, processOn, skewed, withoutKeys } from './processes.js';
import type { TestProcess } from './processes.js';

const PROCESSES = 3;
const VERIFIERS = 3;
const SKEW_MAX_MS = 2 * MINUTE;
const TOKEN_LIFE_MS = TOKEN_LIFETIME_MAX_SECONDS * 1000;

type Step =
  | { readonly do: 'poll' | 'sign' | 'rotate' | 'drop' | 'restart'; readonly by: number }
  /** Of verifiers: the set is fetched, from that process, if it is time. */
  | { readonly do: 'fetch'; readonly by: number; readonly verifier: number }
  /** Processes that are not cut off poll meanwhile. */
  | { readonly do: 'wait'; readonly ms: number; readonly cutOff: number | undefined };

const by = fc.nat(PROCESSES - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('sign' as const), by }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('poll' as const, 'rotate', 'drop', 'restart'), by }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('fetch' as const),
      by,
      verifier: fc.nat(VERIFIERS - 1),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.oneof(
        fc.integer({ min: 1, max: 5 * MINUTE }),
        fc.integer({ min: 1, max: 2 * HOUR }),
        fc.integer({ min: 1, max: 35 * DAY }),
      ),
      cutOff: fc.option(by, { nil: undefined }),
    }),
  },
);

interface Token {
  readonly kid: string;
  readonly endsAt: number;
}

const kidOf = (token: string): string => {
  const header = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as {
    readonly kid: string;
  };
  return header.kid;
};

/** What it gives, unless it says that it cannot know. */
function given<Value>(ask: () => Value): Value | undefined {
  try {
    return ask();
  } catch (error) {
    if (error instanceof PembaError && error.code === 'unavailable') return undefined;
    throw error;
  }
}

class World {
  readonly time = new ManualTime();
  readonly #pools: readonly Database[];
  readonly #skews: readonly number[];
  readonly #master = newMaster();
  #processes: TestProcess[] = [];
  readonly #verifiers = new Map<number, { kids: ReadonlySet<string>; until: number }>();
  #tokens: Token[] = [];
  readonly #dropped = new Set<string>();
  signed = 0;
  refused = 0;

  constructor(pools: readonly Database[], skews: readonly number[]) {
    this.#pools = pools;
    this.#skews = skews;
  }

  async begin(): Promise<void> {
    for (let i = 0; i < PROCESSES; i++) await this.#start(i);
  }

  async #start(i: number): Promise<void> {
    const clock = skewed(this.time, this.#skews[i] ?? 0);
    const process = processOn({ database: this.#pools[i]!, clock }, this.#master);
    this.#processes[i] = process;
    await process.keys.start();
  }

  async take(one: Step): Promise<void> {
    switch (one.do) {
      case 'poll':
        return this.#process(one.by).keys.refresh();
      case 'sign':
        this.#sign(this.#process(one.by));
        return;
      case 'rotate':
        await this.#process(one.by).keys.rotate();
        return;
      case 'drop':
        return this.#drop(this.#process(one.by));
      case 'restart':
        await this.#process(one.by).keys.stop();
        return this.#start(one.by);
      case 'fetch':
        this.#fetch(one.verifier, this.#process(one.by));
        return;
      case 'wait':
        this.time.advance(one.ms);
        for (const [i, { keys }] of this.#processes.entries()) {
          if (i === one.cutOff) continue;
          // A poll, and the one after it: what others have made in between.
          await keys.refresh();
          await keys.refresh();
        }
    }
  }

  #process = (i: number): TestProcess => this.#processes[i]!;

  #sign({ keys }: TestProcess): void {
    const token = given(() => keys.sign('permit+jwt', { iat: this.time.now() }));
    if (token === undefined) {
      this.refused += 1;
      return;
    }
    this.signed += 1;
    const kid = kidOf(token);
    if (!this.#dropped.has(kid))
      this.#tokens.push({ kid, endsAt: this.time.now() + TOKEN_LIFE_MS });
  }

  /** Of the active key, where the next one is known for long enough, as it is but in emergencies. */
  async #drop(process: TestProcess): Promise<void> {
    await process.keys.refresh();
    const states = process.keys.list();
    const active = states.find(({ state }) => state === 'active');
    const next = states.find(({ state }) => state === 'next');
    const knownSince = next?.createdAt?.getTime() ?? Infinity;
    if (active === undefined || this.time.now() - knownSince < OVERLAP_MS + 2 * SKEW_MAX_MS) return;
    await process.keys.drop(active.id);
    this.#dropped.add(active.id);
    this.#tokens = this.#tokens.filter(({ kid }) => kid !== active.id);
  }

  #fetch(verifier: number, { keys }: TestProcess): void {
    const now = this.time.now();
    if (now < (this.#verifiers.get(verifier)?.until ?? -Infinity)) return;
    const published = given(() => keys.published());
    if (published === undefined) return;
    const set = JSON.parse(published.body) as { readonly keys: readonly { kid: string }[] };
    this.#verifiers.set(verifier, {
      kids: new Set(set.keys.map(({ kid }) => kid)),
      until: now + published.maxAgeSeconds * 1000,
    });
  }

  assertVerifiable(): void {
    const now = this.time.now();
    this.#tokens = this.#tokens.filter(({ endsAt }) => endsAt > now);
    const sets = this.#processes.flatMap(({ keys }) => {
      const jwks = given(() => keys.jwks());
      return jwks === undefined ? [] : [new Set(jwks.keys.map(({ kid }) => kid))];
    });
    const kept = [...this.#verifiers.values()].filter(({ until }) => now < until);
    for (const { kid } of this.#tokens) {
      for (const set of sets) expect([...set]).toContain(kid);
      for (const { kids } of kept) expect([...kids]).toContain(kid);
    }
  }
}

describeWithPostgres('while keys are rotated', () => {
  let storage: TestStorage;
  const pools: Database[] = [];
  beforeAll(async () => {
    storage = await openStorage();
    for (let i = 0; i < PROCESSES; i++) pools.push(await storage.connect());
  });
  afterAll(() => storage.close());

  it('every token verifies everywhere', async () => {
    const skews = fc.array(fc.integer({ min: -SKEW_MAX_MS, max: SKEW_MAX_MS }), {
      ...{ minLength: PROCESSES, maxLength: PROCESSES },
    });
    let [signed, refused] = [0, 0];
    const property = fc.asyncProperty(
      skews,
      fc.array(step, { minLength: 20, maxLength: 80 }),
      async (chosen, steps) => {
        await withoutKeys(storage.database);
        const world = new World(pools, chosen);
        await world.begin();
        for (const one of steps) {
          await world.take(one);
          world.assertVerifiable();
        }
        signed += world.signed;
        refused += world.refused;
      },
    );
    await fc.assert(property, { numRuns: 40, interruptAfterTimeLimit: 30_000 });
    expect(signed).toBeGreaterThan(100);
    expect(refused).toBeLessThan(signed);
  });
});
