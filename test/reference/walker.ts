/**
 * A second, quite different evaluator: it walks down from the asked node, tables what it finds and
 * walks again until nothing changes. It owes nothing to `evaluator.ts` but the rule of admission
 * and the conditions, so that the two confirm each other; for stratified models only.
 *
 * It can also be built with one bug, of those that evaluators really have had. The harness has to
 * find each of them: that is how we know that its agreement means something.
 */
import type { Rewrite } from '../../src/schema/model.js';
import { formatObject, formatSubject, formatTupleKey, parseObject } from '../../src/tuple/tuple.js';
import { isOfTuple } from '../../src/tuple/attributes.js';
import type { StoreChange } from '../../src/tuple/attributes.js';
import type { JsonObject, ObjectRef, RelationTuple, Subject } from '../../src/tuple/tuple.js';
import { contextOf } from './attributes.js';
import { isAdmitted } from './admission.js';
import { evaluateCondition } from './conditions.js';
import type {
  CheckQuery,
  Engine,
  EngineFactory,
  ExpandQuery,
  ExpandTree,
  ListObjectsQuery,
  ListUsersQuery,
  ListedObjects,
  ListedUsers,
  Surroundings,
  Verdict,
  World,
} from './engine.js';

export const BUGS = [
  /** One visited set for the whole walk, the operands of `and` and `but not` included. */
  'visited set shared by operands',
  /** What a cycle cut short is kept as if it were the result. */
  'cut result kept',
  'wildcard matches usersets',
  'error beats false in intersections',
  'error counts as false',
  'stored tuple wins over contextual',
  'tuple counts at its expiry',
  'outdated tuple counts',
  'userset survives its deletion',
  'batch shares surroundings',
  'parent without tuples not listed',
  'excluded user listed beside wildcard',
  'exclusion expanded as its base',
  'context wins over attributes',
  'first object listed lends its attributes',
] as const;

export type Bug = (typeof BUGS)[number];

export function walkerWith(bug: Bug | undefined): EngineFactory {
  return (world) => new Walker(world, bug);
}

type Value = 'false' | 'error' | 'true';
/** The order in which walks raise a node's value. */
const ORDER: readonly Value[] = ['false', 'error', 'true'];

const greatest = (values: readonly Value[]): Value =>
  ORDER.findLast((value) => values.includes(value)) ?? 'false';
const least = (values: readonly Value[]): Value =>
  ORDER.find((value) => values.includes(value)) ?? 'true';

/** One question under way. */
interface Walk {
  readonly subject: Subject;
  readonly tuples: readonly RelationTuple[];
  /** With what is known of the subject and the object. */
  readonly context: JsonObject;
  /** Node → its value so far. */
  readonly table: Map<string, Value>;
  /** The nodes that this round has entered. */
  readonly visited: Set<string>;
}

class Walker implements Engine {
  readonly #world: World;
  readonly #bug: Bug | undefined;
  readonly #stored = new Map<string, RelationTuple>();
  readonly #attributes = new Map<string, JsonObject>();

  constructor(world: World, bug: Bug | undefined) {
    this.#world = world;
    this.#bug = bug;
  }

  apply(changes: readonly StoreChange[]): void {
    for (const change of changes) {
      if (!isOfTuple(change)) {
        const name = formatObject(change.entity);
        if (change.attributes === undefined) this.#attributes.delete(name);
        else this.#attributes.set(name, change.attributes);
        continue;
      }
      const key = formatTupleKey(change.tuple);
      const { kind } = change.tuple.subject;
      if (change.operation === 'write') this.#stored.set(key, change.tuple);
      else if (!this.#has('userset survives its deletion') || kind !== 'userset') {
        this.#stored.delete(key);
      }
    }
  }

  check(query: CheckQuery): Verdict {
    const { subject, object, relation } = query;
    const value = this.#settle(this.#walk(subject, object, query), object, relation);
    return value === 'error' ? { kind: 'error', code: 'condition_failed' } : { kind: value };
  }

  batch(queries: readonly CheckQuery[]): readonly Verdict[] {
    const [first] = queries;
    return queries.map((query) =>
      this.check(
        first !== undefined && this.#has('batch shares surroundings')
          ? { ...query, context: first.context, contextualTuples: first.contextualTuples }
          : query,
      ),
    );
  }

  listObjects({ type, relation, subject, ...at }: ListObjectsQuery): ListedObjects {
    const ofTuples = this.#tuples(at).map((tuple) => tuple.object);
    const ofSubject = subject.kind === 'userset' ? [subject] : [];
    const known = this.#has('parent without tuples not listed')
      ? ofTuples
      : [...ofTuples, ...ofSubject];
    const candidates = distinctObjects(known.filter((each) => each.type === type));
    const lends = this.#has('first object listed lends its attributes') ? candidates[0] : undefined;
    const values = candidates.map((object) =>
      this.#settle(this.#walk(subject, lends ?? object, at), object, relation),
    );
    if (values.includes('error')) return { error: 'condition_failed' };
    return { objects: candidates.filter((_, index) => values[index] === 'true').map(formatObject) };
  }

  listUsers({ object, relation, filter, ...at }: ListUsersQuery): ListedUsers {
    const candidates = this.#candidates(object, filter, at);
    const values = candidates.map((each) =>
      this.#settle(this.#walk(each, object, at), object, relation),
    );
    if (values.includes('error')) return { error: 'condition_failed' };
    const isOpen = candidates.some(
      (each, index) => each.kind === 'wildcard' && values[index] === 'true',
    );
    const isLenient = isOpen && this.#has('excluded user listed beside wildcard');
    return {
      users: candidates
        .filter((_, index) => isLenient || values[index] === 'true')
        .map(formatSubject),
    };
  }

  #candidates(
    object: ObjectRef,
    filter: ListUsersQuery['filter'],
    at: Surroundings,
  ): readonly Subject[] {
    const { type, relation } = filter;
    const tuples = this.#tuples(at);
    const subjects = tuples.map((tuple) => tuple.subject).filter((each) => each.type === type);
    const objects = distinctObjects([
      ...this.#attributed(),
      object,
      ...tuples.map((tuple) => tuple.object),
      ...subjects.flatMap((each) => (each.kind === 'wildcard' ? [] : [each])),
    ]).filter((each) => each.type === type);
    if (relation === undefined) {
      return [
        { kind: 'wildcard', type },
        ...objects.map((each): Subject => ({ kind: 'object', ...each })),
      ];
    }
    return objects.map((each) => ({ kind: 'userset', ...each, relation }));
  }

  #attributed(): readonly ObjectRef[] {
    return [...this.#attributes.keys()].flatMap((name) => parseObject(name) ?? []);
  }

  expand({ object, relation }: ExpandQuery): ExpandTree | undefined {
    const rewrite = this.#world.model.types.get(object.type)?.relations.get(relation)?.rewrite;
    return rewrite && this.#tree(object, relation, rewrite, 1);
  }

  /** Computed usersets are expanded in place for `depth` levels, the rest is left as references. */
  #tree(object: ObjectRef, relation: string, rewrite: Rewrite, depth: number): ExpandTree {
    const inner = (each: Rewrite): ExpandTree => this.#tree(object, relation, each, depth);
    const at = { context: {}, contextualTuples: [] };
    switch (rewrite.kind) {
      case 'direct': {
        const tuples = this.#tuplesOf(this.#tuples(at), object, relation);
        return { kind: 'leaf', users: tuples.map((tuple) => formatSubject(tuple.subject)) };
      }
      case 'computed': {
        const userset = `${formatObject(object)}#${rewrite.relation}`;
        const type = this.#world.model.types.get(object.type);
        const target = type?.relations.get(rewrite.relation)?.rewrite;
        if (depth === 0 || target === undefined) return { kind: 'userset', userset };
        const tree = this.#tree(object, rewrite.relation, target, depth - 1);
        return { kind: 'userset', userset, tree };
      }
      case 'from': {
        const tuples = this.#tuplesOf(this.#tuples(at), object, rewrite.tupleset);
        const operands = tuples.map((tuple): ExpandTree => {
          const userset = `${formatSubject(tuple.subject)}#${rewrite.relation}`;
          return { kind: 'userset', userset };
        });
        return { kind: 'union', operands };
      }
      case 'union':
      case 'intersection':
        return { kind: rewrite.kind, operands: rewrite.operands.map(inner) };
      case 'exclusion':
        if (this.#has('exclusion expanded as its base')) return inner(rewrite.base);
        return {
          kind: 'difference',
          base: inner(rewrite.base),
          subtract: inner(rewrite.subtract),
        };
    }
  }

  #walk(subject: Subject, object: ObjectRef, at: Surroundings): Walk {
    const known = contextOf(at.context, this.#attributes, { subject, object });
    const context = this.#has('context wins over attributes') ? { ...known, ...at.context } : known;
    const tuples = this.#tuples(at);
    return { subject, tuples, context, table: new Map(), visited: new Set() };
  }

  #settle(walk: Walk, object: ObjectRef, relation: string): Value {
    return this.#rounds(walk, (round) => this.#visit(round, object, relation));
  }

  /** Walks in rounds until one changes nothing; values only ever rise. */
  #rounds(walk: Walk, round: (walk: Walk) => Value): Value {
    for (;;) {
      const before = JSON.stringify([...walk.table]);
      const value = round({ ...walk, visited: new Set() });
      const isOneRoundOnly =
        this.#has('cut result kept') || this.#has('visited set shared by operands');
      if (isOneRoundOnly || JSON.stringify([...walk.table]) === before) return value;
    }
  }

  #visit(walk: Walk, object: ObjectRef, relation: string): Value {
    const node = `${formatObject(object)}#${relation}`;
    if (formatSubject(walk.subject) === node) return 'true';
    if (walk.visited.has(node)) {
      if (this.#has('visited set shared by operands')) return 'false';
      return walk.table.get(node) ?? 'false';
    }
    const kept = this.#has('cut result kept') ? walk.table.get(node) : undefined;
    if (kept !== undefined) return kept;
    walk.visited.add(node);
    const definition = this.#world.model.types.get(object.type)?.relations.get(relation);
    if (definition === undefined) return 'false';
    const value = this.#value(walk, object, relation, definition.rewrite);
    walk.table.set(node, value);
    return value;
  }

  #value(walk: Walk, object: ObjectRef, relation: string, rewrite: Rewrite): Value {
    const inner = (each: Rewrite): Value => this.#value(walk, object, relation, each);
    switch (rewrite.kind) {
      case 'direct':
        return greatest(
          this.#tuplesOf(walk.tuples, object, relation).map((tuple) => this.#direct(walk, tuple)),
        );
      case 'computed':
        return this.#visit(walk, object, rewrite.relation);
      case 'from':
        return greatest(
          this.#tuplesOf(walk.tuples, object, rewrite.tupleset).map((tuple) => {
            if (tuple.subject.kind !== 'object') return 'false';
            return this.#both(walk, tuple, this.#visit(walk, tuple.subject, rewrite.relation));
          }),
        );
      case 'union':
        return greatest(rewrite.operands.map(inner));
      case 'intersection': {
        const values = rewrite.operands.map(inner);
        const isFirm = this.#has('error beats false in intersections') && values.includes('error');
        return isFirm ? 'error' : least(values);
      }
      case 'exclusion': {
        const base = inner(rewrite.base);
        const subtract = this.#has('visited set shared by operands')
          ? inner(rewrite.subtract)
          : this.#rounds({ ...walk, table: new Map() }, (own) =>
              this.#value(own, object, relation, rewrite.subtract),
            );
        return least([base, negated(subtract)]);
      }
    }
  }

  #direct(walk: Walk, tuple: RelationTuple): Value {
    const { subject } = walk;
    const held = tuple.subject;
    switch (held.kind) {
      case 'object':
        return this.#both(walk, tuple, asValue(formatSubject(held) === formatSubject(subject)));
      case 'wildcard': {
        const isMatch = subject.kind !== 'userset' || this.#has('wildcard matches usersets');
        return this.#both(walk, tuple, asValue(isMatch && subject.type === held.type));
      }
      case 'userset':
        return this.#both(walk, tuple, this.#visit(walk, held, held.relation));
    }
  }

  /** The tuple's condition and the membership that it would give. */
  #both(walk: Walk, tuple: RelationTuple, membership: Value): Value {
    if (tuple.condition === undefined) return membership;
    const condition = evaluateCondition(tuple.condition, walk.context);
    if (condition === 'error' && this.#has('error counts as false')) return 'false';
    return least([condition, membership]);
  }

  #tuples(at: Surroundings): readonly RelationTuple[] {
    const { model, now } = this.#world;
    const byKey = new Map(this.#stored);
    for (const tuple of at.contextualTuples) {
      const key = formatTupleKey(tuple);
      if (byKey.has(key) && this.#has('stored tuple wins over contextual')) continue;
      byKey.set(key, tuple);
    }
    const grace = this.#has('tuple counts at its expiry') ? 1 : 0;
    return [...byKey.values()].filter(
      (tuple) =>
        (tuple.expiresAt ?? Infinity) + grace > now &&
        (this.#has('outdated tuple counts') || isAdmitted(model, tuple)),
    );
  }

  #tuplesOf(
    tuples: readonly RelationTuple[],
    object: ObjectRef,
    relation: string,
  ): readonly RelationTuple[] {
    const name = formatObject(object);
    return tuples.filter(
      (each) => formatObject(each.object) === name && each.relation === relation,
    );
  }

  #has(bug: Bug): boolean {
    return this.#bug === bug;
  }
}

const asValue = (holds: boolean): Value => (holds ? 'true' : 'false');

function negated(value: Value): Value {
  if (value === 'error') return 'error';
  return asValue(value === 'false');
}

function distinctObjects(objects: readonly ObjectRef[]): readonly ObjectRef[] {
  return [
    ...new Map(objects.map(({ type, id }) => [formatObject({ type, id }), { type, id }])).values(),
  ];
}
