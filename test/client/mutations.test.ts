/** Whatever is changed about a permit that is good, it is good no longer. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Verifier } from '../../src/client/verifier.js';
import { permitClaims, readPermit } from '../../src/delegation/permit.js';
import type { Permit } from '../../src/delegation/permit.js';
import type { JsonObject } from '../../src/tuple/tuple.js';
import { SEED } from '../graph/seed.js';
import { base64url } from '../vectors/permit-keys.js';
import { ISSUER, JWKS, NOW, claimsOf, ed, es, headerOf, permit } from '../vectors/permit-vector.js';
import { REQUEST, verdictOf } from './live-verifier.js';
import { verifierUnderTest } from './verifying.js';

const RUN = { seed: SEED, numRuns: 300 };

describe(`permits that were changed (seed ${SEED})`, () => {
  let verifier: Verifier;
  let stop: () => Promise<void>;

  beforeAll(async () => {
    ({ verifier, stop } = await verifierUnderTest({
      ...{ issuer: ISSUER, service: 'service:inventory', keys: JWKS, revocations: 'off' },
      clock: { now: () => NOW * 1000, monotonic: () => performance.now() },
    }));
  });
  afterAll(() => stop());

  const verdict = (token: string): Promise<string> =>
    verdictOf(verifier.verifyPermit(token, REQUEST));

  const signers = [ed, es].map((key) => [key.alg, permit({}, key)] as const);

  it.each(signers)('in one bit are refused: %s', async (_, token) => {
    expect(await verdict(token)).toBe('accepted');
    const parts = token.split('.').map((part) => Buffer.from(part, 'base64url'));
    const bit = fc.tuple(fc.nat(2), fc.nat(10_000), fc.nat(7));
    await fc.assert(
      fc.asyncProperty(bit, async ([which, at, index]) => {
        const changed = parts.map((part) => Buffer.from(part));
        const part = changed[which]!; // there are three
        const byte = at % part.length;
        part[byte] = part[byte]! ^ (1 << index); // within the part
        expect(await verdict(changed.map(base64url).join('.'))).not.toBe('accepted');
      }),
      RUN,
    );
  });

  it.each(signers)('in one letter are refused: %s', async (_, token) => {
    const letters = fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 2 });
    await fc.assert(
      fc.asyncProperty(fc.nat(token.length - 1), letters, fc.nat(2), async (at, text, cut) => {
        const changed = token.slice(0, at) + text + token.slice(at + cut);
        fc.pre(changed !== token);
        expect(await verdict(changed)).not.toBe('accepted');
      }),
      RUN,
    );
  });

  it('in a member are refused', async () => {
    const [, , signature = ''] = permit().split('.');
    const [header, claims] = [headerOf(ed), claimsOf()].map((part) => Object.entries(part));
    const side = fc.constantFrom<readonly [number, string]>(
      ...header!.map(([name]) => [0, name] as const),
      ...claims!.map(([name]) => [1, name] as const),
      [1, 'cnf'],
    );
    await fc.assert(
      fc.asyncProperty(side, fc.option(fc.json()), async ([which, name], json) => {
        const parts = [headerOf(ed), claimsOf()].map((part) => new Map(Object.entries(part)));
        const part = parts[which]!; // there are two
        const before = JSON.stringify(part.get(name));
        if (json === null) part.delete(name);
        else part.set(name, JSON.parse(json));
        fc.pre(JSON.stringify(part.get(name)) !== before);
        const text = parts.map((each) => base64url(JSON.stringify(Object.fromEntries(each))));
        expect(await verdict([...text, signature].join('.'))).not.toBe('accepted');
      }),
      RUN,
    );
  });
});

describe(`the claims of a permit (seed ${SEED})`, () => {
  const name = fc.stringMatching(/^[a-z_]{1,12}$/);
  const actors = fc
    .uniqueArray(name, { minLength: 1, maxLength: 4 })
    .map((names) => names.map((id) => `service:${id}`) as [string, ...string[]]);
  const hash = fc.stringMatching(/^[A-Za-z0-9_-]{43}$/);
  const detail = fc.record(
    {
      actions: fc.array(name, { minLength: 1, maxLength: 4 }),
      resource: fc.record({ type: name, id: name }),
      context: fc.dictionary(name, fc.oneof(fc.integer(), fc.string(), fc.boolean())),
    },
    { requiredKeys: ['actions', 'resource'] },
  );
  const permits: fc.Arbitrary<Permit> = fc
    .record(
      {
        issuer: fc.webUrl(),
        audience: name.map((id) => `service:${id}`),
        subject: name.map((id) => `user:${id}`),
        actors,
        confirmation: fc.oneof(fc.record({ jkt: hash }), fc.record({ 'x5t#S256': hash })),
        ...{ transactionId: name, id: name, consistencyToken: name, modelId: name },
        decisionId: name,
        details: fc.array(detail, { minLength: 1, maxLength: 4 }),
        issuedAt: fc.nat(2_000_000_000),
        seconds: fc.integer({ min: 1, max: 300 }),
      },
      { noNullPrototype: true },
    )
    .map(({ seconds, ...rest }) => ({
      ...rest,
      notBefore: rest.issuedAt,
      expiresAt: rest.issuedAt + seconds,
    }));

  it('are read as what they were written from', () => {
    fc.assert(
      fc.property(permits, (permit) => {
        const wire = JSON.parse(JSON.stringify(permitClaims(permit))) as JsonObject;
        expect(readPermit(wire)).toEqual(JSON.parse(JSON.stringify(permit)));
      }),
      RUN,
    );
  });
});
