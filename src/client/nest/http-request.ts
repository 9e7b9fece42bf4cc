/**
 * Of a request, what Express and Fastify have in common, and how a value in it is named:
 * `params.id`, `query.id`, `headers.x-tenant`, `body.order.id`.
 */
export interface HttpRequest {
  readonly params?: unknown;
  readonly query?: unknown;
  readonly body?: unknown;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

export interface Place {
  readonly text: string;
  readonly part: 'params' | 'query' | 'body' | 'headers';
  readonly names: readonly string[];
}

const PLACE = /^(params|query|headers)\.([\w-]+)$|^(body)\.([\w-]+(?:\.[\w-]+)*)$/;

/** Undefined when the text names none. */
export function parsePlace(text: string): Place | undefined {
  const [, one, name, body, path] = PLACE.exec(text) ?? [];
  if (body !== undefined) return { text, part: 'body', names: path?.split('.') ?? [] };
  switch (one) {
    case 'params':
    case 'query':
      return { text, part: one, names: [name ?? ''] };
    case 'headers':
      return { text, part: one, names: [(name ?? '').toLowerCase()] };
    default:
      return undefined;
  }
}

/** What is really there: nothing is inherited, and a list has no names. */
export function valueAt(request: HttpRequest, { part, names }: Place): unknown {
  let value: unknown = request[part];
  for (const name of names) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    if (!Object.hasOwn(value, name)) return undefined;
    value = Reflect.get(value, name);
  }
  return value;
}

/** Undefined unless it is there once. */
export function headerOf({ headers }: HttpRequest, name: string): string | undefined {
  const value = headers[name.toLowerCase()];
  return typeof value === 'string' ? value : undefined;
}
