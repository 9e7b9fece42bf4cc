/**
 * Tokens of end users, as services hand them on to ask about their bearers. Whoever calls has been
 * let in by other means, so a token that is refused here is a mistake in the request.
 */
import { PembaError } from '../errors.js';
import { brokenRule, subjectTokenError } from './token-refusal.js';
import type { JsonObject, Subject } from '../tuple/tuple.js';

export interface VerifiedSubject {
  readonly subject: Subject & { readonly kind: 'object' };
  /** The payload, as verified. */
  readonly claims: JsonObject;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

export interface SubjectTokens {
  /**
   * In the same turn where the token is known, else by a promise; the same token is the same object,
   * by which others keep what they make of it. Throws or rejects with `invalid_subject_token` or
   * `issuer_unavailable`.
   */
  subjectOf(token: string): VerifiedSubject | Promise<VerifiedSubject>;
}

type Verified = Omit<VerifiedSubject, 'subject'>;

/** Over a verifier that keeps what it has verified, and the rule for whom a token is about. */
export function subjectTokens<Token extends Verified>(
  verify: (token: string) => Token | Promise<Token>,
  subjectOf: (verified: Token) => VerifiedSubject['subject'],
): SubjectTokens {
  const known = new WeakMap<Token, VerifiedSubject>();
  const once = (verified: Token): VerifiedSubject => {
    let subject = known.get(verified);
    if (subject === undefined) {
      const { claims, expiresAt } = verified;
      subject = { subject: subjectOf(verified), claims, expiresAt };
      known.set(verified, subject);
    }
    return subject;
  };
  return {
    subjectOf(token) {
      try {
        const verified = verify(token);
        return verified instanceof Promise ? verified.then(once).catch(refuse) : once(verified);
      } catch (error) {
        return refuse(error);
      }
    },
  };
}

/** Of a caller it would be `unauthenticated`; whoever has been let in is told what is wrong. */
function refuse(error: unknown): never {
  if (brokenRule(error) !== undefined) throw subjectTokenError(error);
  if (!(error instanceof PembaError && error.code === 'unauthenticated')) throw error;
  throw new PembaError('invalid_subject_token', `subject_token: ${error.message}`, {
    facts: { ...error.facts, field: 'subject_token' },
    cause: error,
  });
}
