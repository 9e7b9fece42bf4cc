/**
 * A route table held against a model: which checks a gateway's request needs. Of the routes that match
 * a request the narrowest counts; two of which neither is narrower are refused when they are written.
 */
import { parseDuration } from '../quantity.js';
import { parseServiceId } from '../tuple/delegation.js';
import { idOfClaim } from '../tuple/claim-id.js';
import { isRelationName, parseObject } from '../tuple/tuple.js';
import type { JsonObject, ObjectRef } from '../tuple/tuple.js';
import type { ServiceId } from '../ids.js';
import { isGiven } from './attachment-reader.js';
import { claimAt, idOfScalar } from './claims-mapping.js';
import type { TokenFacts } from './claims-mapping.js';
import { claimPlace } from './claims-mapping-wire.js';
import type { ClaimPlace } from './claims-mapping-wire.js';
import { fillIdTemplate, readIdTemplate } from './id-template.js';
import type { IdTemplate } from './id-template.js';
import { unknownRelation } from './nearest.js';
import { isOpenApi, routesOfOpenApi } from './openapi-routes.js';
import type { Plan } from './plan.js';
import { quote } from './problem.js';
import {
  commonExample,
  covers,
  matchPattern,
  parameterNames,
  readHostPattern,
  readPathPattern,
} from './route-pattern.js';
import type { Parameters, Pattern } from './route-pattern.js';
import { ROUTES, ROUTES_MAX, routeFromWire, routeReader } from './route-table-wire.js';
import type { WireRoute, WireRouteTable } from './route-table-wire.js';

/** A request in the one form that paths are compared in. */
export interface RoutedRequest {
  readonly method: string;
  /** In small letters, without a port; empty where it is not known. */
  readonly host: string;
  /** Decoded, each for itself. The last is empty behind a slash at the end. */
  readonly segments: readonly string[];
}

export interface Route {
  /** As it was written. */
  readonly path: string;
  /** All have to be met. Empty: a public route. */
  readonly required: readonly RequiredRelation[];
  /** How long an allow may be kept; 0 is not at all. */
  readonly cacheMs: number;
  readonly transaction: RouteTransaction | undefined;
}

export interface RouteTransaction {
  readonly scope: string;
  readonly requester: ServiceId | undefined;
}

export interface RequiredRelation {
  readonly relation: string;
  /** Undefined where the request or the token lacks a part of it, or has one that is no id. */
  objectOf(match: RouteMatch, token: TokenFacts): ObjectRef | undefined;
}

export interface RouteMatch {
  readonly route: Route;
  readonly path: Parameters;
  readonly host: Parameters;
  readonly hostName: string;
}

export interface RouteTable {
  /** Undefined where there is no route: nobody may do that. */
  match(request: RoutedRequest): RouteMatch | undefined;
}

/** Null for null and for a table without routes. */
export function routeTableFromWire(value: unknown): WireRouteTable | null {
  if (value === null) return null;
  if (isOpenApi(value)) return routesOfOpenApi(value);
  const { routes } = routeReader.members(value, 'route_table', ['routes']);
  if (!isGiven(routes)) return null;
  const read = routeReader.list(routes, ROUTES, ROUTES_MAX, routeFromWire);
  return read.length === 0 ? null : { routes: read };
}

interface Entry {
  /** Such as `route_table.routes[0]`. */
  readonly field: string;
  readonly methods: readonly string[];
  readonly pattern: Pattern;
  /** Undefined for any host. */
  readonly host: Pattern | undefined;
  readonly route: Route;
}

/** Throws `invalid_route_table`, which names the first entry that is wrong. */
export function compileRouteTable(plan: Plan, wire: WireRouteTable | undefined): RouteTable {
  const entries = (wire?.routes ?? []).map((route, i) => entryOf(plan, route, `${ROUTES}[${i}]`));
  assertDistinct(entries);
  const byMethod = new Map<string, Entry[]>();
  for (const entry of [...entries].sort(byNarrowness)) {
    for (const method of entry.methods) {
      const list = byMethod.get(method);
      if (list === undefined) byMethod.set(method, [entry]);
      else list.push(entry);
    }
  }
  return { match: (request) => matchIn(byMethod.get(request.method) ?? [], request) };
}

function matchIn(
  entries: readonly Entry[],
  { host: hostName, segments }: RoutedRequest,
): RouteMatch | undefined {
  const labels = hostName.split('.');
  for (const { pattern, host, route } of entries) {
    const inPath = matchPattern(pattern, segments);
    const inHost = host === undefined ? NO_PARAMETERS : matchPattern(host, labels);
    if (inPath !== undefined && inHost !== undefined)
      return { route, path: inPath, host: inHost, hostName };
  }
  return undefined;
}

const NO_PARAMETERS: Parameters = new Map();

function entryOf(plan: Plan, wire: WireRoute, field: string): Entry {
  const pattern = readPathPattern(wire.path);
  if (typeof pattern === 'string') throw routeReader.problem(`${field}.path`, pattern);
  const host = wire.host === undefined ? undefined : readHostPattern(wire.host);
  if (typeof host === 'string') throw routeReader.problem(`${field}.host`, host);
  const names = { path: parameterNames(pattern), host: host && parameterNames(host) };
  const { require, transaction } = wire;
  const required =
    typeof require === 'string'
      ? [requiredRelation(plan, require, names, `${field}.require`)]
      : (require ?? []).map((one, i) =>
          requiredRelation(plan, one, names, `${field}.require[${i}]`),
        );
  const route: Route = {
    path: wire.path,
    required,
    cacheMs: wire.cache === undefined ? 0 : parseDuration(wire.cache),
    transaction: transaction && {
      scope: transaction.scope,
      requester: parseServiceId(transaction.requester ?? ''),
    },
  };
  return { field, methods: wire.methods, pattern, host, route };
}

/** Compared with each other, so that no answer depends on the order in which they were written. */
function assertDistinct(entries: readonly Entry[]): void {
  for (const [i, entry] of entries.entries()) {
    for (const other of entries.slice(0, i)) {
      const method = entry.methods.find((one) => other.methods.includes(one));
      const problem = method === undefined ? undefined : conflict(entry, other);
      if (problem === undefined) continue;
      throw routeReader.problem(`${entry.field}.path`, `${problem} (${method ?? ''})`);
    }
  }
}

function conflict(entry: Entry, other: Entry): string | undefined {
  const path = commonExample(entry.pattern, other.pattern);
  if (path === undefined || areHostsApart(entry.host, other.host)) return undefined;
  const [isInside, isOutside] = [isWithin(entry, other), isWithin(other, entry)];
  if (isInside && isOutside) return `matches what ${other.field} matches, and would never count`;
  if (isInside || isOutside) return undefined;
  const [mine, theirs] = [quote(entry.route.path), quote(other.route.path)];
  return (
    `${mine} and ${theirs} of ${other.field} both match ${quote(`/${path.join('/')}`)}, ` +
    'and neither is narrower'
  );
}

const areHostsApart = (a: Pattern | undefined, b: Pattern | undefined): boolean =>
  a !== undefined && b !== undefined && commonExample(a, b) === undefined;

const isWithin = (inner: Entry, outer: Entry): boolean =>
  covers(outer.pattern, inner.pattern) &&
  (outer.host === undefined || (inner.host !== undefined && covers(outer.host, inner.host)));

/** What lies within another comes before it: it has no fewer of each of these, and more of one. */
function byNarrowness(a: Entry, b: Entry): number {
  return (
    literals(b) - literals(a) ||
    Number(b.host !== undefined) - Number(a.host !== undefined) ||
    Number(isOpen(a)) - Number(isOpen(b)) ||
    b.pattern.length - a.pattern.length
  );
}

const literals = ({ pattern, host = [] }: Entry): number =>
  [...pattern, ...host].filter(({ kind }) => kind === 'literal').length;

const isOpen = ({ pattern }: Entry): boolean => pattern.at(-1)?.kind === 'rest';

type Place =
  | { readonly kind: 'path' | 'host'; readonly name: string }
  | { readonly kind: 'host-name' }
  | { readonly kind: 'subject-id' }
  | ClaimPlace;

interface Names {
  readonly path: readonly string[];
  /** Undefined where the route is for any host. */
  readonly host: readonly string[] | undefined;
}

/** `order:{path.order}#can_read`. Type and relation are literal: no request chooses what is asked. */
function requiredRelation(plan: Plan, text: string, names: Names, field: string): RequiredRelation {
  const [, type = '', idText = '', relation = ''] = /^([^:#{}]+):(.+)#([^#{}]+)$/s.exec(text) ?? [];
  const id = readIdTemplate(idText, (name) => readPlace(name, names));
  if (typeof id === 'string') throw routeReader.problem(field, id);
  const sample = parseObject(`${type}:${id.literals.join('x')}`);
  if (sample === undefined || !isRelationName(relation)) {
    const form = "is not of the form 'type:id#relation'";
    throw routeReader.problem(field, `${quote(text)} ${form}`);
  }
  const unknown = unknownRelation(plan, type, relation);
  if (unknown !== undefined) throw routeReader.problem(field, unknown);
  return { relation, objectOf: (match, token) => objectOf(type, id, match, token) };
}

function objectOf(
  type: string,
  template: IdTemplate<Place>,
  match: RouteMatch,
  { subject, claims }: TokenFacts,
): ObjectRef | undefined {
  const id = fillIdTemplate(template, (place) => {
    switch (place.kind) {
      case 'path':
        return idOf(match.path.get(place.name));
      case 'host':
        return idOf(match.host.get(place.name));
      case 'host-name':
        return idOf(match.hostName);
      case 'subject-id':
        return subject.id;
      case 'claim':
        return idOfClaimAt(claims, place.path);
    }
  });
  return id === undefined ? undefined : { type, id };
}

const idOf = (text: string | undefined): string | undefined =>
  text === undefined ? undefined : idOfClaim(text);

const idOfClaimAt = (claims: JsonObject, path: readonly string[]): string | undefined =>
  idOfScalar(claimAt(claims, path));

function readPlace(name: string, { path, host }: Names): Place | string {
  if (name === 'host') return { kind: 'host-name' };
  if (name === 'subject.id') return { kind: 'subject-id' };
  const [, where, parameter = ''] = /^(path|host)\.(.*)$/s.exec(name) ?? [];
  if (where === undefined) {
    const all = '{path.NAME}, {host.NAME}, {host}, {subject.id} and {claims.NAME}';
    return claimPlace(name) ?? `{${name}} is none of ${all}`;
  }
  const kind = where === 'path' ? 'path' : 'host';
  const known = kind === 'path' ? path : (host ?? []);
  if (known.includes(parameter)) return { kind, name: parameter };
  const list = known.length === 0 ? 'it has none' : `it has ${known.join(', ')}`;
  return `{${name}} is no parameter of the ${kind}: ${list}`;
}
