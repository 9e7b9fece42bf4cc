/** What Pemba keeps with a version of a model beside OpenFGA's body, and as immutable. */
import { compileClaimsMapping } from './claims-mapping.js';
import type { ClaimsMapping } from './claims-mapping.js';
import type { WireClaimsMapping } from './claims-mapping-wire.js';
import { compilePlan } from './plan.js';
import type { Plan } from './plan.js';
import type { Model } from './model.js';

export interface Attachments {
  readonly claims_mapping?: WireClaimsMapping | undefined;
}

/** A version of a model, ready for use. */
export interface Compiled {
  readonly plan: Plan;
  readonly claims: ClaimsMapping | undefined;
}

/** Throws `invalid_claims_mapping` where the attachments do not fit the model. */
export const compile = (model: Model, attachments: Attachments): Compiled =>
  withAttachments(compilePlan(model), attachments);

export const withAttachments = (plan: Plan, { claims_mapping }: Attachments): Compiled => ({
  plan,
  claims: claims_mapping && compileClaimsMapping(plan, claims_mapping),
});
