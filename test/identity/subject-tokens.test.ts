import { describe, expect, it } from '@jest/globals';
import { PembaError } from '../../src/errors.js';
import { subjectTokens } from '../../src/identity/subject-tokens.js';
import type { SubjectTokens } from '../../src/identity/subject-tokens.js';

const anne = { claims: { sub: 'anne' }, expiresAt: 1000 };
const ben = { claims: { sub: 'ben' }, expiresAt: 2000 };

/** Knows Anne's token; the others have to be looked at first. */
function verify(token: string): typeof anne | Promise<typeof anne> {
  switch (token) {
    case 'anne':
      return anne;
    case 'ben':
      return Promise.resolve(ben);
    case 'away':
      return Promise.reject(new PembaError('issuer_unavailable', 'the issuer is away'));
    case 'late':
      return Promise.reject(
        new PembaError('unauthenticated', 'expired', { facts: { rule: 'exp' } }),
      );
    default:
      throw new PembaError('unauthenticated', 'no token', { facts: { rule: 'form' } });
  }
}

const tokens: SubjectTokens = subjectTokens(verify, ({ claims }) => ({
  kind: 'object',
  type: 'user',
  id: claims.sub,
}));

describe('the token of a subject', () => {
  it('gives its subject and claims, in the same turn when it is known', () => {
    const found = tokens.subjectOf('anne');
    expect(found).toEqual({ ...anne, subject: { kind: 'object', type: 'user', id: 'anne' } });
    expect(tokens.subjectOf('anne')).toBe(found);
  });

  it('gives the same when it had to be verified', async () => {
    const found = await tokens.subjectOf('ben');
    expect(found).toEqual({ ...ben, subject: { kind: 'object', type: 'user', id: 'ben' } });
    expect(await tokens.subjectOf('ben')).toBe(found);
  });

  it('is a mistake in the request when it is refused, at once or later', async () => {
    expect(() => tokens.subjectOf('nonsense')).toThrow(
      expect.objectContaining({
        code: 'invalid_subject_token',
        message: 'subject_token: it is not a signed JWT in compact form',
        facts: { field: 'subject_token', rule: 'form' },
      }),
    );
    await expect(tokens.subjectOf('late')).rejects.toMatchObject({
      code: 'invalid_subject_token',
      facts: { field: 'subject_token', rule: 'exp' },
    });
  });

  it('is nobody to blame when its issuer cannot be reached', async () => {
    await expect(tokens.subjectOf('away')).rejects.toMatchObject({ code: 'issuer_unavailable' });
  });
});
