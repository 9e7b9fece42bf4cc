import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ManualTime } from '../support/manual-time.js';
import { TestIssuer } from '../support/issuer.js';
import { LAX_CALLERS, attackTokens } from './attacks.js';
import { verdictOn, verificationOf } from './verification.js';

const ATTACKS = 150;

describe('an attack', () => {
  const time = new ManualTime();
  const now = (): number => time.now();
  let strict: TestIssuer;
  let lax: TestIssuer;
  let attacks: Awaited<ReturnType<typeof attackTokens>>;
  let verifier: ReturnType<typeof verificationOf>['verifier'];

  beforeAll(async () => {
    strict = await TestIssuer.start(now);
    lax = await TestIssuer.start(now);
    attacks = await attackTokens({ strict, lax, now });
    const settings = [strict.settings('strict'), lax.settings('lax', { callers: LAX_CALLERS })];
    verifier = verificationOf(time, settings).verifier;
  });

  afterAll(async () => {
    await verifier.stop();
    await Promise.all([strict.stop(), lax.stop()]);
  });

  it(`is one of ${ATTACKS} and more, each with a name of its own`, () => {
    expect(new Set(attacks.map(({ name }) => name)).size).toBe(attacks.length);
    expect(attacks.length).toBeGreaterThanOrEqual(ATTACKS);
    // Those with white space or control characters, and those that are too long.
    const unsendable = attacks.filter(({ fitsHeader }) => !fitsHeader).map(({ name }) => name);
    expect(unsendable.length).toBeLessThan(15);
    expect(unsendable).toEqual(expect.arrayContaining(['nothing', '17 kB of claims']));
  });

  it('is refused for what is wrong with it, and a good token goes on to count', async () => {
    const verdicts: Record<string, string> = {};
    for (const { name, token } of attacks) {
      verdicts[name] = await verdictOn(verifier, token);
      expect([name, await verdictOn(verifier, await strict.accessToken())]).toEqual([
        name,
        'accepted',
      ]);
    }
    expect(verdicts).toEqual(Object.fromEntries(attacks.map(({ name, rule }) => [name, rule])));
  });

  it('is refused again when it is tried again, and all at once', async () => {
    const verdicts = await Promise.all(attacks.map(({ token }) => verdictOn(verifier, token)));
    expect(verdicts).toEqual(attacks.map(({ rule }) => rule));
  });

  it('is refused as the token of a user as well', async () => {
    const verdicts = await Promise.all(
      attacks.map(({ token }) => verdictOn(verifier, token, 'subject')),
    );
    // The one attack that is no attack here is a subject's token, tried by a caller.
    const accepted = attacks.filter((_, i) => verdicts[i] === 'accepted').map(({ name }) => name);
    expect(accepted).toEqual(['the audience of users, who are asked about']);
  });

  it('by chance is refused as well, and breaks nothing', async () => {
    const good = await strict.accessToken();
    const splice = fc.record({
      at: fc.nat({ max: good.length }),
      removed: fc.nat({ max: 3 }),
      added: fc.oneof(fc.string({ maxLength: 3 }), fc.constantFrom('.', '=', 'A', '-', '\u0000')),
    });
    await fc.assert(
      fc.asyncProperty(splice, async ({ at, removed, added }) => {
        const token = good.slice(0, at) + added + good.slice(at + removed);
        expect((await verdictOn(verifier, token)) === 'accepted').toBe(token === good);
      }),
      { numRuns: 500 },
    );
  });

  it('causes no more than one fetch of the keys in a cooldown', () => {
    expect([strict.fetches, lax.fetches]).toEqual([1, 1]);
  });
});
