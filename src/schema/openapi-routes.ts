/**
 * An OpenAPI document as a route table: each operation with an `x-authz` becomes a route, under the
 * path of the document's servers. The others are for nobody. What else the document says is not looked
 * at.
 */
import { quote } from './problem.js';
import { ROUTES, ROUTES_MAX, routeReader, ruleFromWire } from './route-table-wire.js';
import type { WireRoute, WireRouteTable } from './route-table-wire.js';

const OPERATIONS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'] as const;
const EXTENSION = 'x-authz';

export const isOpenApi = (value: unknown): value is object =>
  isObject(value) && 'openapi' in value && 'paths' in value;

export function routesOfOpenApi(document: object): WireRouteTable {
  const base = basePath(memberOf(document, 'servers'));
  const paths = memberOf(document, 'paths');
  if (!isObject(paths)) throw routeReader.problem('paths', 'must be an object');
  const routes = Object.entries(paths).flatMap(([path, item]) => routesAt(base, path, item));
  if (routes.length > ROUTES_MAX) {
    throw routeReader.problem('paths', `can have ${ROUTES_MAX} operations at most`);
  }
  if (routes.length === 0) {
    throw routeReader.problem('paths', `no operation has ${EXTENSION}, so none would be allowed`);
  }
  return { routes };
}

function routesAt(base: string, path: string, item: unknown): readonly WireRoute[] {
  if (!isObject(item)) return [];
  return OPERATIONS.flatMap((name) => {
    const operation = memberOf(item, name);
    const rule = isObject(operation) ? memberOf(operation, EXTENSION) : undefined;
    if (rule === undefined) return [];
    const field = `paths.${quote(path).slice(1, -1)}.${name}.${EXTENSION}`;
    return { path: base + path, methods: [name.toUpperCase()], ...ruleFromWire(rule, field) };
  });
}

/** That of all servers: which of several a request is meant for cannot be told. */
function basePath(servers: unknown): string {
  if (!Array.isArray(servers) || servers.length === 0) return '';
  const [first, ...others] = new Set(servers.map(pathOfServer));
  if (others.length > 0) {
    throw routeReader.problem('servers', `have different paths, so ${ROUTES} would be ambiguous`);
  }
  return first ?? '';
}

function pathOfServer(server: unknown, i: number): string {
  const url: unknown = isObject(server) ? memberOf(server, 'url') : undefined;
  const [, path] =
    /^(?:[a-z][a-z0-9+.-]*:)?(?:\/\/[^/?#]*)?((?:\/[^?#{}]*)?)$/i.exec(
      typeof url === 'string' ? url : '?',
    ) ?? [];
  if (path === undefined) {
    throw routeReader.problem(`servers[${i}].url`, 'must be a URL with a path that is certain');
  }
  return path.replace(/\/$/, '');
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Its own: a document may name anything that objects inherit. */
const memberOf = (object: object, name: string): unknown =>
  Object.hasOwn(object, name) ? Reflect.get(object, name) : undefined;
