/**
 * Why a permit or a transaction token is refused: one class with stable reasons, for the server that
 * is given one to exchange and for the services that verify them offline. Whoever presents a token
 * may be anybody, so nothing of it is in the message; the claim that is wrong is named, because the
 * names are known to all.
 */
interface Meaning {
  readonly sentence: string;
  /** As an HTTP service should answer: who are you, you may not, or ask again later. */
  readonly status: 401 | 403 | 503;
}

const MEANINGS = {
  missing: { sentence: 'there is none', status: 401 },
  too_long: { sentence: 'it is too long', status: 401 },
  malformed: { sentence: 'it is not a signed JWT in compact form, in strict JSON', status: 401 },
  header_not_allowed: { sentence: 'its header may hold alg, kid and typ alone', status: 401 },
  wrong_type: { sentence: 'its `typ` is that of another kind of token', status: 401 },
  algorithm_not_allowed: { sentence: 'its `alg` is not on the list', status: 401 },
  wrong_issuer: { sentence: 'its `iss` is not the issuer expected here', status: 401 },
  wrong_audience: { sentence: 'its `aud` is not who verifies it', status: 401 },
  invalid_claim: { sentence: 'a claim is missing or wrong', status: 401 },
  lives_too_long: { sentence: 'it lives longer than such tokens may', status: 401 },
  expired: { sentence: 'it has expired', status: 401 },
  not_yet_valid: { sentence: 'it is not valid yet', status: 401 },
  wrong_peer: { sentence: 'who presents it is not its actor', status: 401 },
  unconfirmed: { sentence: 'it is bound to no key, and who presents it is not known', status: 401 },
  not_proved: { sentence: 'the key that it is bound to was not proved', status: 401 },
  invalid_proof: { sentence: 'the DPoP proof is not one for this request', status: 401 },
  proof_replayed: { sentence: 'the DPoP proof was used before', status: 401 },
  unknown_key: { sentence: 'its issuer has no such key', status: 401 },
  key_mismatch: { sentence: 'the key that it names is of another algorithm', status: 401 },
  bad_signature: { sentence: 'its signature is wrong', status: 401 },
  revoked: { sentence: 'it was revoked', status: 401 },
  replayed: { sentence: 'it was used before', status: 401 },
  not_permitted: { sentence: 'it does not permit this action on this resource', status: 403 },
  context_differs: { sentence: 'it was decided for other values than these', status: 403 },
  keys_unavailable: { sentence: "its issuer's keys cannot be had", status: 503 },
  revocations_stale: { sentence: 'what was revoked of late is not known', status: 503 },
  replay_cache_full: { sentence: 'no more tokens can be remembered as used', status: 503 },
} as const satisfies Readonly<Record<string, Meaning>>;

export type RefusalReason = keyof typeof MEANINGS;

export const REFUSAL_REASONS = Object.keys(MEANINGS) as readonly RefusalReason[];

export class PermitRefused extends Error {
  readonly reason: RefusalReason;
  readonly status: 401 | 403 | 503;
  /** The name of the claim that is missing or wrong, where one is. */
  readonly claim: string | undefined;

  constructor(
    reason: RefusalReason,
    details: { readonly claim?: string; readonly cause?: unknown } = {},
  ) {
    const { sentence, status } = MEANINGS[reason];
    const message = details.claim === undefined ? sentence : `${sentence}: ${details.claim}`;
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'PermitRefused';
    this.reason = reason;
    this.status = status;
    this.claim = details.claim;
  }
}
