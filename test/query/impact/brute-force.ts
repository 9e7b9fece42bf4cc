/** What an impact is by its definition: every check there is, under both models. */
import { PembaError } from '../../../src/errors.js';
import type { ResidentGraph } from '../../../src/graph/resident.js';
import { Binding } from '../../../src/query/binding.js';
import { Budget } from '../../../src/query/budget.js';
import type { QueryLimits } from '../../../src/query/budget.js';
import { check } from '../../../src/query/check.js';
import { Impact } from '../../../src/query/impact/impact.js';
import type { Side } from '../../../src/query/impact/joint-plan.js';
import type { QueryScope } from '../../../src/query/scope.js';
import { propertiesOf } from '../../../src/operations/properties.js';
import { namesProblem } from '../../../src/schema/admit.js';
import type { Model } from '../../../src/schema/model.js';
import { compilePlan } from '../../../src/schema/plan.js';
import { formatObject, formatSubject } from '../../../src/tuple/tuple.js';
import type { JsonObject, ObjectRef, Subject, TupleKey } from '../../../src/tuple/tuple.js';

const LIMITS: QueryLimits = {
  maxDepth: 25,
  maxSteps: 1e9,
  maxMs: 60_000,
  maxConditionCost: 10_000,
  maxTreeNodes: 10_000,
};

export interface Change {
  readonly models: Readonly<Record<Side, Model>>;
  readonly graph: ResidentGraph;
  readonly now: number;
  readonly context?: JsonObject;
  readonly maxDepth?: number;
}

export type ScopeOf = (side: Side) => QueryScope;

export function scopesOf({ models, graph, now, context = {}, maxDepth = 25 }: Change): ScopeOf {
  const bindings = {
    before: new Binding(compilePlan(models.before), graph.kinds),
    after: new Binding(compilePlan(models.after), graph.kinds),
  };
  return (side) => ({
    binding: bindings[side],
    graph,
    context,
    propertiesOf: propertiesOf(bindings[side], graph),
    now,
    budget: new Budget({ ...LIMITS, maxDepth }, () => performance.now()),
  });
}

/** `document:1#viewer@user:anne no→yes`, sorted. */
export function bruteForce(change: Change): readonly string[] {
  const { graph, models } = change;
  const scopeOf = scopesOf(change);
  const objects = Array.from({ length: graph.nodeCount }, (_, node) => ({
    type: graph.kinds.typeName(graph.nodeType(node)),
    id: graph.nodeId(node),
  })).filter(({ id }) => id !== '*');
  const types = new Set([...models.before.types.keys(), ...models.after.types.keys()]);
  const subjects: Subject[] = [
    ...objects.map((object) => ({ kind: 'object' as const, ...object })),
    ...Array.from(types, (type) => ({ kind: 'wildcard' as const, type })),
  ];
  return objects
    .flatMap((object) =>
      relationsOf(models, object).flatMap((relation) =>
        subjects.flatMap((subject) => {
          const key = { object, relation, subject };
          const [before, after] = [outcome(scopeOf('before'), key), outcome(scopeOf('after'), key)];
          return before === after ? [] : textOf(key, before, after);
        }),
      ),
    )
    .sort();
}

const textOf = ({ object, relation, subject }: TupleKey, before: string, after: string): string =>
  `${formatObject(object)}#${relation}@${formatSubject(subject)} ${before}→${after}`;

const relationsOf = (models: Change['models'], { type }: ObjectRef): readonly string[] => [
  ...new Set(
    [models.before, models.after].flatMap((model) => [
      ...(model.types.get(type)?.relations.keys() ?? []),
    ]),
  ),
];

function outcome(scope: QueryScope, key: TupleKey): string {
  if (namesProblem(scope.binding.plan, key) !== undefined) return 'no';
  try {
    return check(scope, key) ? 'yes' : 'no';
  } catch (error) {
    if (error instanceof PembaError) return 'conditional';
    throw error;
  }
}

export interface Found {
  readonly pairs: readonly string[];
  readonly totals: Readonly<Record<string, number>>;
  readonly isComplete: boolean;
}

export function impactOf(change: Change, maxChecks = 1e6, maxSetBytes = 1e8): Found {
  const scopeOf = scopesOf(change);
  const impact = new Impact({ before: scopeOf('before'), after: scopeOf('after') }, scopeOf, {
    maxSamples: Infinity,
    maxSamplesOfObject: Infinity,
    maxChecks,
    maxSetBytes,
  });
  const pairs: string[] = [];
  const totals = { gained: 0, lost: 0, mayGain: 0, mayLose: 0, everybody: 0 };
  let isComplete = true;
  for (const event of impact.run()) {
    if (event.kind === 'changed') {
      const { object, relation, subject, before, after } = event;
      pairs.push(`${object}#${relation}@${subject} ${before}→${after}`);
    } else if (event.kind === 'relation') {
      const { named, everybody } = event;
      totals.gained += named.gained;
      totals.lost += named.lost;
      totals.mayGain += named.mayGain;
      totals.mayLose += named.mayLose;
      const { gained, lost, mayGain, mayLose } = everybody;
      totals.everybody += gained + lost + mayGain + mayLose;
      isComplete &&= event.isComplete;
    }
  }
  return { pairs: pairs.sort(), totals, isComplete };
}
