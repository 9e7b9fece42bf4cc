/** The golden vectors, against this verifier; `PEMBA_UPDATE_VECTORS=1` writes the file anew. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { PermitRefused, REFUSAL_REASONS } from '../../src/client/verifier.js';
import { systemTimers } from '../../src/identity/timers.js';
import { verifierUnderTest } from '../client/verifying.js';
import { vectorFile } from './permits.js';
import type { VectorFile } from './permits.js';
import type { Expectation, PeerParameters, Vector } from './permit-vector.js';

const FILE = join(__dirname, 'permits.json');

const stored = existsSync(FILE)
  ? (JSON.parse(readFileSync(FILE, 'utf8')) as VectorFile)
  : undefined;
const made = vectorFile(stored);
if (process.env['PEMBA_UPDATE_VECTORS'] === '1') {
  writeFileSync(FILE, `${JSON.stringify(made, undefined, 2)}\n`);
}
const { vectors, ...setting } = JSON.parse(readFileSync(FILE, 'utf8')) as VectorFile;

/** What no vector can show: it depends on what is around the verifier. */
const NOT_IN_VECTORS = ['missing', 'keys_unavailable', 'revocations_stale', 'replay_cache_full'];

const peerOf = ({ certificate_thumbprint: thumbprint, dpop, service }: PeerParameters) => ({
  ...(service === undefined ? { unauthenticated: true as const } : { service }),
  ...(thumbprint !== undefined && { certificateThumbprint: thumbprint }),
  ...(dpop !== undefined && { dpop }),
});

async function outcomeOf(vector: Vector): Promise<Expectation> {
  const { verifier, stop } = await verifierUnderTest({
    issuer: setting.issuer,
    service: setting.service,
    keys: setting.jwks,
    clockSkewSeconds: setting.clock_skew_seconds,
    ...(vector.kind === 'permit' && { algorithms: vector.parameters.algorithms }),
    clock: { now: () => vector.parameters.now * 1000, monotonic: () => performance.now() },
    timers: systemTimers,
    watermarks: vector.parameters.revocations,
  });
  const once = async (): Promise<void> => {
    if (vector.kind === 'transaction_token') {
      const { trust_domain: trustDomain } = vector.parameters;
      await verifier.verifyTransactionToken(vector.token, { trustDomain });
    } else {
      const { peer, action, resource, context, once } = vector.parameters;
      const real = { action, resource, ...(context !== undefined && { context }) };
      await verifier.verifyPermit(vector.token, { ...real, peer: peerOf(peer), once });
    }
  };
  try {
    const before = vector.kind === 'permit' ? vector.parameters.presented_before : 0;
    for (let i = 0; i < before; i++) await once();
    await once();
    return 'accepted';
  } catch (error) {
    if (!(error instanceof PermitRefused)) throw error;
    return error.reason;
  } finally {
    await stop();
  }
}

describe('the golden vectors', () => {
  it('are what their makers make', () => {
    expect(stored ?? made).toEqual(JSON.parse(JSON.stringify(made)));
  });

  it('have names of their own', () => {
    expect(new Set(vectors.map(({ kind, name }) => `${kind} ${name}`)).size).toBe(vectors.length);
  });

  it('show every reason there is', () => {
    const shown = new Set(vectors.map(({ expect: reason }) => reason));
    const expected = REFUSAL_REASONS.filter((reason) => !NOT_IN_VECTORS.includes(reason));
    expect([...shown].sort()).toEqual(['accepted', ...expected].sort());
  });

  it.each(vectors.map((vector) => [vector.kind, vector.name, vector.expect, vector] as const))(
    '%s, %s: %s',
    async (_kind, _name, expected, vector) => {
      expect(await outcomeOf(vector)).toBe(expected);
    },
  );
});
