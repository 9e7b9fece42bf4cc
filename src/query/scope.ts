import { evaluateCondition } from '../condition/evaluate.js';
import type { ConditionOutcome } from '../condition/evaluate.js';
import { PLAIN } from '../graph/reader.js';
import type { EdgeFacts, GraphReader, Node } from '../graph/reader.js';
import type { Admission, KindIndex, Plan } from '../schema/plan.js';
import { subjectFromColumns } from '../tuple/filter.js';
import { formatTupleKey } from '../tuple/tuple.js';
import type { JsonObject, TupleKey } from '../tuple/tuple.js';
import type { CompiledCondition } from '../condition/compile.js';
import type { End, Entities } from '../condition/entities.js';
import type { Binding } from './binding.js';
import type { Budget } from './budget.js';
import type { PropertiesOf } from './entities.js';
import { FALSE, TRUE, failed } from './truth.js';
import type { Verdict } from './truth.js';

/** Everything that one query sees besides its question. It is fixed while the query runs. */
export interface QueryScope {
  readonly binding: Binding;
  /** With the request's contextual tuples already laid over it. */
  readonly graph: GraphReader;
  readonly context: JsonObject;
  /** Absent where no condition reads attributes, or none of anybody are known. */
  readonly propertiesOf?: PropertiesOf | undefined;
  /** Of the question that is being evaluated; see `askedAbout`. */
  readonly entities?: Entities;
  /** Milliseconds since 1970: the instant at which tuples are expired or not. */
  readonly now: number;
  readonly budget: Budget;
  /** Take every condition for true: "would it be granted if the conditions held?" */
  readonly conditionsHold?: boolean;
}

/** A simple condition takes half a microsecond; a costly one is bounded on its own. */
const STEPS_PER_CONDITION = 32;

/** Whether an edge counts as a tuple of the model at all, whatever its condition says. */
export function isAdmitted(admission: Admission, facts: EdgeFacts, now: number): boolean {
  if (facts === PLAIN) return admission.plain;
  if (facts.expiresAt !== undefined && facts.expiresAt <= now) return false;
  return facts.condition === undefined
    ? admission.plain
    : admission.conditions.has(facts.condition.name);
}

/** An edge from the node of an object to that of a subject, its kind as the plan numbers it. */
export interface Edge {
  readonly object: Node;
  readonly kind: KindIndex;
  readonly subject: Node;
}

/** Whether an edge holds: admitted, not expired, and its condition true. */
export function edgeVerdict(
  scope: QueryScope,
  admission: Admission,
  facts: EdgeFacts,
  edge: Edge,
): Verdict {
  if (!isAdmitted(admission, facts, scope.now)) return FALSE;
  if (facts.condition === undefined) return TRUE;
  return conditionVerdict(scope, facts.condition, edge);
}

function conditionVerdict(
  scope: QueryScope,
  condition: NonNullable<EdgeFacts['condition']>,
  edge: Edge,
): Verdict {
  const compiled = scope.binding.plan.conditions.get(condition.name);
  if (compiled === undefined) return FALSE;
  if (scope.conditionsHold === true) return TRUE;
  const outcome = conditionOutcome(scope, compiled, condition.context);
  switch (outcome.kind) {
    case 'true':
      return TRUE;
    case 'false':
      return FALSE;
    case 'missing': {
      const lacking = scope.entities && endLacking(compiled, outcome.parameters);
      const failure = { ...outcome, condition: condition.name, tuple: nameOf(scope, edge) };
      return failed(lacking === undefined ? failure : { ...failure, lacking });
    }
    case 'error':
      return failed({ ...outcome, condition: condition.name, tuple: nameOf(scope, edge) });
  }
}

/** What a tuple's condition comes to, for whoever wants no more than that. */
export function conditionOutcome(
  scope: QueryScope,
  compiled: CompiledCondition,
  context: JsonObject,
): ConditionOutcome {
  scope.budget.step(STEPS_PER_CONDITION);
  return evaluateCondition(
    compiled,
    { tuple: context, request: scope.context, entities: scope.entities },
    { maxCost: scope.budget.limits.maxConditionCost },
  );
}

const nameOf = ({ binding, graph }: QueryScope, edge: Edge): string =>
  formatTupleKey(edgeKey(binding.plan, edge, (node) => graph.nodeId(node)));

/** Where nothing but attributes of one end are missing: whose. */
function endLacking(
  { parameters }: CompiledCondition,
  missing: readonly string[],
): End | undefined {
  const ends = new Set(
    parameters.filter(({ name }) => missing.includes(name)).map(({ reference }) => reference?.end),
  );
  const [end] = ends;
  return ends.size === 1 ? end : undefined;
}

/** The tuple that the edge is. */
export function edgeKey(
  plan: Plan,
  { object, kind, subject }: Edge,
  idOf: (node: Node) => string,
): TupleKey {
  const names = plan.kinds[kind];
  if (names === undefined) throw new RangeError(`no kind ${kind} in the plan`);
  const [objectType, relation, subjectType, form] = names;
  return {
    object: { type: objectType, id: idOf(object) },
    relation,
    subject: subjectFromColumns(subjectType, idOf(subject), form),
  };
}
