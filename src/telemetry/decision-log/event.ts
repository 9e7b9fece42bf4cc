/**
 * A decision as a line of JSON, in the form of OPA's decision log, so that its collectors and tools
 * can read it. Where the two differ:
 *
 *   bundles     the store and its revision, and under `model` the model; as text, as OPA has it
 *   input       AuthZEN's subject, action, resource and context, and the contextual tuples
 *   input       … and where a service acts for the subject, that `actor` and the `chain` before it
 *   result      { allowed }, for a delegated check with its `reason` and `decision_id`, or of a list
 *               { count, complete }; none where there is an `error`
 *   req_id      left out: OPA's is a number. The request's id stands among `request_context`'s
 *               headers, and the items of a batch have their `batch_decision_id` in common.
 *
 * An error is told by its code alone, for its message may name what is masked.
 */
import type { DecidedQuestion, Decision, DecisionSource } from '../../api/decision.js';
import { PembaError } from '../../errors.js';
import { serviceName, serviceObject } from '../../tuple/delegation.js';
import { formatObject, formatSubject } from '../../tuple/tuple.js';
import type { ObjectRef, RelationTuple, Subject } from '../../tuple/tuple.js';
import { REQUEST_ID_HEADER } from '../requests.js';
import type { Mask } from './mask.js';

export interface LoggedDecision {
  readonly id: string;
  readonly batchId: string | undefined;
  readonly api: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly handlerMs: number;
  readonly requestId: string;
  readonly requestedBy: string | undefined;
  readonly from: DecisionSource;
  readonly decision: Decision;
}

export interface Labels {
  /** Of the process. */
  readonly id: string;
  readonly version: string;
}

/** Beyond it an event loses what makes it long, so that no caller can make one nobody takes. */
export const MAX_EVENT_BYTES = 262_144;
const LONG = ['context', 'contextual_tuples'] as const;

/** Makes the lines, without their ends. */
export function eventForm(labels: Labels, mask: Mask): (logged: LoggedDecision) => string {
  const head = `{"labels":${JSON.stringify({ ...labels, app: 'pemba' })},"decision_id":"`;
  return (logged) => {
    const body = { input: inputOf(logged.decision), ...resultOf(logged.decision) };
    const line = lineOf(head, logged, body, mask);
    if (Buffer.byteLength(line) <= MAX_EVENT_BYTES) return line;
    const long = LONG.filter((name) => body.input?.[name] !== undefined);
    const input = { ...body.input, context: undefined, contextual_tuples: undefined };
    return lineOf(
      head,
      logged,
      { ...body, input },
      mask,
      long.map((name) => `/input/${name}`),
    );
  };
}

interface Body {
  readonly input: Input | undefined;
  readonly result?: object;
  readonly error?: object;
}

/** Put together by hand where the values are ours and need no escape. */
function lineOf(
  head: string,
  { id, batchId, api, at, handlerMs, requestId, requestedBy, from }: LoggedDecision,
  { error, ...masked }: Body,
  mask: Mask,
  cut: readonly string[] = [],
): string {
  const { value, erased } = mask.isEmpty ? { value: masked, erased: cut } : mask.apply(masked);
  const gone = [...new Set([...cut, ...erased])];
  return (
    `${head}${id}"` +
    (batchId === undefined ? '' : `,"batch_decision_id":"${batchId}"`) +
    `,"bundles":${bundlesOf(from)},"path":"stores/${from.storeId}/${api}"` +
    (value.input === undefined ? '' : `,"input":${JSON.stringify(value.input)}`) +
    (value.result === undefined ? '' : `,"result":${JSON.stringify(value.result)}`) +
    (error === undefined ? '' : `,"error":${JSON.stringify(error)}`) +
    (gone.length === 0 ? '' : `,"erased":${JSON.stringify(gone)}`) +
    (requestedBy === undefined ? '' : `,"requested_by":${JSON.stringify(requestedBy)}`) +
    `,"timestamp":"${new Date(at).toISOString()}"` +
    `,"metrics":{"timer_server_handler_ns":${Math.round(handlerMs * 1e6)}}` +
    `,"request_context":{"http":{"headers":{"${REQUEST_ID_HEADER}":[${JSON.stringify(requestId)}]}}}}`
  );
}

function bundlesOf({ storeId, modelId, revision }: DecisionSource): string {
  const store = revision === undefined ? '{}' : `{"revision":"${revision}"}`;
  const model = modelId === undefined ? '' : `,"model":{"revision":"${modelId}"}`;
  return `{"${storeId}":${store}${model}}`;
}

type Input = Readonly<Record<string, unknown>>;

function inputOf({ question, correlationId, acting }: Decision): Input | undefined {
  const item = correlationId === undefined ? {} : { correlation_id: correlationId };
  if (question instanceof PembaError) return correlationId === undefined ? undefined : item;
  const { context, contextualTuples } = question;
  return {
    ...item,
    ...askedOf(question),
    ...(acting && { actor: refOf(serviceObject(acting.actor)) }),
    ...(acting && acting.chain.length > 0 && { chain: acting.chain.map(serviceName) }),
    ...(Object.keys(context).length > 0 && { context }),
    ...(contextualTuples.length > 0 && { contextual_tuples: contextualTuples.map(tupleOf) }),
  };
}

function askedOf(asked: DecidedQuestion): Input {
  if ('key' in asked) {
    const { subject, relation, object } = asked.key;
    return { subject: subjectOf(subject), action: { name: relation }, resource: refOf(object) };
  }
  const { question } = asked;
  if ('form' in question) {
    const { form, relation, object } = question;
    return { subject: form, action: { name: relation }, resource: refOf(object) };
  }
  if (!('relation' in question)) {
    return { subject: subjectOf(question.subject), resource: refOf(question.object) };
  }
  const { type, relation, subject } = question;
  return { subject: subjectOf(subject), action: { name: relation }, resource: { type } };
}

const refOf = ({ type, id }: ObjectRef): ObjectRef => ({ type, id });

function subjectOf(subject: Subject): object {
  switch (subject.kind) {
    case 'object':
      return refOf(subject);
    case 'userset':
      return { ...refOf(subject), relation: subject.relation };
    case 'wildcard':
      return { type: subject.type, id: '*' };
  }
}

const tupleOf = ({ object, relation, subject, condition, expiresAt }: RelationTuple): object => ({
  subject: formatSubject(subject),
  relation,
  object: formatObject(object),
  ...(condition && { condition }),
  ...(expiresAt !== undefined && { expires_at: new Date(expiresAt).toISOString() }),
});

function resultOf({ result }: Decision): Omit<Body, 'input'> {
  if ('error' in result) return { error: { code: result.error.code } };
  if ('reason' in result) {
    const { allowed, reason, decisionId } = result;
    return { result: { allowed, reason, decision_id: decisionId } };
  }
  if ('allowed' in result) return { result: { allowed: result.allowed } };
  return { result: { count: result.count, complete: result.isComplete } };
}
