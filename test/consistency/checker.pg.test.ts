/**
 * That the checker of consistency can fail: the same clients, and a service that was broken on
 * purpose. Its two processes are in this one, where they can be broken.
 */
import { afterEach, expect, it, jest } from '@jest/globals';
import { ResidentGraph } from '../../src/graph/resident.js';
import type * as Consistency from '../../src/operations/consistency.js';
import type * as Support from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import type { History, Violation } from './history.js';
import { run } from './workload.js';
import type { Workload } from './workload.js';

const SEED = 1;
/** How late a process hears of what the other one writes. */
const DELAY_MS = 20;

let isGuarded = true;
jest.mock('../../src/operations/consistency.js', () => {
  const actual = jest.requireActual<typeof Consistency>('../../src/operations/consistency.js');
  const { reachConsistency } = actual;
  return {
    ...actual,
    reachConsistency: async (...args: Parameters<typeof reachConsistency>) => {
      if (isGuarded) await reachConsistency(...args);
    },
  };
});

// Imports come first, wherever they stand; this has to come after the guard was replaced.
const { startPemba } = jest.requireActual<typeof Support>('../support/pemba.js');

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function slowDown({ assembly: { database } }: Support.Pemba): void {
  const query = database.query.bind(database);
  database.query = async (...args) => {
    await sleep(DELAY_MS);
    return query(...args);
  };
}

async function historyOfTwo(until: Pick<Workload, 'atLeastMs' | 'isEnough'>): Promise<History> {
  const first = await startPemba();
  try {
    const second = await startPemba({}, first);
    try {
      for (const pemba of [first, second]) slowDown(pemba);
      return await run({ urls: [first.url, second.url], seed: SEED, ...until });
    } finally {
      await second.stop();
    }
  } finally {
    await first.stop();
  }
}

/** A replica that makes the deletes of a revision seen, and its writes a moment later. */
function tearRevisions(): void {
  const apply = Reflect.get(ResidentGraph.prototype, 'apply') as () => void;
  const late = new WeakMap<ResidentGraph, () => void>();
  jest.spyOn(ResidentGraph.prototype, 'apply').mockImplementation(function (
    this: ResidentGraph,
    revision,
    changes,
  ) {
    late.get(this)?.();
    const deletes = [...changes].filter(({ operation }) => operation === 'delete');
    if (deletes.length === 0) {
      Reflect.apply(apply, this, [revision, changes]);
      return;
    }
    Reflect.apply(apply, this, [revision, deletes]);
    const finish = (): void => {
      late.delete(this);
      for (const change of changes) if (change.operation === 'write') this.load(change.tuple);
    };
    late.set(this, finish);
    setImmediate(() => {
      if (late.get(this) === finish) finish();
    });
  });
}

describeWithPostgres('the checker of consistency', () => {
  afterEach(() => {
    isGuarded = true;
    jest.restoreAllMocks();
  });

  it('finds nothing when nothing is broken', async () => {
    const history = await historyOfTwo({ atLeastMs: 1000 });
    expect(history.violations().slice(0, 10)).toEqual([]);
  });

  it.each(['token', 'head'] as const)(
    'finds that answers are stale (%s) when nobody waits for a revision',
    async (freshness) => {
      isGuarded = false;
      const isStale = (one: Violation): boolean =>
        one.kind === 'stale' && one.freshness === freshness;
      const history = await historyOfTwo({ isEnough: (made) => made.violations().some(isStale) });
      const violations = history.violations();
      expect(violations.some(isStale)).toBe(true);
      // It is the guard that is missing, and nothing else.
      expect(violations.every(({ kind }) => kind === 'stale')).toBe(true);
    },
  );

  it('finds that answers are torn when a revision is applied in two steps', async () => {
    tearRevisions();
    const isTorn = ({ kind }: Violation): boolean => kind === 'torn';
    const history = await historyOfTwo({ isEnough: (made) => made.violations().some(isTorn) });
    const violations = history.violations();
    expect(violations.some(isTorn)).toBe(true);
    expect(violations.some(({ kind }) => kind === 'stale')).toBe(false);
  });
});
