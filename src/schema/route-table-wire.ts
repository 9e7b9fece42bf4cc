/**
 * What a gateway's requests need, as people write it: per path and method the relations that the user
 * must have to objects, of which parts come from the request.
 *
 *   routes:
 *     - { path: /health, methods: [GET], public: true }
 *     - path: /orders/{order}
 *       methods: [GET]
 *       require: [ 'scope:orders.read#client', 'order:{path.order}#can_read' ]    all of them
 *       cache: 5s
 *     - { path: /orders, methods: [POST], require: 'shop:main#can_order', transaction: { scope: buy } }
 *
 * What is not there is refused. Or an OpenAPI document, whose operations say so as `x-authz`
 * (`openapi-routes.ts`): it becomes such a table, which is what is kept.
 */
import { parseDuration } from '../quantity.js';
import { parseServiceId } from '../tuple/delegation.js';
import { AttachmentReader, isGiven } from './attachment-reader.js';

export interface WireTransaction {
  /** What it is for: words that the user's token has to have. */
  readonly scope: string;
  /** As which service the gateway asks, where it is several or callers are not authenticated. */
  readonly requester?: string;
}

/** Of `public` and `require` exactly one. */
export interface WireRule {
  readonly host?: string;
  readonly public?: true;
  readonly require?: string | readonly string[];
  readonly cache?: string;
  readonly transaction?: WireTransaction;
}

export interface WireRoute extends WireRule {
  readonly path: string;
  readonly methods: readonly string[];
}

export interface WireRouteTable {
  readonly routes: readonly WireRoute[];
}

/** An API has some hundreds of operations; each is compared with each when the table is written. */
export const ROUTES_MAX = 500;
/** More than HTTP has methods that are in use. */
const METHODS_MAX = 20;
/** A check each, of one request. */
export const REQUIRED_MAX = 4;
const PATH_LENGTH_MAX = 1000;
/** A DNS name's, and braces. */
const HOST_LENGTH_MAX = 300;
/** As long as a tuple can be written. */
const REQUIRED_LENGTH_MAX = 512;
const SCOPE_LENGTH_MAX = 254;
/** An answer that is kept is one that no revocation reaches. */
const CACHE_MAX_MS = 300_000;
/** A token, in capitals as methods are written: another case is another method. */
const METHOD = /^[A-Z][A-Z-]{0,30}$/;

export const ROUTES = 'route_table.routes';

export const routeReader = new AttachmentReader('invalid_route_table');

const RULE = ['host', 'public', 'require', 'cache', 'transaction'] as const;

export function routeFromWire(value: unknown, field: string): WireRoute {
  const route = routeReader.members(value, field, ['path', 'methods', ...RULE]);
  const methods = routeReader.list(route.methods, `${field}.methods`, METHODS_MAX, methodFromWire);
  const twice = methods.find((method, i) => methods.indexOf(method) !== i);
  if (twice !== undefined) throw routeReader.problem(`${field}.methods`, `has ${twice} twice`);
  if (methods.length === 0) throw routeReader.problem(`${field}.methods`, 'must not be empty');
  return {
    path: routeReader.text(route.path, `${field}.path`, PATH_LENGTH_MAX),
    methods,
    ...ruleOf(route, field),
  };
}

/** What `x-authz` says of an operation. */
export const ruleFromWire = (value: unknown, field: string): WireRule =>
  ruleOf(routeReader.members(value, field, RULE), field);

type RuleMembers = Partial<Record<(typeof RULE)[number], unknown>>;

function ruleOf(rule: RuleMembers, field: string): WireRule {
  const { host, require, cache, transaction } = rule;
  const isPublic = isGiven(rule.public);
  if (isPublic && rule.public !== true) {
    throw routeReader.problem(`${field}.public`, 'must be true, or be left out');
  }
  if (isPublic === isGiven(require)) {
    throw routeReader.problem(field, 'must have one of public and require');
  }
  if (isPublic && isGiven(transaction)) {
    throw routeReader.problem(`${field}.transaction`, 'needs a user, and a public route has none');
  }
  if (isGiven(cache) && isGiven(transaction)) {
    throw routeReader.problem(`${field}.cache`, 'would give one transaction to many requests');
  }
  return {
    ...(isGiven(host) && { host: routeReader.text(host, `${field}.host`, HOST_LENGTH_MAX) }),
    ...(isPublic && { public: true }),
    ...(isGiven(require) && { require: requiredOf(require, `${field}.require`) }),
    ...(isGiven(cache) && { cache: cacheOf(cache, `${field}.cache`) }),
    ...(isGiven(transaction) && {
      transaction: transactionOf(transaction, `${field}.transaction`),
    }),
  };
}

function methodFromWire(value: unknown, field: string): string {
  const method = routeReader.text(value, field, PATH_LENGTH_MAX);
  if (METHOD.test(method)) return method;
  throw routeReader.problem(field, 'must be a method, such as GET');
}

function requiredOf(value: unknown, field: string): string | readonly string[] {
  if (!Array.isArray(value)) return routeReader.text(value, field, REQUIRED_LENGTH_MAX);
  // An empty list would be met by everybody.
  if (value.length === 0) throw routeReader.problem(field, 'must not be empty');
  return routeReader.list(value, field, REQUIRED_MAX, (one, at) =>
    routeReader.text(one, at, REQUIRED_LENGTH_MAX),
  );
}

function cacheOf(value: unknown, field: string): string {
  const text = routeReader.text(value, field, SCOPE_LENGTH_MAX);
  const ms = parseDuration(text);
  if (Number.isNaN(ms) || ms < 1000 || ms > CACHE_MAX_MS || ms % 1000 !== 0) {
    throw routeReader.problem(field, `must be whole seconds, from 1s to ${CACHE_MAX_MS / 1000}s`);
  }
  return text;
}

function transactionOf(value: unknown, field: string): WireTransaction {
  const { scope, requester } = routeReader.members(value, field, ['scope', 'requester']);
  const words = routeReader.text(scope, `${field}.scope`, SCOPE_LENGTH_MAX);
  if (words.trim() === '') throw routeReader.problem(`${field}.scope`, 'must not be blank');
  if (!isGiven(requester)) return { scope: words };
  const service = routeReader.text(requester, `${field}.requester`, SCOPE_LENGTH_MAX);
  if (parseServiceId(service) === undefined) {
    throw routeReader.problem(`${field}.requester`, 'is not a service, such as service:gateway');
  }
  return { scope: words, requester: service };
}
