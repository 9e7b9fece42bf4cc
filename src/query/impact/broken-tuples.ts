/**
 * The stored tuples that one model admits and another does not: they stay, and count for nothing.
 * Counted by the kind of edge and the condition, so that a change can be told which are its own.
 */
import { contextProblem } from '../../condition/context.js';
import { NodeList, PLAIN } from '../../graph/reader.js';
import type { EdgeFacts, EdgeKind, GraphReader, Node } from '../../graph/reader.js';
import type { Broken } from '../../schema/change.js';
import { isSameCondition } from '../../schema/compare-conditions.js';
import { admissionOf } from '../../schema/plan.js';
import type { Admission, KindIndex, PlanKind } from '../../schema/plan.js';
import { WILDCARD_FORM } from '../../tuple/filter.js';
import { formatTupleKey } from '../../tuple/tuple.js';
import { edgeKey, isAdmitted } from '../scope.js';
import type { QueryScope } from '../scope.js';
import type { Side } from './joint-plan.js';
import type { Population } from './subjects.js';

/** Tuples of one kind and condition. */
export interface BrokenTuples {
  readonly type: string;
  readonly relation: string;
  readonly subjectType: string;
  readonly subjectForm: string;
  readonly condition: string | null;
  count: number;
  /** Some of them. */
  readonly samples: string[];
}

/** Of an edge kind that the old model admits and the new one does not, or not under all conditions. */
interface Suspect {
  readonly index: KindIndex;
  readonly kind: EdgeKind;
  readonly names: PlanKind;
  readonly before: Admission;
  readonly after: Admission | undefined;
}

/** Rests after every object; returns what was found. */
export function* brokenTuples(
  scopes: Readonly<Record<Side, QueryScope>>,
  population: Population,
  maxSamples: number,
): Generator<undefined, readonly BrokenTuples[], undefined> {
  const { graph, binding } = scopes.before;
  const found = new Map<string, BrokenTuples>();
  for (const suspect of suspectsOf(scopes)) {
    const counter = new Counter(scopes, suspect, { found, maxSamples });
    for (const node of population.of(binding.kinds.type(suspect.names[0])).nodes) {
      counter.count(graph, node);
      yield;
    }
  }
  return [...found.values()];
}

export const isOf = (broken: Broken, tuples: BrokenTuples): boolean =>
  (broken.type === undefined || broken.type === tuples.type) &&
  (broken.relation === undefined || broken.relation === tuples.relation) &&
  (broken.subjectType === undefined || broken.subjectType === tuples.subjectType) &&
  (broken.subjectForm === undefined || broken.subjectForm === tuples.subjectForm) &&
  (broken.condition === undefined || broken.condition === tuples.condition);

function suspectsOf({ before, after }: Readonly<Record<Side, QueryScope>>): readonly Suspect[] {
  const old = before.binding.plan.model;
  const young = after.binding.plan.model;
  return before.binding.plan.kinds.flatMap((names, index): readonly Suspect[] => {
    const [type, relation, subjectType, form] = names;
    const admissions = [old, young].map((model) => {
      const definition = model.types.get(type)?.relations.get(relation);
      return definition && admissionOf(definition, { type: subjectType, ...formOf(form) });
    });
    const [own, other] = admissions;
    if (own === undefined) return [];
    const isSafe =
      other !== undefined &&
      (other.plain || !own.plain) &&
      [...own.conditions].every(
        (name) =>
          other.conditions.has(name) &&
          isSameCondition(old.conditions.get(name), young.conditions.get(name)),
      );
    if (isSafe) return [];
    return [{ index, kind: before.binding.kind(index), names, before: own, after: other }];
  });
}

function formOf(form: string): { readonly kind: string; readonly relation: string } {
  if (form === '') return { kind: 'object', relation: '' };
  return form === WILDCARD_FORM
    ? { kind: 'wildcard', relation: '' }
    : { kind: 'userset', relation: form };
}

interface Counting {
  readonly found: Map<string, BrokenTuples>;
  readonly maxSamples: number;
}

class Counter {
  readonly #scopes: Readonly<Record<Side, QueryScope>>;
  readonly #suspect: Suspect;
  readonly #counting: Counting;
  readonly #list = new NodeList();

  constructor(scopes: Readonly<Record<Side, QueryScope>>, suspect: Suspect, counting: Counting) {
    this.#scopes = scopes;
    this.#suspect = suspect;
    this.#counting = counting;
  }

  count(graph: GraphReader, node: Node): void {
    const { kind, before } = this.#suspect;
    if (before.plain && !this.#isAdmitted(PLAIN)) {
      graph.openSubjects(node, kind, this.#list);
      const { words, start, length } = this.#list;
      for (let i = start; i < start + length; i++) this.#note(node, words[i] ?? 0, PLAIN);
    }
    if (!graph.hasGuarded) return;
    graph.someGuardedSubject(node, kind, (subject, facts) => {
      const { now } = this.#scopes.before;
      if (isAdmitted(before, facts, now) && !this.#isAdmitted(facts)) {
        this.#note(node, subject, facts);
      }
      return false;
    });
  }

  #isAdmitted(facts: EdgeFacts): boolean {
    const { after } = this.#suspect;
    const { now, binding } = this.#scopes.after;
    if (after === undefined || !isAdmitted(after, facts, now)) return false;
    if (facts.condition === undefined) return true;
    const compiled = binding.plan.conditions.get(facts.condition.name);
    return (
      compiled !== undefined && contextProblem(compiled, facts.condition.context) === undefined
    );
  }

  #note(object: Node, subject: Node, { condition }: EdgeFacts): void {
    const { found, maxSamples } = this.#counting;
    const { index, names } = this.#suspect;
    const [type, relation, subjectType, subjectForm] = names;
    const key = JSON.stringify([index, condition?.name]);
    let tuples = found.get(key);
    if (tuples === undefined) {
      const name = condition?.name ?? null;
      tuples = { type, relation, subjectType, subjectForm, condition: name, count: 0, samples: [] };
      found.set(key, tuples);
    }
    tuples.count += 1;
    if (tuples.samples.length >= maxSamples) return;
    const { binding, graph } = this.#scopes.before;
    const edge = { object, kind: index, subject };
    tuples.samples.push(formatTupleKey(edgeKey(binding.plan, edge, (node) => graph.nodeId(node))));
  }
}
