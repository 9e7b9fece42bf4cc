/** The group index against a walk over plain Maps, while nesting comes and goes. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { OverlayGraph } from '../../src/graph/overlay.js';
import { NO_NODE } from '../../src/graph/reader.js';
import type { GraphReader } from '../../src/graph/reader.js';
import { ResidentGraph } from '../../src/graph/resident.js';
import { asRevision } from '../../src/ids.js';
import { Binding } from '../../src/query/binding.js';
import { Budget } from '../../src/query/budget.js';
import { Closure } from '../../src/query/closure.js';
import { NodeResolver } from '../../src/query/subject.js';
import { modelFromDsl } from '../../src/schema/dsl.js';
import { compilePlan } from '../../src/schema/plan.js';
import { formatTupleKey, parseSubject, parseTupleKey } from '../../src/tuple/tuple.js';
import type { RelationTuple } from '../../src/tuple/tuple.js';
import { SEED } from '../graph/seed.js';

/** Groups and teams hold each other; a team's crew comes from its parents, too. */
const MODEL = `model
  schema 1.1
type user
type group
  relations
    define member: [user, user:*, group#member, team#crew, group#member with never]
type team
  relations
    define parent: [team]
    define lead: [user, group#member]
    define crew: lead or crew from parent
type document
  relations
    define viewer: [user, group#member, team#crew]
condition never(x: string) {
  x == "never"
}
`;

const LIMITS = {
  maxDepth: 25,
  maxSteps: 10_000_000,
  maxMs: 60_000,
  maxConditionCost: 100,
  maxTreeNodes: 1000,
};
const NOW = 1000;

/** A graph, and bindings that are asked in turns, so that each misses some changes. */
class Ground {
  readonly graph = new ResidentGraph(asRevision(0));
  readonly #plan = compilePlan(modelFromDsl(MODEL).model);
  readonly #bindings = [0, 1].map(() => new Binding(this.#plan, this.graph.kinds));
  #turn = 0;

  get binding(): Binding {
    const binding = this.#bindings[this.#turn++ % this.#bindings.length];
    if (binding === undefined) throw new RangeError('no binding');
    return binding;
  }

  write(...tuples: readonly RelationTuple[]): void {
    const changes = tuples.map((tuple) => ({ operation: 'write' as const, tuple }));
    this.graph.apply(asRevision(this.graph.revision + 1), changes);
  }

  delete(...tuples: readonly RelationTuple[]): void {
    const changes = tuples.map((tuple) => ({ operation: 'delete' as const, tuple }));
    this.graph.apply(asRevision(this.graph.revision + 1), changes);
  }
}

function tuple(text: string, carried: Partial<RelationTuple> = {}): RelationTuple {
  const key = parseTupleKey(text);
  if (key === undefined) throw new Error(`no tuple: ${text}`);
  return { ...key, ...carried };
}

interface Found {
  /** By `type:id#relation`, of objects that a tuple names. */
  readonly hops: ReadonlyMap<string, number>;
  readonly steps: number;
}

/** What the engine finds that a subject is in, of one relation. */
function groupsOf(
  binding: Binding,
  graph: GraphReader,
  name: string,
  [type, relation]: readonly [string, string],
): Found {
  const subject = parseSubject(name);
  const target = binding.plan.relation(type, relation);
  if (subject === undefined || target === undefined) throw new Error(`no question: ${name}`);
  const budget = new Budget(LIMITS, () => 0);
  const scope = { binding, graph, context: { x: 'now' }, now: NOW, budget };
  binding.scratch.takeOver(scope);
  const tables = binding.scratch.closureTables();
  const closure = new Closure(scope, binding.reverseWays(target.index), tables);
  closure.of(new NodeResolver(binding, graph).subject(subject), binding.groups);
  if (!closure.isWhole) throw new Error('nothing here is too much for a closure');
  const named = [...closure.members.view()].filter((node) => node < graph.nodeCount);
  const hops = named.map(
    (node) => [`${type}:${graph.nodeId(node)}#${relation}`, closure.hops(node)] as const,
  );
  return { hops: new Map(hops), steps: budget.steps };
}

/** The definition: what holds, followed from set to set in plain Maps. */
function expectedOf(
  tuples: Iterable<RelationTuple>,
  name: string,
  [type, relation]: readonly [string, string],
): ReadonlyMap<string, number> {
  const above = new Map<string, [to: string, hops: number][]>();
  const lead = (from: string, to: string, hops: number): void => {
    above.set(from, [...(above.get(from) ?? []), [to, hops]]);
  };
  for (const each of tuples) {
    const isGone = each.expiresAt !== undefined && each.expiresAt <= NOW;
    if (isGone || each.condition !== undefined) continue;
    const [object = '', subject = ''] = formatTupleKey(each).split('@');
    if (each.relation === 'parent') {
      lead(`${subject}#crew`, `${object.split('#')[0] ?? ''}#crew`, 1);
    } else {
      lead(subject, object, subject.includes('#') ? 1 : 0);
      if (each.relation === 'lead') lead(object, `${object.split('#')[0] ?? ''}#crew`, 0);
    }
  }
  const nearest = new Map([[name, 0]]);
  if (!name.includes('#')) nearest.set(`${name.split(':')[0] ?? ''}:*`, 0);
  // A userset as the subject is every set that computes from it, too.
  if (name.endsWith('#lead')) lead(name, name.replace('#lead', '#crew'), 0);
  for (let changed = true; changed;) {
    changed = false;
    for (const [from, hops] of [...nearest]) {
      for (const [to, more] of above.get(from) ?? []) {
        if (hops + more >= (nearest.get(to) ?? Infinity)) continue;
        nearest.set(to, hops + more);
        changed = true;
      }
    }
  }
  const isWanted = (set: string): boolean =>
    set.startsWith(`${type}:`) && set.endsWith(`#${relation}`);
  return new Map([...nearest].filter(([set]) => isWanted(set)));
}

const id = fc.constantFrom('1', '2', '3', '4', '5');
const text = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(id, id).map(([a, b]) => `group:${a}#member@group:${b}#member`) },
  fc.tuple(id, id).map(([a, b]) => `group:${a}#member@team:${b}#crew`),
  fc.tuple(id, id).map(([a, b]) => `team:${a}#parent@team:${b}`),
  fc.tuple(id, id).map(([a, b]) => `team:${a}#lead@group:${b}#member`),
  fc.tuple(id, id).map(([a, b]) => `team:${a}#lead@user:${b}`),
  fc.tuple(id, id).map(([a, b]) => `group:${a}#member@user:${b}`),
  id.map((a) => `group:${a}#member@user:*`),
);
const guard = fc.oneof(
  { weight: 4, arbitrary: fc.constant({}) },
  fc.constantFrom<Partial<RelationTuple>>(
    { expiresAt: NOW },
    { expiresAt: NOW + 1 },
    { condition: { name: 'never', context: {} } },
  ),
);
const change = fc.record({ text, guard, gone: fc.option(fc.nat()) });
const batches = fc.array(
  fc.record({ changes: fc.array(change, { maxLength: 6 }), laidOver: fc.option(text) }),
  { maxLength: 12 },
);
const SUBJECTS = ['user:1', 'user:9', 'user:*', 'group:1#member', 'group:3#member'];
const TEAM_SUBJECTS = ['team:1#crew', 'team:2#lead', 'team:2#crew'];
const MEMBER = ['group', 'member'] as const;
const CREW = ['team', 'crew'] as const;

/** Applies the changes to both; most deletes of a random key would delete nothing. */
function apply(
  ground: Ground,
  live: Map<string, RelationTuple>,
  changes: readonly { text: string; guard: Partial<RelationTuple>; gone: number | null }[],
): void {
  for (const { text: key, guard: carried, gone } of changes) {
    const last = gone === null ? undefined : [...live.keys()][gone % Math.max(1, live.size)];
    if (last === undefined) {
      live.set(key, tuple(key, carried));
      ground.write(tuple(key, carried));
    } else {
      live.delete(last);
      ground.delete(tuple(last));
    }
  }
}

describe('the group index', () => {
  it(`agrees with a walk over Maps while edges come and go (PEMBA_SEED=${SEED})`, () => {
    fc.assert(
      fc.property(batches, (history) => {
        const ground = new Ground();
        const live = new Map<string, RelationTuple>();
        for (const { changes, laidOver } of history) {
          apply(ground, live, changes);
          const { binding, graph } = ground;
          const extra = laidOver === null ? [] : [tuple(laidOver)];
          const reader = extra.length === 0 ? graph : new OverlayGraph(graph, graph.kinds, extra);
          const all = new Map([
            ...live,
            ...extra.map((each) => [formatTupleKey(each), each] as const),
          ]);
          for (const target of [MEMBER, CREW]) {
            for (const subject of [...SUBJECTS, ...TEAM_SUBJECTS]) {
              const { hops } = groupsOf(binding, reader, subject, target);
              const expected = expectedOf(all.values(), subject, target);
              const named = [...expected].filter(([set]) => isNamed(reader, binding, set));
              expect({ subject, hops }).toEqual({ subject, hops: new Map(named) });
            }
          }
        }
      }),
      { seed: SEED, numRuns: 100 },
    );
  });

  it('counts the hops between relations of one and the same object', () => {
    const { model } = modelFromDsl(`model
  schema 1.1
type user
type step
  relations
    define first: [user]
    define second: [step#first]
    define third: [step#second]
    define last: third
`);
    const graph = new ResidentGraph(asRevision(0));
    const binding = new Binding(compilePlan(model), graph.kinds);
    for (const text of [
      'step:1#first@user:anne',
      'step:1#second@step:1#first',
      'step:1#third@step:1#second',
    ]) {
      graph.load(tuple(text));
    }
    const { hops } = groupsOf(binding, graph, 'user:anne', ['step', 'last']);
    expect(hops).toEqual(new Map([['step:1#last', 2]]));
  });

  it('does the work again only where nesting has changed', () => {
    const ground = new Ground();
    const { binding } = ground;
    const steps = (): number => groupsOf(binding, ground.graph, 'user:anne', MEMBER).steps;
    const chain = Array.from({ length: 20 }, (_, i) =>
      tuple(`group:${i}#member@group:${i + 1}#member`),
    );
    ground.write(...chain, tuple('group:20#member@user:anne'));
    const first = steps();
    const again = steps();
    expect(again).toBeLessThan(first);
    ground.write(tuple('group:20#member@user:bob'), tuple('group:3#member@user:bob'));
    ground.write(tuple('group:other#member@group:else#member'));
    ground.delete(tuple('group:20#member@user:bob'));
    expect(steps()).toBe(again);
    ground.write(tuple('group:top#member@group:0#member'));
    expect(steps()).toBeGreaterThan(first);
    expect(steps()).toBe(again + 1);
  });

  it('is not asked where a request lays nesting over the stored one', () => {
    const ground = new Ground();
    const { graph, binding } = ground;
    ground.write(tuple('group:b#member@user:anne'));
    const stored = (): Found => groupsOf(binding, graph, 'user:anne', MEMBER);
    expect([...stored().hops.keys()]).toEqual(['group:b#member']);
    const reader = new OverlayGraph(graph, graph.kinds, [tuple('group:a#member@group:b#member')]);
    const { hops } = groupsOf(binding, reader, 'user:anne', MEMBER);
    expect(hops).toEqual(
      new Map([
        ['group:b#member', 0],
        ['group:a#member', 1],
      ]),
    );
    expect([...stored().hops.keys()]).toEqual(['group:b#member']);
  });

  it('keeps right when it has missed more changes than the journal holds', () => {
    const ground = new Ground();
    const { graph, binding } = ground;
    const nested = tuple('group:a#member@group:b#member');
    ground.write(nested, tuple('group:b#member@user:anne'));
    expect(groupsOf(binding, graph, 'user:anne', MEMBER).hops.size).toBe(2);
    ground.delete(nested);
    for (let n = 0; n < 1100; n++) ground.write(tuple(`group:${n}#member@group:${n + 1}#member`));
    expect(groupsOf(binding, graph, 'user:anne', MEMBER).hops.size).toBe(1);
  });

  it('keeps right when a change concerns thousands of groups', () => {
    const ground = new Ground();
    const { graph, binding } = ground;
    const above = tuple('group:top#member@group:hub#member');
    ground.write(above);
    for (let n = 0; n < 5000; n++) ground.write(tuple(`group:hub#member@group:${n}#member`));
    ground.write(tuple('group:4999#member@user:anne'));
    const groups = (): number => groupsOf(binding, graph, 'user:anne', MEMBER).hops.size;
    expect(groups()).toBe(3);
    ground.delete(above);
    expect(groups()).toBe(2);
    ground.write(above);
    expect(groups()).toBe(3);
  });

  it('leaves what is too much for a list to the walk', () => {
    const ground = new Ground();
    const { graph, binding } = ground;
    for (let n = 0; n < 1500; n++) ground.write(tuple(`group:${n}#member@group:wide#member`));
    ground.write(tuple('group:wide#member@user:anne'));
    const first = groupsOf(binding, graph, 'user:anne', MEMBER);
    expect(first.hops.size).toBe(1501);
    expect(binding.groups.bytes).toBeLessThan(100_000);
  });

  it('takes no more than its share of memory', () => {
    const ground = new Ground();
    const { graph, binding } = ground;
    const LENGTH = 900;
    for (let n = 0; n < LENGTH; n++) {
      ground.write(
        tuple(`group:${n}#member@group:${n + 1}#member`),
        tuple(`group:${n}#member@user:${n}`),
      );
    }
    let most = 0;
    for (let n = 0; n < LENGTH; n++) {
      expect(groupsOf(binding, graph, `user:${n}`, MEMBER).hops.size).toBe(n + 1);
      most = Math.max(most, binding.groups.bytes);
    }
    expect(most).toBeGreaterThan(2 ** 19);
    expect(most).toBeLessThanOrEqual(2 ** 20);
    expect(graph.bytes).toBeLessThan(2 ** 20);
  });

  it('takes no more for groups that are in no other ones', () => {
    const ground = new Ground();
    const { graph, binding } = ground;
    for (let n = 0; n < 20_000; n++) ground.write(tuple(`group:${n}#member@user:${n}`));
    let most = 0;
    let found = 0;
    for (let n = 0; n < 20_000; n++) {
      found += groupsOf(binding, graph, `user:${n}`, MEMBER).hops.size;
      most = Math.max(most, binding.groups.bytes);
    }
    expect(found).toBe(20_000);
    expect(most).toBeGreaterThan(2 ** 19);
    expect(most).toBeLessThanOrEqual(2 ** 20);
  });
});

/** Sets of objects that no tuple names are in the closure of themselves only, without a name. */
function isNamed(graph: GraphReader, binding: Binding, set: string): boolean {
  const [type = '', rest = ''] = set.split(':');
  return graph.node(binding.kinds.type(type), rest.split('#')[0] ?? '') !== NO_NODE;
}
