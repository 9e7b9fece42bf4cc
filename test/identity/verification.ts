/** A verifier of live issuers, with time that stands still and a count of what it was told. */
import { parseIssuerFile } from '../../src/identity/issuer-file.js';
import { principalOf } from '../../src/identity/token-principal.js';
import { TokenVerifier } from '../../src/identity/token-verifier.js';
import { brokenRule } from '../../src/identity/token-refusal.js';
import { PembaError } from '../../src/errors.js';
import type { ManualTime } from '../support/manual-time.js';

export interface Verification {
  readonly verifier: TokenVerifier;
  /** Messages of failed reads of keys. */
  readonly failures: readonly string[];
  /** How often keys were read, in vain or not. */
  attempts(): number;
  /** Sentences about keys of no use. */
  readonly ignored: readonly string[];
}

export function verificationOf(
  time: ManualTime,
  settings: readonly object[],
  limits: { readonly cachedTokens?: number } = {},
): Verification {
  const failures: string[] = [];
  const ignored: string[] = [];
  let loads = 0;
  const verifier = new TokenVerifier({
    issuers: parseIssuerFile(JSON.stringify({ issuers: settings }), 'issuers.json').issuers,
    clock: time,
    timers: time,
    fetch,
    events: {
      loaded: (_issuer, outcome) => {
        loads++;
        ignored.push(...outcome.ignored);
      },
      failed: (_issuer, error) => failures.push(error instanceof Error ? error.message : 'unknown'),
    },
    maxTokenBytes: 16_384,
    cachedTokens: 10_000,
    ...limits,
  });
  return { verifier, failures, ignored, attempts: () => loads + failures.length };
}

/** The name of the broken rule, the code of another error, or `accepted`. */
export async function verdictOn(
  verifier: TokenVerifier,
  token: string,
  use: 'caller' | 'subject' = 'caller',
): Promise<string> {
  try {
    const verified = await verifier.verify(token, use);
    if (use === 'caller') principalOf(verified);
    return 'accepted';
  } catch (error) {
    if (!(error instanceof PembaError)) throw error;
    return brokenRule(error) ?? error.code;
  }
}
