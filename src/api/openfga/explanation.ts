/** Why a decision is as it is, as it is told to whoever may read the store's tuples. */
import type { Missing } from '../../delegation/decide.js';
import type { ExplainedCheck } from '../../operations/explain.js';
import type { DeniedSet, Denial, Explanation } from '../../query/denial.js';
import type { Proof } from '../../query/explain.js';
import { formatObject, formatTupleKey } from '../../tuple/tuple.js';

export function missingToWire(missing: Missing): object {
  if (missing.kind !== 'authority') {
    return { kind: missing.kind, tuple: formatTupleKey(missing.tuple) };
  }
  return { kind: missing.kind, ...explanationToWire(missing.explanation) };
}

export function explainedToWire(explained: ExplainedCheck): object {
  const { allowed } = explained;
  return explained.allowed
    ? { allowed, proof: proofToWire(explained.proof) }
    : { allowed, ...explanationToWire(explained) };
}

const explanationToWire = ({ reason, parameters, denial }: Explanation): object => ({
  reason,
  ...(parameters.length > 0 && { parameters }),
  denial: denialToWire(denial),
});

function denialToWire({ set, ...cause }: Denial): object {
  const head = { set: setName(set), because: cause.because };
  switch (cause.because) {
    case 'all_ways_fail':
    case 'one_operand_fails':
      return {
        ...head,
        ways: cause.ways.map(denialToWire),
        ...(cause.more > 0 && { more: cause.more }),
      };
    case 'excluded':
      return {
        ...head,
        ...(cause.from && { from: setName(cause.from) }),
        proof: proofToWire(cause.proof),
      };
    default:
      return { ...head, ...cause };
  }
}

const setName = ({ relation, object }: DeniedSet): string => `${formatObject(object)}#${relation}`;

const proofToWire = ({ tuples, contextual, absences, expiresAt }: Proof): object => ({
  tuples: tuples.map(formatTupleKey),
  ...(contextual.length > 0 && { contextual_tuples: contextual.map(formatTupleKey) }),
  ...(absences.length > 0 && { outside_of: absences.map(setName) }),
  ...(expiresAt !== undefined && { expires_at: new Date(expiresAt).toISOString() }),
});
