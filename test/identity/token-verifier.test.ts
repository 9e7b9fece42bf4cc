/** What is accepted, for how long it is remembered, and what a repeated token costs. */
import { describe, expect, it, jest } from '@jest/globals';
import * as jose from 'jose';
import { subjectTokenError, tokenRefusal } from '../../src/identity/token-refusal.js';
import { answer, JWKS_PATH, makeKey } from '../support/issuer.js';
import type { Claims, SignOptions } from '../support/issuer.js';
import { LAX_CALLERS, attackTokens } from './attacks.js';
import { forge, headerOf } from './forge.js';
import { Live } from './live.js';
import { verdictOn, verificationOf } from './verification.js';

const SECOND = 1000;

const live = new Live();
const isCached = (token: string, use: 'caller' | 'subject' = 'caller'): boolean =>
  !(live.verification.verifier.verify(token, use) instanceof Promise);

describe('a token is accepted', () => {
  const seconds = (): number => live.time.now() / 1000;

  it.each<[string, () => Claims, SignOptions?]>([
    ['as RFC 9068 has it', () => ({})],
    ['for few audiences, one of them ours', () => ({ aud: ['billing', 'pemba'] })],
    [
      'with times in fractions of a second',
      () => ({ iat: seconds() - 0.5, exp: seconds() + 0.25 }),
    ],
    [
      'until it is out by more than clocks may differ',
      () => ({ iat: seconds() - 60, exp: seconds() - 4 }),
    ],
    ['before its time by less than clocks may differ', () => ({ nbf: seconds() + 5 })],
    ['issued in the future by less than clocks may differ', () => ({ iat: seconds() + 5 })],
    ['for just a day', () => ({ exp: seconds() + 86_400 })],
    ['with typ in upper case', () => ({}), { header: { typ: 'AT+JWT' } }],
    ['with typ written out', () => ({}), { header: { typ: 'application/at+jwt' } }],
    ['with members of the header that mean nothing', () => ({}), { header: { x5t: 'a', more: 1 } }],
    ['with a nonce, as it is typed', () => ({ nonce: 'n' })],
  ])('%s', async (_name, claims, options = {}) => {
    const token = await live.issuer.accessToken(claims(), options);
    expect(await live.verdict(token)).toBe('accepted');
  });

  it.each([['JWT'], [undefined]])('of typ %s where the issuer says so', async (typ) => {
    live.configure({ callers: LAX_CALLERS });
    const claims = { jti: undefined, client_id: undefined, iat: undefined };
    const token = await live.issuer.accessToken(claims, { header: { typ } });
    expect(await live.verdict(token)).toBe('accepted');
  });

  it('with either of the two signatures that ECDSA knows', async () => {
    // Signers write s or n - s as it comes; both prove the same, and the token says the same.
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const token = await live.good();
    const [header = '', payload = '', tail = ''] = token.split('.');
    const signature = Buffer.from(tail, 'base64url');
    const s = order - BigInt(`0x${signature.subarray(32).toString('hex')}`);
    signature.write(s.toString(16).padStart(64, '0'), 32, 'hex');
    const twin = [header, payload, signature.toString('base64url')].join('.');
    expect([await live.verdict(token), await live.verdict(twin)]).toEqual(['accepted', 'accepted']);
  });

  it('with the claims that were signed', async () => {
    const claims = { ...live.issuer.claims(), roles: ['a', { b: null }], ['__proto__']: 'own' };
    const token = forge(live.issuer.key, headerOf(live.issuer.key), claims);
    const verified = await live.verification.verifier.verify(token, 'caller');
    expect(JSON.stringify(verified.claims)).toBe(JSON.stringify(claims));
    expect(verified.expiresAt).toBe(live.time.now() + 300 * SECOND);
    expect(verified.issuer.name).toBe('corp');
  });
});

describe('a use of tokens', () => {
  const asked = { aud: 'shop-api' };

  it('has audiences of its own', async () => {
    const { verifier } = live.verification;
    const caller = await live.good();
    const subject = await live.issuer.accessToken(asked);
    expect(await verdictOn(verifier, caller, 'subject')).toBe('audience');
    expect(await verdictOn(verifier, subject, 'subject')).toBe('accepted');
    expect(await verdictOn(verifier, caller, 'caller')).toBe('accepted');
    expect(await verdictOn(verifier, subject, 'caller')).toBe('audience');
  });

  it('that an issuer was not given is refused', async () => {
    live.configure({ callers: undefined });
    expect(await live.verdict(await live.good())).toBe('use');
    live.configure({ subjects: undefined });
    const subject = await live.issuer.accessToken(asked);
    expect(await verdictOn(live.verification.verifier, subject, 'subject')).toBe('use');
  });

  it('has a memory of its own', async () => {
    const both = await live.issuer.accessToken({ aud: ['pemba', 'shop-api'] });
    await live.verdict(both);
    expect([isCached(both), isCached(both, 'subject')]).toEqual([true, false]);
  });
});

describe('a verified token', () => {
  it('is answered in the same turn', async () => {
    const token = await live.good();
    expect(isCached(token)).toBe(false);
    await live.verdict(token);
    expect(isCached(token)).toBe(true);
  });

  it('is checked once for all who present it meanwhile', async () => {
    const verify = jest.spyOn(crypto.subtle, 'verify');
    const token = await live.good();
    await Promise.all(Array.from({ length: 20 }, () => live.verdict(token)));
    expect(verify).toHaveBeenCalledTimes(1);
    verify.mockRestore();
  });

  it('is forgotten when it expires, and accepted within the skew all the same', async () => {
    const token = await live.issuer.accessToken();
    await live.verdict(token);
    live.time.advance(300 * SECOND - 1);
    expect(isCached(token)).toBe(true);
    live.time.advance(1);
    expect(isCached(token)).toBe(false);
    live.time.advance(5 * SECOND - 1);
    expect(await live.verdict(token)).toBe('accepted');
    live.time.advance(1);
    expect(await live.verdict(token)).toBe('expiry');
  });

  it('is remembered although the clock of its issuer is ahead', async () => {
    const token = await live.issuer.accessToken({ iat: live.time.now() / 1000 + 3 });
    await live.verdict(token);
    expect(isCached(token)).toBe(true);
  });

  it('counts for no longer when the clock is put forward, nor before its time', async () => {
    const start = live.time.now();
    const token = await live.good();
    await live.verdict(token);
    live.time.setClock(start + 3600 * SECOND);
    expect(await live.verdict(token)).toBe('expiry');
    live.time.setClock(start);
    expect(await live.verdict(token)).toBe('accepted');
    live.time.setClock(start - 3600 * SECOND);
    expect(await live.verdict(token)).toBe('issued_at');
  });

  it('gives way to a later one when the memory is full', async () => {
    const settings = [live.issuer.settings('corp')];
    const { verifier } = verificationOf(live.time, settings, { cachedTokens: 3 });
    const tokens = await Promise.all([1, 2, 3, 4].map(() => live.good()));
    for (const token of tokens) await verifier.verify(token, 'caller');
    const cached = tokens.map((token) => !(verifier.verify(token, 'caller') instanceof Promise));
    expect(cached).toEqual([false, true, true, true]);
  });

  it('outlives a flood of forgeries', async () => {
    const token = await live.good();
    await live.verdict(token);
    const mallory = await makeKey(live.issuer.key.id);
    const flood = await Promise.all(
      Array.from({ length: 1500 }, () => live.issuer.accessToken({}, { key: mallory })),
    );
    const verdicts = await Promise.all(flood.map((forged) => live.verdict(forged)));
    expect(new Set(verdicts)).toEqual(new Set(['signature']));
    expect(isCached(token)).toBe(true);
  });
});

describe('a forged token', () => {
  it('that is repeated costs one check in half a minute', async () => {
    const verify = jest.spyOn(crypto.subtle, 'verify');
    const mallory = await makeKey(live.issuer.key.id);
    const token = await live.issuer.accessToken({}, { key: mallory });
    for (let i = 0; i < 10; i++) expect(await live.verdict(token)).toBe('signature');
    expect(verify).toHaveBeenCalledTimes(1);
    live.time.advance(30 * SECOND);
    expect(await live.verdict(token)).toBe('signature');
    expect(verify).toHaveBeenCalledTimes(2);
    verify.mockRestore();
  });

  it('counts when the issuer turns out to have its key', async () => {
    const next = await makeKey(live.issuer.key.id);
    const token = await live.issuer.accessToken({}, { key: next });
    expect(await live.verdict(token)).toBe('signature');
    live.issuer.lie(JWKS_PATH, answer({ keys: [next.publicJwk] }));
    live.configure();
    expect(await live.verdict(token)).toBe('accepted');
  });

  it('costs nothing when it is refused for another reason', async () => {
    await live.verdict(await live.good());
    const verify = jest.spyOn(crypto.subtle, 'verify');
    const now = (): number => live.time.now();
    const attacks = await attackTokens({ strict: live.issuer, lax: live.issuer, now });
    for (const { token, rule } of attacks) {
      if (rule !== 'signature') await live.verdict(token);
    }
    // Those whose subject cannot be an id are good tokens otherwise.
    const checked = attacks.filter(({ rule }) => rule === 'subject' || rule === 'client');
    expect(verify.mock.calls.length).toBeLessThanOrEqual(checked.length);
    verify.mockRestore();
  });
});

describe('a refusal', () => {
  it('tells an outsider nothing', () => {
    const error = tokenRefusal('audience');
    expect(error).toMatchObject({ code: 'unauthenticated', facts: { rule: 'audience' } });
    expect(error.message).toBe(tokenRefusal('signature').message);
  });

  it('of the token of a user tells a known caller what to mend', () => {
    expect(subjectTokenError(tokenRefusal('expiry'))).toMatchObject({
      code: 'invalid_subject_token',
      message: expect.stringContaining('has expired'),
      facts: { rule: 'expiry', field: 'subject_token' },
    });
    const other = new jose.errors.JOSEError('else');
    expect(subjectTokenError(other)).toBe(other);
  });
});
