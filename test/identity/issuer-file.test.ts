import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { PembaError } from '../../src/errors.js';
import { loadIssuerFile, parseIssuerFile } from '../../src/identity/issuer-file.js';
import type { Issuer } from '../../src/identity/issuers.js';

const WHOLE = `
issuers:
  - name: corp
    issuer: https://id.example.com/
    keys: { discovery: true }
    algorithms: [ES256, EdDSA]
    clock_skew: 500ms
    max_lifetime: 1h
    callers:
      audience: [pemba]
      types: [at+jwt]
      rfc9068: true
      subject: sub
      client: azp
      service: { claim: gty, equals: client-credentials }
    subjects:
      audience: [shop-api]
      types: [application/at+JWT, JWT, absent]
      subject: ext.uid
      type: user
      prefix: 'c/'
  - name: cluster
    issuer: https://kubernetes.default.svc
    keys: { jwks_file: ./keys/cluster.json }
    callers: { audience: [pemba], types: [absent], client: sub, service: always }
`;

const CORP = {
  name: 'corp',
  issuer: 'https://id.example.com/',
  keys: { discovery: true },
  callers: { audience: ['pemba'] },
};
const SUBJECTS = { audience: ['shop'], type: 'user' };

const parse = (...issuers: readonly object[]): readonly Issuer[] =>
  parseIssuerFile(JSON.stringify({ issuers }), '/etc/pemba/issuers.yaml').issuers;
const messageOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof PembaError && error.code === 'cannot_start') return error.message;
    throw error;
  }
  return 'accepted';
};

describe('a file of issuers', () => {
  it('may be the one that the README shows', () => {
    const readme = readFileSync(join(import.meta.dirname, '..', '..', 'README.md'), 'utf8');
    const [, example = ''] = /```yaml\n(issuers:\n.*?)```/s.exec(readme) ?? [];
    expect(parseIssuerFile(example, 'README.md').issuers).toMatchObject([
      { name: 'corp', callers: { roles: ['groups'] }, subjects: { type: 'user' } },
    ]);
  });

  it('says everything about them', () => {
    expect(parseIssuerFile(WHOLE, '/etc/pemba/issuers.yaml').issuers).toEqual([
      {
        name: 'corp',
        issuer: 'https://id.example.com/',
        keys: { kind: 'discovery', issuer: 'https://id.example.com/', jwksHost: 'id.example.com' },
        algorithms: ['ES256', 'EdDSA'],
        clockSkewMs: 500,
        maxLifetimeMs: 3_600_000,
        callers: {
          audience: ['pemba'],
          types: ['at+jwt'],
          rfc9068: true,
          subject: ['sub'],
          client: ['azp'],
          service: { kind: 'equals', claim: ['gty'], value: 'client-credentials' },
        },
        subjects: {
          audience: ['shop-api'],
          types: ['at+jwt', 'jwt', undefined],
          rfc9068: false,
          subject: ['ext', 'uid'],
          type: 'user',
          prefix: 'c/',
        },
      },
      expect.objectContaining({
        name: 'cluster',
        keys: { kind: 'file', path: '/etc/pemba/keys/cluster.json' },
        subjects: undefined,
      }),
    ]);
  });

  it('has safe defaults', () => {
    expect(parse(CORP)).toEqual([
      expect.objectContaining({
        algorithms: ['EdDSA', 'ES256', 'PS256', 'RS256'],
        clockSkewMs: 5000,
        maxLifetimeMs: 86_400_000,
        callers: {
          audience: ['pemba'],
          types: ['at+jwt'],
          rfc9068: true,
          subject: ['sub'],
          client: ['client_id'],
          service: { kind: 'same', claim: ['sub'], other: ['client_id'] },
        },
        subjects: undefined,
      }),
    ]);
  });

  it.each<[string, object, RegExp]>([
    ['an unknown member', { algorithm: ['ES256'] }, /algorithm is not known; known are name,/],
    ['no name', { name: undefined }, /issuer 1: name is required/],
    ['a name in upper case', { name: 'Corp' }, /issuer 1: name must be of a-z/],
    ['a name with a slash', { name: 'a/b' }, /name must be/],
    ['no issuer', { issuer: undefined }, /'corp': issuer is required/],
    ['an issuer with a space', { issuer: 'https://a b' }, /issuer must be without white space/],
    ['an issuer in the clear', { issuer: 'http://id.example.com' }, /issuer must begin with https/],
    ['an issuer that only looks local', { issuer: 'http://localhost.example.com' }, /https/],
    ['an issuer with a query', { issuer: 'https://id.example.com?x=1' }, /has a query/],
    ['no keys', { keys: undefined }, /keys is required/],
    ['no source of keys', { keys: {} }, /keys must have one of/],
    ['discovery denied', { keys: { discovery: false } }, /keys must have one of/],
    ['two sources of keys', { keys: { discovery: true, jwks_file: 'a' } }, /keys must have one of/],
    ['keys in the clear', { keys: { jwks_url: 'http://a.example/' } }, /keys: jwks_url must begin/],
    ['keys with a password', { keys: { jwks_url: 'https://a:b@c.example/' } }, /a password in it/],
    ['keys at a fragment', { keys: { jwks_url: 'https://c.example/#k' } }, /has a fragment/],
    ['keys at no URL', { keys: { jwks_url: 'keys.json' } }, /jwks_url is not a URL/],
    [
      'a host beside a URL',
      { keys: { jwks_url: 'https://a.example', jwks_host: 'b' } },
      /jwks_host/,
    ],
    [
      'a host that is a URL',
      { keys: { discovery: true, jwks_host: 'https://b' } },
      /jwks_host must/,
    ],
    ['HS256', { algorithms: ['ES256', 'HS256'] }, /algorithms has 'HS256'; known are EdDSA/],
    ['none', { algorithms: ['none'] }, /algorithms has 'none'/],
    ['no algorithm', { algorithms: [] }, /algorithms must be a list/],
    ['an algorithm twice', { algorithms: ['ES256', 'ES256'] }, /twice/],
    ['algorithms as text', { algorithms: 'ES256' }, /algorithms must be a list/],
    ['too much skew', { clock_skew: '31s' }, /clock_skew must be at most 30s/],
    ['skew as a number', { clock_skew: 5 }, /clock_skew must be a string/],
    ['skew of no unit', { clock_skew: '5' }, /clock_skew must be a duration/],
    ['negative skew', { clock_skew: '-5s' }, /clock_skew must be a duration/],
    ['no lifetime', { max_lifetime: '0s' }, /max_lifetime must be more/],
    ['neither use', { callers: undefined }, /callers or subjects must be there/],
    ['callers left empty', { callers: null }, /callers has no value/],
    ['callers as a list', { callers: [] }, /'corp', callers: must be a mapping, not a list/],
    ['no audience', { callers: {} }, /callers: audience is required/],
    ['an empty audience', { callers: { audience: [''] } }, /audience must be a list of strings/],
    ['rfc9068 as text', { callers: { audience: ['a'], rfc9068: 'no' } }, /rfc9068 must be true or/],
    ['an unknown member of callers', { callers: { audience: ['a'], aud: 1 } }, /aud is not known/],
    [
      'an empty path',
      { callers: { audience: ['a'], subject: 'a..b' } },
      /subject must be the name/,
    ],
    [
      'an unknown service rule',
      { callers: { audience: ['a'], service: 'yes' } },
      /service must be/,
    ],
    [
      'a service rule of no claim',
      { callers: { audience: ['a'], service: {} } },
      /claim is required/,
    ],
    [
      'a service rule that compares nothing',
      { callers: { audience: ['a'], service: { claim: 'x' } } },
      /service: claim must have one of/,
    ],
    [
      'a service rule that compares twice',
      { callers: { audience: ['a'], service: { claim: 'x', equals: 1, equals_claim: 'y' } } },
      /service: claim must have one of/,
    ],
    ['no type of subjects', { subjects: { audience: ['shop'] } }, /subjects: type is required/],
    ['a type with a colon', { subjects: { ...SUBJECTS, type: 'user:a' } }, /type cannot be/],
    ['a prefix with a colon', { subjects: { ...SUBJECTS, prefix: 'a:' } }, /prefix must be of/],
    ['a prefix with a percent', { subjects: { ...SUBJECTS, prefix: '%3' } }, /prefix must be of/],
    [
      'one audience for both uses',
      { subjects: { ...SUBJECTS, audience: ['shop', 'pemba'] } },
      /subjects and callers share the audience 'pemba'/,
    ],
  ])('with %s is refused', (_name, change, message) => {
    const text = messageOf(() => parse({ ...CORP, ...change }));
    expect(text).toMatch(message);
    expect(text).toMatch(/^issuers\.yaml, issuer (1|'corp')/);
  });

  it.each([
    ['https://id.example.com/tenant', 'jwks_url', 'https://keys.example.com/k?v=1'],
    ['http://localhost:8080', 'jwks_url', 'http://localhost:8080/k'],
    ['http://[::1]:8080', 'jwks_url', 'http://127.0.0.1:1/k'],
    ['accounts', 'jwks_file', '/keys.json'],
  ])('takes the issuer %s with %s', (issuer, source, place) => {
    expect(parse({ ...CORP, issuer, keys: { [source]: place } })).toHaveLength(1);
  });

  it.each<[string, object]>([
    ['name', { issuer: 'https://other.example' }],
    ['issuer', { name: 'other' }],
  ])('refuses two issuers of one %s', (member, change) => {
    const message = messageOf(() => parse(CORP, { ...CORP, ...change }));
    expect(message).toMatch(new RegExp(`${member} \\S+ is another issuer's`));
  });

  it.each([
    ['', '', false],
    ['', 'b/', false],
    ['a', 'a/', false],
    ['a/', 'a/', false],
    ['a/', 'b/', true],
    ['a/', 'ab/', true],
  ])('tells subjects with the prefixes "%s" and "%s" apart: %s', (one, other, isApart) => {
    const withPrefix = (name: string, prefix: string, type = 'user'): object => ({
      ...CORP,
      name,
      issuer: `https://${name}.example`,
      subjects: { ...SUBJECTS, type, prefix },
    });
    const message = messageOf(() => parse(withPrefix('a', one), withPrefix('b', other)));
    expect(message).toMatch(isApart ? /^accepted$/ : /'b': subjects, prefix .* same 'user'/);
    expect(parse(withPrefix('a', one), withPrefix('b', other, 'person'))).toHaveLength(2);
  });

  it.each([
    ['issuers: [', /^issuers\.yaml: /],
    ['issuers: []', /issuers must be a list, with one item/],
    ['', /must be a mapping, not nothing/],
    ['[]', /must be a mapping, not a list/],
    ['issuers: [7]', /issuer 1: must be a mapping, not a number/],
    ['issuers: []\nissuers: []', /unique/],
    ['a: &a [*a]', /^issuers\.yaml/],
    ['issuers: !!js/function x', /^issuers\.yaml/],
  ])('that is %j is refused', (text, message) => {
    expect(messageOf(() => parseIssuerFile(text, 'issuers.yaml'))).toMatch(message);
  });

  it('is read from where it is', () => {
    const folder = mkdtempSync(join(tmpdir(), 'pemba-issuers-'));
    try {
      const path = join(folder, 'issuers.yaml');
      expect(messageOf(() => loadIssuerFile(path))).toMatch(/cannot be read: ENOENT/);
      writeFileSync(path, WHOLE);
      expect(loadIssuerFile(path).issuers.map(({ name }) => name)).toEqual(['corp', 'cluster']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
