/** Requests to the byte: two headers of one name, and characters that no client would send. */
import type { AttackRequest } from '../../identity/attacks.js';
import { exchange, head } from '../hostile/raw-http.js';

export interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly headers?: AttackRequest['headers'];
  readonly body?: unknown;
}

export interface WireAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

const WAIT_MS = 10_000;

/** What differs from answer to answer and says nothing. */
const OF_THE_MOMENT = ['date', 'x-request-id'];

export async function send(
  url: string,
  { method, path, headers = [], body }: WireRequest,
): Promise<WireAnswer> {
  const text = body === undefined ? '' : JSON.stringify(body);
  const lines = [
    'connection: close',
    ...(body === undefined
      ? []
      : ['content-type: application/json', `content-length: ${Buffer.byteLength(text)}`]),
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ];
  return answerOf((await exchange(url, head(`${method} ${path}`, lines) + text, WAIT_MS)).text);
}

export function answerOf(bytes: string): WireAnswer {
  const end = bytes.indexOf('\r\n\r\n');
  const [status = '', ...lines] = bytes.slice(0, end).split('\r\n');
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return {
    status: Number(status.split(' ')[1]),
    headers: Object.fromEntries(headers.filter(([name]) => !OF_THE_MOMENT.includes(name))),
    text: bytes.slice(end + 4),
  };
}

export const bearer = (credentials: string): AttackRequest['headers'] => [
  ['authorization', `Bearer ${credentials}`],
];

const CHALLENGE = 'Bearer realm="pemba"';

/** The whole of what whoever is not let in is told: the same for every reason. */
export function refusalOf({
  headers,
  path = '',
}: Pick<AttackRequest, 'headers'> & { readonly path?: string }): WireAnswer {
  const hasCredentials = headers.some(([name]) => name === 'authorization');
  const message = hasCredentials ? 'the credentials are not valid' : 'missing bearer token';
  const isStream = path.endsWith('/streamed-list-objects');
  const text = JSON.stringify(
    isStream ? { error: { code: 16, message, details: [] } } : { code: 'unauthenticated', message },
  );
  return {
    status: 401,
    headers: {
      connection: 'close',
      'content-length': String(text.length),
      'content-type': 'application/json; charset=utf-8',
      'www-authenticate': hasCredentials ? `${CHALLENGE}, error="invalid_token"` : CHALLENGE,
    },
    text,
  };
}
