/** Decisions as AuthZEN's clients read them: bare, unless they ask for more. */
import type { PembaError } from '../../errors.js';
import type { Revision } from '../../ids.js';
import type { Obligation } from '../../schema/authzen-mapping.js';
import type { JsonObject } from '../../tuple/tuple.js';
import type { Wanted } from './circumstances.js';
import { itemError } from './errors.js';
import type { Judgement, ReasonCode } from './judgement.js';

export interface WireDecision {
  readonly decision: boolean;
  readonly context?: object;
}

const REASONS: Readonly<Record<ReasonCode, string>> = {
  granted: 'the subject has the permission',
  no_path: 'the subject does not have the permission',
  condition_false: 'the subject would have the permission if its conditions held',
  missing_parameters: 'the permission has conditions about what the request does not tell',
  condition_failed: 'a condition of the permission cannot be evaluated',
  ceiling: 'the service may not exercise the permission for anybody',
  chain: 'a service before it may not stand in the chain',
  forbidden: 'the subject is barred from the resource',
  unmet_obligations: 'the permission carries obligations that the client does not say it can meet',
};

const PERMIT: WireDecision = Object.freeze({ decision: true });
const DENY: WireDecision = Object.freeze({ decision: false });

export function decisionToWire(
  { permits, reason, parameters, obligations }: Judgement,
  { explain, obligations: met }: Wanted,
  revision: Revision,
): WireDecision {
  const told = explain || met !== undefined ? obligations : [];
  if (!explain && told.length === 0) return permits ? PERMIT : DENY;
  return {
    decision: permits,
    context: {
      ...(explain && {
        reason_code: reason,
        reason: REASONS[reason],
        ...(parameters.length > 0 && { missing_parameters: parameters }),
        revision,
      }),
      ...(told.length > 0 && { obligations: told.map(obligationToWire) }),
    },
  };
}

export const obligationToWire = ({ id, type, properties }: Obligation): JsonObject => ({
  id,
  type,
  properties,
});

/** Whoever asks what cannot be answered is told so, and that it is no permission. */
export const errorToWire = (error: PembaError): WireDecision => ({
  decision: false,
  context: { error: itemError(error) },
});
