/** Route tables: what may be written, which route a request meets, and what it then asks. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseYaml } from '../../src/api/yaml-body.js';
import { PembaError } from '../../src/errors.js';
import { modelFromDsl } from '../../src/schema/dsl.js';
import { compilePlan } from '../../src/schema/plan.js';
import {
  commonExample,
  covers,
  matchPattern,
  readPathPattern,
} from '../../src/schema/route-pattern.js';
import type { Pattern } from '../../src/schema/route-pattern.js';
import { compileRouteTable, routeTableFromWire } from '../../src/schema/route-table.js';
import type { RouteTable } from '../../src/schema/route-table.js';
import type { JsonObject } from '../../src/tuple/tuple.js';

const PLAN = compilePlan(
  modelFromDsl(`model
  schema 1.1
type user
type scope
  relations
    define client: [user]
type order
  relations
    define can_read: [user]
`).model,
);

const table = (value: unknown): RouteTable =>
  compileRouteTable(PLAN, routeTableFromWire(value) ?? undefined);

const route = (path: string, more: object = {}): object => ({
  path,
  methods: ['GET'],
  public: true,
  ...more,
});

function refusalOf(value: unknown): string {
  try {
    table(value);
  } catch (error) {
    if (!(error instanceof PembaError)) throw error;
    expect(error.code).toBe('invalid_route_table');
    expect(error.message.startsWith(`${String(error.facts['field'])}: `)).toBe(true);
    return error.message;
  }
  throw new Error('it was accepted');
}

const met = (routes: RouteTable, path: string, host = '', method = 'GET'): string | undefined =>
  routes.match({ method, host, segments: path.slice(1).split('/') })?.route.path;

/** The objects that a request is about, by the relations that they are asked for. */
function asked(
  require: string | readonly string[],
  {
    path = '/o/7',
    claims = {},
    pattern = '/o/{id}',
    host = 'a.example',
  }: {
    readonly path?: string;
    readonly pattern?: string;
    readonly host?: string;
    readonly claims?: JsonObject;
  } = {},
): readonly (string | undefined)[] {
  const rule = { path: pattern, methods: ['GET'], host: '{tenant}.example', require };
  const match = table({ routes: [rule] }).match({
    method: 'GET',
    host,
    segments: path.slice(1).split('/'),
  });
  const token = { subject: { kind: 'object', type: 'user', id: 'idp/anne' } as const, claims };
  return (match?.route.required ?? []).map((one) => {
    const object = match && one.objectOf(match, token);
    return object && `${object.type}:${object.id}#${one.relation}`;
  });
}

describe('a route', () => {
  it('is met by its method and path alone, and nothing else is met', () => {
    const routes = table({ routes: [route('/a/{x}'), route('/b', { methods: ['PUT'] })] });
    expect(met(routes, '/a/1')).toBe('/a/{x}');
    expect(met(routes, '/b', '', 'PUT')).toBe('/b');
    for (const path of ['/a', '/a/', '/a/1/', '/a/1/2', '/A/1', '/b', '/']) {
      expect([path, met(routes, path)]).toEqual([path, undefined]);
    }
    expect(met(table({}), '/')).toBeUndefined();
  });

  it('of several that are met is the narrowest, in whatever order they were written', () => {
    const paths = ['/{all*}', '/a/{rest*}', '/a/{x}', '/a/b', '/a/b/', '/a/{x}/{rest*}'];
    const want = { '/z': 0, '/a/x': 2, '/a/b': 3, '/a/b/': 4, '/a/b/c': 5, '/a/b/c/': 5, '/a': 0 };
    for (const order of [paths, [...paths].reverse()]) {
      const routes = table({ routes: order.map((path) => route(path)) });
      for (const [path, i] of Object.entries(want)) {
        expect([path, met(routes, path)]).toEqual([path, paths[i]]);
      }
    }
  });

  it('can be bound to a host, which counts before any', () => {
    const routes = table({
      routes: [
        route('/{any*}'),
        route('/{a}', { host: 'api.example' }),
        route('/{b}', { host: '{tenant}.example' }),
      ],
    });
    expect(met(routes, '/1', 'api.example')).toBe('/{a}');
    expect(met(routes, '/1', 'shop.example')).toBe('/{b}');
    expect(met(routes, '/1', 'x.shop.example')).toBe('/{any*}');
    expect(met(routes, '/1', '')).toBe('/{any*}');
  });
});

describe('what is required', () => {
  it('is asked of objects made of the path, the host, the claims and the subject', () => {
    const claims = { org: 'acme', n: 7, deep: { er: true } };
    expect(
      asked(
        [
          'order:{path.id}#can_read',
          'scope:orders.read#client',
          'order:{claims.org}/{claims.n}/{claims.deep.er}#can_read',
          'order:{host.tenant}@{host}+{subject.id}#can_read',
        ],
        { claims },
      ),
    ).toEqual([
      'order:7#can_read',
      'scope:orders.read#client',
      'order:acme/7/true#can_read',
      'order:a@a.example+idp/anne#can_read',
    ]);
    expect(asked('order:{path.rest}#can_read', { pattern: '/o/{rest*}', path: '/o/a/b' })).toEqual([
      'order:a/b#can_read',
    ]);
  });

  it('is never of another object than was meant', () => {
    const of = (path: string): unknown => asked('order:{path.id}#can_read', { path })[0];
    expect(of('/o/*')).toBe('order:%2A#can_read');
    expect(of('/o/a:b#c%')).toBe('order:a%3Ab%23c%25#can_read');
    expect(of(`/o/${'x'.repeat(300)}`)).toBeUndefined();
    const joined = asked('order:{claims.a}/{claims.b}#can_read', { claims: { a: 'x/y', b: 'z' } });
    expect(joined).toEqual(['order:x%2Fy/z#can_read']);
    for (const claims of [{}, { a: null }, { a: ['x'] }, { a: {} }, { a: '' }]) {
      expect(asked('order:{claims.a}#can_read', { claims })).toEqual([undefined]);
    }
    expect(asked('order:{claims.constructor}#can_read')).toEqual([undefined]);
  });
});

describe('a table', () => {
  const ONE = { path: '/a', methods: ['GET'] };
  const required = (require: unknown): object => ({
    routes: [{ path: '/o/{id}', methods: ['GET'], require }],
  });
  const two = (a: string, b: string, more: object = {}): object => ({
    routes: [route(a), route(b, more)],
  });

  it.each<[string, unknown, RegExp]>([
    ['that is none', [], /^route_table: must be an object/],
    ['with members that mean nothing', { rules: [] }, /^route_table: has no member 'rules'/],
    ['with a route of one', { routes: [route('/a', { allow: 1 })] }, /^\S+routes\[0\]: has no mem/],
    [
      'whose route has no rule',
      { routes: [ONE] },
      /routes\[0\]: must have one of public and requi/,
    ],
    ['with both rules', { routes: [route('/a', { require: 'a:b#c' })] }, /\[0\]: must have one of/],
    ['with public: false', { routes: [{ ...ONE, public: false }] }, /\.public: must be true/],
    ['with no methods', { routes: [{ ...ONE, methods: [] }] }, /\.methods: must not be empty/],
    [
      'with a method in small letters',
      { routes: [route('/a', { methods: ['get'] })] },
      /\[0\]: mu/,
    ],
    [
      'with a method twice',
      { routes: [route('/a', { methods: ['GET', 'GET'] })] },
      /has GET twice/,
    ],
    ['that requires nothing', required([]), /\.require: must not be empty/],
    [
      'of an unknown type',
      required('ordr:1#can_read'),
      /type 'ordr' not found; did you mean 'order'/,
    ],
    ['of an unknown relation', required(['order:1#can_red']), /require.*mean 'can_read'/],
    ['of another form', required('order:1'), /\.require: 'order:1' is not of the form/],
    ['of everything', required('order:*#can_read'), /is not of the form/],
    ['of a type from the path', required('{path.id}:1#can_read'), /is not of the form/],
    ['of a parameter that is not there', required('order:{path.no}#can_read'), /it has id/],
    ['of a host that is not said', required('order:{host.x}#can_read'), /of the host: it has none/],
    ['of an unknown place', required('order:{query.x}#can_read'), /{query.x} is none of/],
    [
      'of places that run together',
      required('order:{path.id}{host}#can_read'),
      /between two places/,
    ],
    ['with an open brace', required('order:{path.id#can_read'), /a brace without its match/],
    ['whose path is none', { routes: [route('a')] }, /\.path: must begin with a slash/],
    ['whose path is ambiguous', { routes: [route('/a//b')] }, /two slashes/],
    ['with dots', { routes: [route('/a/../b')] }, /has a step '\.\.'/],
    ['with an escape', { routes: [route('/a%2Fb')] }, /write paths decoded/],
    ['with half a parameter', { routes: [route('/a.{x}')] }, /stands alone/],
    ['with a parameter twice', { routes: [route('/{x}/{x}')] }, /'x' twice/],
    ['with more behind the rest', { routes: [route('/{x*}/a')] }, /has more behind/],
    [
      'with a host in capitals',
      { routes: [route('/a', { host: 'A.de' })] },
      /\.host: .*small lett/,
    ],
    ['with a port', { routes: [route('/a', { host: 'a:80' })] }, /without a port/],
    [
      'with the same path',
      two('/a/{x}', '/a/{y}'),
      /routes\[1\]\.path: .*routes\[0\].*never count/,
    ],
    ['with two that cross', two('/a/{x}/c', '/{y}/b/c'), /both match '\/a\/b\/c', and neither/],
    ['with hosts that cross', two('/a', '/{x}', { host: 'h' }), /neither is narrower \(GET\)/],
    [
      'that keeps too long',
      { routes: [route('/a', { cache: '1h' })] },
      /\.cache: must be whole sec/,
    ],
    [
      'that keeps a transaction',
      {
        routes: [{ ...ONE, require: 'order:1#can_read', cache: '1s', transaction: { scope: 'a' } }],
      },
      /\.cache: would give one transaction/,
    ],
    [
      'of nobody’s transaction',
      { routes: [route('/a', { transaction: { scope: 'a' } })] },
      /public/,
    ],
  ])('%s is refused, and the field is named', (_what, value, message) => {
    expect(refusalOf(value)).toMatch(message);
  });

  it('has no conflict between routes that no request meets both', () => {
    const routes = [
      route('/a/{x}/c'),
      route('/{y}/b/c', { methods: ['POST'] }),
      route('/a/{x}/c', { host: 'one.example' }),
      route('/{y}/b/c/'),
    ];
    expect(() => table({ routes })).not.toThrow();
  });

  it('may be YAML', () => {
    const text = 'routes: [{path: /a, methods: [GET], public: true, cache: 5s}]';
    const match = table(parseYaml(text)).match({ method: 'GET', host: '', segments: ['a'] });
    expect(match?.route.cacheMs).toBe(5000);
  });
});

describe('an OpenAPI document', () => {
  const document = (operation: object, more: object = {}): object => ({
    openapi: '3.1.0',
    info: {},
    paths: { '/orders/{id}': { parameters: [], get: { 'x-authz': operation }, post: {} } },
    ...more,
  });

  it('becomes a table of the operations that say what they need', () => {
    const require = 'order:{path.id}#can_read';
    expect(routeTableFromWire(document({ require }))).toEqual({
      routes: [{ path: '/orders/{id}', methods: ['GET'], require }],
    });
  });

  it('is meant for the path of its servers', () => {
    const under = (...urls: readonly string[]): unknown =>
      routeTableFromWire(document({ public: true }, { servers: urls.map((url) => ({ url })) }));
    const of = (path: string): object => ({ routes: [{ path, methods: ['GET'], public: true }] });
    expect(under('https://api.example/v1/', 'http://localhost:8080/v1')).toEqual(
      of('/v1/orders/{id}'),
    );
    expect(under('/')).toEqual(of('/orders/{id}'));
    expect(() => under('https://a.example/v1', '/v2')).toThrow(/servers: have different paths/);
    expect(() => under('https://a.example/{stage}')).toThrow(/servers\[0\]\.url: must be a URL/);
  });

  it('that is wrong is told by its own places', () => {
    expect(refusalOf(document({ require: 7 }))).toMatch(
      /^paths\.\/orders\/{id}\.get\.x-authz\.require: must be a string/,
    );
    expect(refusalOf({ openapi: '3.1.0', paths: { '/a': { get: {} } } })).toMatch(
      /no operation has/,
    );
  });
});

describe('patterns', () => {
  const step = fc.constantFrom('a', 'b', '{x}');
  const path = fc
    .tuple(fc.array(step, { maxLength: 3 }), fc.constantFrom('', 'a', '{y}', '{z*}'))
    .map(([steps, last]) => {
      const texts = [...steps, last].map((text, i) => text.replace('x', `x${i}`));
      const pattern = readPathPattern(`/${texts.join('/')}`);
      if (typeof pattern === 'string') throw new Error(pattern);
      return pattern;
    });
  /** Every canonical path of up to five steps over what the patterns are made of, and another. */
  const PATHS = pathsUpTo(5, ['a', 'b', 'c']);
  const matches = (pattern: Pattern): ReadonlySet<string> =>
    new Set(PATHS.filter((one) => matchPattern(pattern, one)).map((one) => one.join('/')));

  it('cover and cross one another as the paths that they match do', () => {
    fc.assert(
      fc.property(path, path, (a, b) => {
        const [ofA, ofB] = [matches(a), matches(b)];
        const both = [...ofA].filter((one) => ofB.has(one));
        expect(covers(a, b)).toBe(both.length === ofB.size);
        const example = commonExample(a, b);
        expect(example !== undefined).toBe(both.length > 0);
        if (example !== undefined) {
          expect(matchPattern(a, example) && matchPattern(b, example)).toBeDefined();
        }
      }),
      { numRuns: 300 },
    );
  });
});

function pathsUpTo(length: number, texts: readonly string[]): readonly (readonly string[])[] {
  const all: (readonly string[])[] = [];
  let longest: (readonly string[])[] = [[]];
  for (let i = 0; i < length; i++) {
    all.push(...longest.map((one) => [...one, '']));
    longest = longest.flatMap((one) => texts.map((text) => [...one, text]));
    all.push(...longest);
  }
  return all;
}
