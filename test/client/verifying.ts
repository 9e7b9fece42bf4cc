/** A verifier that has read its keys and, from a feed of one page, its revocations. */
import { createVerifier } from '../../src/client/verifier.js';
import type { Verifier, VerifierOptions } from '../../src/client/verifier.js';
import type { WireWatermark } from '../vectors/permit-vector.js';

export interface VerifierUnderTest {
  readonly verifier: Verifier;
  readonly stop: () => Promise<void>;
}

type Options = VerifierOptions & { readonly watermarks?: readonly WireWatermark[] };

export async function verifierUnderTest({
  watermarks = [],
  ...options
}: Options): Promise<VerifierUnderTest> {
  const pages = [watermarks, []];
  const fetch = (): Promise<Response> =>
    Promise.resolve(Response.json({ revocations: pages.shift() ?? [], cursor: 'end' }));
  const verifier = createVerifier({ fetch, ...options });
  await verifier.start();
  return { verifier, stop: () => verifier.stop() };
}
