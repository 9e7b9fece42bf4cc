/** The OpenAPI 3.1 document, of endpoints that each protocol describes. */
import type { JsonSchema } from './json-schema.js';
import { YAML_TYPES } from './yaml-body.js';

export interface Endpoint {
  readonly method: 'get' | 'post' | 'put' | 'delete';
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly query?: Readonly<Record<string, JsonSchema>>;
  readonly body?: JsonSchema;
  readonly bodyType?: string;
  readonly status: number;
  readonly answer?: JsonSchema;
  readonly answerType?: string;
  /** The body, or the answer, may be the DSL as text. */
  readonly takesDsl?: boolean;
  readonly givesDsl?: boolean;
  /** Of one line, where the answer may be lines. */
  readonly givesLines?: JsonSchema;
  /** The body may be YAML of the same shape. */
  readonly takesYaml?: boolean;
  readonly headers?: readonly HeaderName[];
  /** What requests may say in headers, and what it means. */
  readonly requestHeaders?: Readonly<Record<string, string>>;
  /** Whether it waits for the revision of a consistency token. */
  readonly isQuery?: boolean;
  readonly failure?: JsonSchema;
  readonly failureType?: string;
  readonly failureHeaders?: readonly HeaderName[];
}

const HEADERS = {
  'Openfga-Store-Id': 'The store that the answer is about',
  'Openfga-Authorization-Model-Id': 'The model that the answer was computed under',
  'Pemba-Consistency-Token': 'The revision that the answer was computed at',
  'Pemba-Complete': '`true`, or `false` when there is more than the answer holds',
  'Pemba-Decision-Id': 'Of the decision in the decision log, where there is one',
  'Pemba-Delegation-Changes': 'How many implications a model adds and removes; absent if none',
  'Pemba-Subject': 'Who the user is that a gateway asked about; empty if nobody',
  'Pemba-Reason': 'Why a gateway is answered so, in a word',
  'Txn-Token': 'A Transaction Token for the services behind a gateway; empty if none',
  'Pemba-Continuation-Token': 'Where to go on with a list that is not complete',
} as const;
export type HeaderName = keyof typeof HEADERS;

export const PAGING = {
  page_size: { type: 'integer', minimum: 1 },
  continuation_token: { type: 'string' },
} as const;

/** `components` are the schemas that endpoints refer to; `Error` is the answer to what went wrong. */
export function openApiDocument(
  endpoints: readonly Endpoint[],
  components: Readonly<Record<string, JsonSchema>>,
): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const endpoint of endpoints) {
    (paths[endpoint.path] ??= {})[endpoint.method] = operationOf(endpoint);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Pemba',
      version: '1',
      description: "OpenFGA's HTTP API, with what Pemba adds in optional members and headers.",
    },
    paths,
    components: { schemas: components },
  };
}

const NDJSON = 'application/x-ndjson';
const content = (schema: JsonSchema, type = 'application/json'): object => ({ [type]: { schema } });
/** `contentSchema` is of one line: JSON Schema has no words for several. */
const linesContent = (contentSchema: JsonSchema): object =>
  content(
    { type: 'string', description: 'Lines of JSON', contentMediaType: NDJSON, contentSchema },
    NDJSON,
  );
const yamlContent = (schema: JsonSchema): object =>
  Object.fromEntries(YAML_TYPES.map((type) => [type, { schema }]));
const DSL_CONTENT = content({ type: 'string' }, 'text/plain');

function operationOf(endpoint: Endpoint): object {
  const { operationId, summary, body, answer, status } = endpoint;
  const failure = endpoint.failure ?? { $ref: '#/components/schemas/Error' };
  const success = {
    description: summary,
    ...(endpoint.headers && { headers: headersOf(endpoint.headers) }),
    ...(answer && {
      content: {
        ...content(answer, endpoint.answerType),
        ...(endpoint.givesDsl && DSL_CONTENT),
        ...(endpoint.givesLines && linesContent(endpoint.givesLines)),
      },
    }),
  };
  return {
    operationId,
    summary,
    parameters: parametersOf(endpoint),
    ...(body && {
      requestBody: {
        required: true,
        content: {
          ...content(body, endpoint.bodyType),
          ...(endpoint.takesDsl && DSL_CONTENT),
          ...(endpoint.takesYaml && yamlContent(body)),
        },
      },
    }),
    responses: {
      [status]: success,
      default: {
        description: 'What went wrong',
        ...(endpoint.failureHeaders && { headers: headersOf(endpoint.failureHeaders) }),
        content: content(failure, endpoint.failureType),
      },
    },
  };
}

const headersOf = (names: readonly HeaderName[]): object =>
  Object.fromEntries(
    names.map((name) => [name, { description: HEADERS[name], schema: { type: 'string' } }]),
  );

function parametersOf({
  path,
  query = {},
  isQuery,
  requestHeaders = {},
}: Endpoint): readonly object[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const inQuery = Object.entries(query).map(([name, schema]) => ({ name, in: 'query', schema }));
  const inHeaders = Object.entries(requestHeaders).map(([name, description]) => ({
    name,
    in: 'header',
    description,
    schema: { type: 'string' },
  }));
  const token = {
    name: 'Pemba-Consistency-Token',
    in: 'header',
    description: 'Answer at least as fresh as the write or query that returned it',
    schema: { type: 'string' },
  };
  return [...inPath, ...inQuery, ...inHeaders, ...(isQuery ? [token] : [])];
}
