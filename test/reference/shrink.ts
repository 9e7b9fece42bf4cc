/**
 * Makes a failing case small: leaves out whatever is not needed for the query to go on failing,
 * one piece at a time, until every piece left is needed.
 */
import { isOfTuple } from '../../src/tuple/attributes.js';
import type { StoreChange } from '../../src/tuple/attributes.js';
import { formatTupleKey } from '../../src/tuple/tuple.js';
import type { Surroundings } from './engine.js';
import type { Check, Query } from './queries.js';

export interface Case {
  readonly steps: readonly (readonly StoreChange[])[];
  readonly query: Query;
}

export function shrink(failing: Case, stillFails: (smaller: Case) => boolean): Case {
  let smallest = failing;
  for (;;) {
    const smaller = firstThat(smallerCases(smallest), stillFails);
    if (smaller === undefined) return smallest;
    smallest = smaller;
  }
}

function firstThat(cases: Iterable<Case>, stillFails: (one: Case) => boolean): Case | undefined {
  for (const one of cases) if (stillFails(one)) return one;
  return undefined;
}

function* smallerCases({ steps, query }: Case): Generator<Case> {
  if (steps.length > 1) yield { steps: [steps.flat()], query };
  const count = steps.reduce((sum, step) => sum + step.length, 0);
  // Large pieces first: most of a world has nothing to do with the failure.
  for (let size = Math.ceil(count / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < count; from += size) {
      yield { steps: withoutChanges(steps, from, from + size), query };
    }
  }
  for (const smaller of smallerQueries(query)) yield { steps, query: smaller };
}

/** Leaves out the changes of a range, and deletes that then have nothing to delete. */
function withoutChanges(
  steps: Case['steps'],
  from: number,
  to: number,
): readonly (readonly StoreChange[])[] {
  const live = new Set<string>();
  let position = -1;
  const left = steps.map((step) =>
    step.filter((change) => {
      position += 1;
      if (position >= from && position < to) return false;
      if (!isOfTuple(change)) return true;
      const key = formatTupleKey(change.tuple);
      if (change.operation === 'delete') return live.delete(key);
      live.add(key);
      return true;
    }),
  );
  return left.filter((step, index) => step.length > 0 || index === 0);
}

function* smallerQueries(query: Query): Generator<Query> {
  switch (query.kind) {
    case 'check':
    case 'listObjects':
    case 'listUsers':
      for (const at of smallerSurroundings(query.at)) yield { ...query, at };
      return;
    case 'batch':
      for (const checks of smallerBatches(query.checks)) yield { ...query, checks };
      return;
    case 'expand':
      return;
  }
}

function* smallerBatches(checks: readonly Check[]): Generator<readonly Check[]> {
  if (checks.length > 1) yield* withoutOne(checks);
  for (const [index, check] of checks.entries()) {
    for (const at of smallerSurroundings(check.at)) yield checks.with(index, { ...check, at });
  }
}

function* smallerSurroundings(at: Surroundings): Generator<Surroundings> {
  for (const contextualTuples of withoutOne(at.contextualTuples)) yield { ...at, contextualTuples };
  for (const entries of withoutOne(Object.entries(at.context))) {
    yield { ...at, context: Object.fromEntries(entries) };
  }
}

function* withoutOne<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (const index of items.keys()) yield items.toSpliced(index, 1);
}
