/** What a delegated decision lacks, as it is told to whoever may read the store's tuples. */
import type { Missing } from '../../delegation/decide.js';
import type { DeniedSet, Denial } from '../../query/denial.js';
import type { Proof } from '../../query/explain.js';
import { formatObject, formatTupleKey } from '../../tuple/tuple.js';

export function missingToWire(missing: Missing): object {
  if (missing.kind !== 'authority') {
    return { kind: missing.kind, tuple: formatTupleKey(missing.tuple) };
  }
  const { reason, parameters, denial } = missing.explanation;
  return {
    kind: missing.kind,
    reason,
    ...(parameters.length > 0 && { parameters }),
    denial: denialToWire(denial),
  };
}

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

const proofToWire = ({ tuples, absences }: Proof): object => ({
  tuples: tuples.map(formatTupleKey),
  ...(absences.length > 0 && { outside_of: absences.map(setName) }),
});
