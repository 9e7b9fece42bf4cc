/**
 * Whose access changes when one model takes the place of another, on the tuples of one graph: exactly
 * the (subject, relation, object) of which a check would come to something else.
 *
 * Asked about are all objects that any tuple names. A subject is such an object, too, of whatever type
 * can have the relation; and `type:*`, which stands for whoever is not named. Usersets are not asked
 * about as subjects: they gain and lose what their members do.
 *
 * Only relations that a change can reach are compared (`schema/affected.ts`), object by object: the sets
 * of all subjects under both models (`set-walk.ts`), of which most parts are the same ones. What the
 * sets do not decide is put to the evaluation of a check (`by-checks.ts`).
 *
 * Everything is counted; of what is found a bounded sample is told. It works in small steps: whoever
 * runs it can rest at every event. The graph must not change meanwhile.
 */
import { PembaError } from '../../errors.js';
import type { Node } from '../../graph/reader.js';
import { formatObject } from '../../tuple/tuple.js';
import type { ObjectRef } from '../../tuple/tuple.js';
import type { Binding } from '../binding.js';
import type { QueryScope } from '../scope.js';
import { Checks } from './by-checks.js';
import type { Candidate, ScopeOfCheck } from './by-checks.js';
import { JointPlan } from './joint-plan.js';
import type { AffectedRelation, JointIndex, Side } from './joint-plan.js';
import { joined } from './members.js';
import type { Parts } from './members.js';
import { isCertain, isGain, movementsBetween, uncertainOf } from './outcome.js';
import type { Movement, Outcome, Transition } from './outcome.js';
import { SetWalk } from './set-walk.js';
import { NOBODY, difference, ranksIn, sizeOf, union } from './subject-set.js';
import type { SubjectSet } from './subject-set.js';
import { Population } from './subjects.js';
import type { ObjectsOfType } from './subjects.js';

export interface ImpactOptions {
  /** Of each relation, gains and losses apart. */
  readonly maxSamples: number;
  /** Of one object, so that a sample does not show one object alone. */
  readonly maxSamplesOfObject: number;
  /** Checks that may be made where sets do not decide. */
  readonly maxChecks: number;
  /** Of the sets that are kept from one object to the next. */
  readonly maxSetBytes: number;
}

export interface Changed extends Transition {
  readonly type: string;
  readonly relation: string;
  readonly subject: string;
  readonly object: string;
}

export interface Counts {
  /** From no to yes. */
  gained: number;
  /** From yes to no. */
  lost: number;
  /** Where one of the two outcomes is conditional. */
  mayGain: number;
  mayLose: number;
}

export interface RelationImpact {
  readonly type: string;
  readonly relation: string;
  /** Pairs of a named subject and an object. */
  readonly named: Counts;
  /** Objects for `type:*`, whoever is not named. */
  readonly everybody: Counts;
  /** False where checks were left out because there were too many to make. */
  readonly isComplete: boolean;
}

export type ImpactEvent =
  | { readonly kind: 'step'; readonly done: number }
  | ({ readonly kind: 'changed' } & Changed)
  | ({ readonly kind: 'relation' } & RelationImpact);

/** Work between two events, in sets made and edges looked at: some tens of microseconds. */
const STEPS_PER_EVENT = 500;

const CHECKS_PER_EVENT = 16;

interface Work {
  readonly relation: AffectedRelation;
  readonly impact: { readonly named: Counts; readonly everybody: Counts; isComplete: boolean };
  readonly shown: { gains: number; losses: number };
}

/** Of one type of subject. */
interface Asked {
  readonly type: string;
  readonly subjects: ObjectsOfType;
  readonly walk: SetWalk;
  readonly checks: Checks;
}

export class Impact {
  readonly #scopes: Readonly<Record<Side, QueryScope>>;
  readonly #options: ImpactOptions;
  readonly #joint: JointPlan;
  readonly population: Population;
  readonly #asked: readonly Asked[];
  #checksLeft: number;
  #done = 0;

  /** The scopes differ in their bindings; their budgets are for everything together. */
  constructor(
    scopes: Readonly<Record<Side, QueryScope>>,
    scopeOfCheck: ScopeOfCheck,
    options: ImpactOptions,
  ) {
    const { before, after } = scopes;
    this.#scopes = scopes;
    this.#options = options;
    this.#checksLeft = options.maxChecks;
    this.#joint = new JointPlan(before.binding, after.binding);
    this.population = new Population(before.graph);
    const models = [before, after].map(({ binding }) => binding.plan.model);
    const types = new Set(models.flatMap(({ types: each }) => [...each.keys()]));
    const maxBytes = options.maxSetBytes / Math.max(1, types.size);
    this.#asked = [...types].map((type) => {
      const subjects = this.population.of(before.binding.kinds.type(type));
      const reached = reachedBy(type, this.#joint, before.binding, after.binding);
      const parts = { joint: this.#joint, scopes, population: this.population, reached, maxBytes };
      const walk = new SetWalk({ ...parts, subjectType: type });
      return { type, subjects, walk, checks: new Checks(scopeOfCheck, type, subjects) };
    });
  }

  /** A `relation` event for each relation that can be affected, after what is shown of it. */
  *run(): Generator<ImpactEvent, void, undefined> {
    for (const relation of this.#joint.affected) {
      const work: Work = {
        relation,
        impact: { named: noCounts(), everybody: noCounts(), isComplete: true },
        shown: { gains: 0, losses: 0 },
      };
      yield* this.#relation(work);
      const { type, name } = relation;
      yield { kind: 'relation', type, relation: name, ...work.impact };
    }
  }

  /** Objects to be gone through, each once for a relation. */
  get total(): number {
    return this.#joint.affected.reduce(
      (sum, { type }) => sum + this.#objectsOf(type).nodes.length,
      0,
    );
  }

  *#relation(work: Work): Generator<ImpactEvent, void, undefined> {
    const { type, before, after } = work.relation;
    const asked = this.#asked.filter(({ walk }) =>
      [before, after].some((index) => index !== undefined && walk.isReached(index)),
    );
    const { nodes } = this.#objectsOf(type);
    let rested = 0;
    for (const node of asked.length === 0 ? [] : nodes) {
      for (const each of asked) yield* this.#object(work, each, node);
      this.#done += 1;
      const steps = asked.reduce((sum, { walk }) => sum + walk.steps, this.#done);
      if (steps - rested < STEPS_PER_EVENT) continue;
      rested = steps;
      yield { kind: 'step', done: this.#done };
    }
    if (asked.length === 0) this.#done += nodes.length;
  }

  #objectsOf(type: string): ObjectsOfType {
    return this.population.of(this.#scopes.before.binding.kinds.type(type));
  }

  *#object(work: Work, asked: Asked, node: Node): Generator<ImpactEvent, void, undefined> {
    const { relation } = work;
    const before = partsOf(asked.walk, node, relation.before);
    const after = partsOf(asked.walk, node, relation.after);
    if (before === undefined || after === undefined) {
      const object = { ref: this.#ref(relation.type, node), node };
      yield* this.#byChecks(work, asked, node, () => asked.checks.candidates(object, relation));
      return;
    }
    const movements = movementsBetween(before, after);
    const uncertain = this.#askedOfAttributes(relation, before, after);
    if (uncertain === NOBODY) {
      for (const movement of movements) yield* this.#moved(work, asked, node, movement);
      return;
    }
    for (const movement of movements) {
      const subjects = difference(movement.subjects, uncertain);
      yield* this.#moved(work, asked, node, { ...movement, subjects });
    }
    const { length } = asked.subjects.nodes;
    const candidates = [...(uncertain.isAllBut ? [undefined] : []), ...ranksIn(uncertain, length)];
    yield* this.#byChecks(work, asked, node, () => candidates);
  }

  /** Of whom it hangs on attributes, which each has for themselves, whether they are members. */
  #askedOfAttributes({ type, name }: AffectedRelation, before: Parts, after: Parts): SubjectSet {
    if (before.unsure.length + after.unsure.length === 0) return NOBODY;
    const asks = Object.values(this.#scopes).some(({ propertiesOf, binding }) => {
      const relation = binding.plan.relation(type, name);
      return propertiesOf && relation && binding.reads(relation.index).size > 0;
    });
    return asks ? union(uncertainOf(joined(before)), uncertainOf(joined(after))) : NOBODY;
  }

  *#byChecks(
    work: Work,
    asked: Asked,
    node: Node,
    candidates: () => Iterable<Candidate>,
  ): Generator<ImpactEvent, void, undefined> {
    const { relation, impact } = work;
    const object = { ref: this.#ref(relation.type, node), node };
    let shown = 0;
    for (const candidate of this.#within(impact, candidates)) {
      if (this.#checksLeft <= 0) {
        impact.isComplete = false;
        return;
      }
      this.#checksLeft -= 1;
      if (this.#checksLeft % CHECKS_PER_EVENT === 0) yield { kind: 'step', done: this.#done };
      const transition = asked.checks.transition(object, relation, candidate);
      if (transition.before === transition.after) continue;
      count(candidate === undefined ? impact.everybody : impact.named, transition, 1);
      if (shown++ < this.#options.maxSamplesOfObject) {
        yield* this.#show(work, transition, this.#nameOf(asked, candidate), object.ref);
      }
    }
  }

  /** A walk for candidates that overspends leaves the object out, and says so. */
  #within(impact: Work['impact'], candidates: () => Iterable<Candidate>): Iterable<Candidate> {
    try {
      return candidates();
    } catch (error) {
      if (!(error instanceof PembaError)) throw error;
      impact.isComplete = false;
      return [];
    }
  }

  *#moved(
    work: Work,
    asked: Asked,
    node: Node,
    movement: Movement,
  ): Generator<ImpactEvent, void, undefined> {
    const { subjects } = movement;
    const total = asked.subjects.nodes.length;
    count(work.impact.named, movement, sizeOf(subjects, total));
    if (subjects.isAllBut) count(work.impact.everybody, movement, 1);
    const { maxSamples, maxSamplesOfObject } = this.#options;
    if ((isGain(movement) ? work.shown.gains : work.shown.losses) >= maxSamples) return;
    const object = this.#ref(work.relation.type, node);
    let shown = 0;
    if (subjects.isAllBut && shown++ < maxSamplesOfObject) {
      yield* this.#show(work, movement, this.#nameOf(asked, undefined), object);
    }
    for (const rank of ranksIn(subjects, total)) {
      if (shown++ >= maxSamplesOfObject) return;
      yield* this.#show(work, movement, this.#nameOf(asked, rank), object);
    }
  }

  *#show(
    { relation, shown }: Work,
    transition: Transition,
    subject: string,
    object: ObjectRef,
  ): Generator<ImpactEvent, void, undefined> {
    const counted = isGain(transition) ? 'gains' : 'losses';
    if (shown[counted] >= this.#options.maxSamples) return;
    shown[counted] += 1;
    const { type, name } = relation;
    const { before, after } = transition;
    const named = { subject, object: formatObject(object) };
    yield { kind: 'changed', type, relation: name, ...named, before, after };
  }

  #nameOf({ type, subjects }: Asked, candidate: Candidate): string {
    const node = candidate === undefined ? undefined : subjects.nodes[candidate];
    return node === undefined ? `${type}:*` : formatObject(this.#ref(type, node));
  }

  #ref(type: string, node: Node): ObjectRef {
    return { type, id: this.#scopes.before.graph.nodeId(node) };
  }
}

const noCounts = (): Counts => ({ gained: 0, lost: 0, mayGain: 0, mayLose: 0 });

function count(counts: Counts, transition: Transition, by: number): void {
  if (isCertain(transition)) counts[isGain(transition) ? 'gained' : 'lost'] += by;
  else counts[isGain(transition) ? 'mayGain' : 'mayLose'] += by;
}

function partsOf(walk: SetWalk, node: Node, relation: JointIndex | undefined): Parts | undefined {
  return relation === undefined || !walk.isReached(relation)
    ? NO_PARTS
    : walk.partsOf(node, relation);
}

const NO_PARTS: Parts = { sure: [], unsure: [] };

function reachedBy(type: string, joint: JointPlan, before: Binding, after: Binding): Uint8Array {
  const old = before.reach.reachedFrom(type, '');
  const young = after.reach.reachedFrom(type, '');
  return Uint8Array.from(joint.relations, ({ side, plan }) =>
    (side === 'before' ? old : young)[plan.index] === 1 ? 1 : 0,
  );
}

export type { Outcome };
