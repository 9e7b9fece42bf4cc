/** `pemba/verifier`: permits and transaction tokens, verified offline by the service that gets them. */
export { PermitRefused, REFUSAL_REASONS } from '../delegation/permit-refused.js';
export type { RefusalReason } from '../delegation/permit-refused.js';
