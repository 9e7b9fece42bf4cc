/** Requests that fail, against servers that fail for real. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PembaClient } from '../../src/client/client.js';
import type { PembaClientOptions } from '../../src/client/client.js';
import { failureOf } from './failures.js';
import { ScriptedServer, allow, answer, hangUp, nowhere } from './scripted-server.js';

const STORE = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const QUESTION = { user: 'user:anne', relation: 'viewer', object: 'document:1' };
const STRICT = { writes: [QUESTION] };
const REPEATABLE = { writes: [QUESTION], onDuplicate: 'ignore' } as const;

let server: ScriptedServer;
const others: ScriptedServer[] = [];

beforeEach(async () => {
  server = await ScriptedServer.start((_asked, response) => {
    allow(response);
  });
});
afterEach(async () => {
  for (const one of [server, ...others.splice(0)]) await one.stop();
});

const clientOf = (options: Partial<PembaClientOptions> = {}): PembaClient =>
  new PembaClient({
    urls: [server.url],
    storeId: STORE,
    random: () => 0.5,
    retries: { baseDelayMs: 2 },
    ...options,
  });

async function another(script: ScriptedServer['script']): Promise<ScriptedServer> {
  const made = await ScriptedServer.start(script);
  others.push(made);
  return made;
}

describe('a request', () => {
  it('is what the API asks for, with the credentials', async () => {
    await clientOf({ apiKey: 'pemba_secret', modelId: 'M' }).check(
      {
        ...QUESTION,
        contextualTuples: [{ ...QUESTION, expiresAt: new Date(0) }],
        context: { amount: 5 },
      },
      { consistency: 'higher' },
    );
    const [{ path, headers, body }] = server.asked as [ScriptedServer['asked'][number]];
    expect(path).toBe(`/stores/${STORE}/check`);
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      authorization: 'Bearer pemba_secret',
    });
    expect(body).toEqual({
      tuple_key: QUESTION,
      contextual_tuples: { tuple_keys: [{ ...QUESTION, expires_at: '1970-01-01T00:00:00.000Z' }] },
      context: { amount: 5 },
      authorization_model_id: 'M',
      consistency: 'HIGHER_CONSISTENCY',
    });
  });

  it('has a token made for each attempt', async () => {
    let count = 0;
    server.script = (_asked, response, nth) => {
      if (nth === 1) answer(response, 503, {});
      else allow(response);
    };
    const client = clientOf({ token: () => Promise.resolve(`t${++count}`) });
    expect(await client.check(QUESTION)).toBe(true);
    expect(server.asked.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer t1',
      'Bearer t2',
    ]);
  });

  it('is not sent without the token that it needs', async () => {
    const cause = new Error('the issuer is away');
    const failure = await failureOf(
      clientOf({ token: () => Promise.reject(cause) }).check(QUESTION),
    );
    expect(failure).toMatchObject({ code: 'credentials_failed', cause });
    expect(server.asked).toEqual([]);
  });

  it('takes its credentials nowhere else', async () => {
    const thief = await another((_asked, response) => {
      allow(response);
    });
    server.script = (_asked, response) => {
      response.writeHead(307, { location: `${thief.url}/stores/x/check` }).end();
    };
    const failure = await failureOf(clientOf({ apiKey: 'k' }).check(QUESTION));
    expect(failure).toMatchObject({ code: 'http_307', status: 307 });
    expect(thief.asked).toEqual([]);
  });
});

describe('an answer', () => {
  it.each([
    ['{"allowed":"true"}'],
    ['{"allowed":1}'],
    ['{}'],
    ['null'],
    ['[]'],
    ['true'],
    ['<html>welcome to the Wi-Fi</html>'],
    [''],
  ])('of somebody else is no allow: %s', async (text) => {
    server.script = (_asked, response) => {
      answer(response, 200, text, { 'x-request-id': 'r-1' });
    };
    const failure = await failureOf(clientOf().check(QUESTION));
    expect(failure).toMatchObject({ code: 'invalid_response', requestId: 'r-1' });
    expect(server.asked).toHaveLength(1);
  });

  it.each<[number, string, object]>([
    [400, '{"code":"validation_error","message":"m"}', { code: 'validation_error', message: 'm' }],
    [400, '{"error":{"code":3,"message":"m"}}', { code: 'validation_error', message: 'm' }],
    [
      401,
      '{"error":"invalid_client","error_description":"m"}',
      { code: 'invalid_client', message: 'm' },
    ],
    [403, '', { code: 'forbidden' }],
    [404, '<html>', { code: 'http_404' }],
    [409, '{"code":"Aborted","message":"m"}', { code: 'Aborted' }],
    [500, '{}', { code: 'internal_error' }],
    [504, '[]', { code: 'http_504' }],
  ])('%i with %s is that error, and is final', async (status, text, error) => {
    server.script = (_asked, response) => {
      answer(response, status, text, { 'x-request-id': 'r-2' });
    };
    const failure = await failureOf(clientOf().check(QUESTION));
    expect(failure).toMatchObject({ ...error, status, requestId: 'r-2' });
    expect(server.asked).toHaveLength(1);
  });
});

describe('what fails', () => {
  it.each<[string, ScriptedServer['script']]>([
    [
      'a connection breaks',
      (_asked, response) => {
        hangUp(response);
      },
    ],
    [
      'an answer breaks off',
      (_asked, response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('{"allowed":');
        setTimeout(() => {
          hangUp(response);
        }, 5);
      },
    ],
    [
      'the server is away for a moment',
      (_asked, response) => {
        answer(response, 503, {});
      },
    ],
    [
      'the balancer has no server',
      (_asked, response) => {
        answer(response, 502, '<html>');
      },
    ],
    [
      'there are too many requests',
      (_asked, response) => {
        answer(response, 429, {});
      },
    ],
  ])('is asked again when %s', async (_what, fail) => {
    server.script = (asked, response, count) => {
      if (count <= 2) return fail(asked, response, count);
      allow(response);
    };
    expect(await clientOf().check(QUESTION)).toBe(true);
    expect(server.asked).toHaveLength(3);
  });

  it('is asked so many times, and then told', async () => {
    server.script = (_asked, response) => {
      answer(response, 503, { code: 'unavailable', message: 'm' });
    };
    const failure = await failureOf(
      clientOf({ retries: { max: 2, baseDelayMs: 1 } }).check(QUESTION),
    );
    expect(failure).toMatchObject({ code: 'unavailable', status: 503 });
    expect(server.asked).toHaveLength(3);
  });

  it('is asked no more when the budget is spent', async () => {
    server.script = (_asked, response) => {
      answer(response, 503, {});
    };
    const client = clientOf({ retries: { max: 100, baseDelayMs: 0, budget: 0.25 } });
    for (let i = 0; i < 20; i++) {
      await failureOf(client.check({ ...QUESTION, object: `document:${i}` }));
    }
    // 20 calls; 10 retries that the budget had, and one for each four calls.
    expect(server.asked).toHaveLength(20 + 15);
  });

  it('is asked again not before the server wants it', async () => {
    const at: number[] = [];
    server.script = (_asked, response, count) => {
      at.push(performance.now());
      if (count === 1) answer(response, 429, {}, { 'retry-after': '1' });
      else allow(response);
    };
    expect(await clientOf().check(QUESTION)).toBe(true);
    expect(at[1]! - at[0]!).toBeGreaterThanOrEqual(990);
  });

  it('is told at once when the server wants more time than there is', async () => {
    server.script = (_asked, response) => {
      answer(response, 429, {}, { 'retry-after': '60' });
    };
    const failure = await failureOf(clientOf().check(QUESTION));
    expect(failure).toMatchObject({ code: 'rate_limit_exceeded', retryAfterMs: 60_000 });
  });

  it('understands a date that says when to come again, by the date of the answer', async () => {
    server.script = (_asked, response) => {
      answer(
        response,
        503,
        {},
        {
          date: 'Tue, 01 Jan 2030 00:00:00 GMT',
          'retry-after': 'Tue, 01 Jan 2030 00:02:00 GMT',
        },
      );
    };
    expect((await failureOf(clientOf().check(QUESTION))).retryAfterMs).toBe(120_000);
  });
});

describe('a write', () => {
  const done = { 'pemba-consistency-token': 't' };

  it.each<[string, number, ScriptedServer['script']]>([
    [
      'that may have been done',
      1,
      (_asked, response) => {
        hangUp(response);
      },
    ],
    [
      'of which 503 says nothing',
      1,
      (_asked, response) => {
        answer(response, 503, {});
      },
    ],
    [
      'that was refused for its rate',
      2,
      (_asked, response) => {
        answer(response, 429, {});
      },
    ],
    [
      'that was shed',
      2,
      (_asked, response) => {
        answer(response, 503, { code: 'resource_exhausted' }, { 'retry-after': '0' });
      },
    ],
  ])('%s is sent %i times', async (_what, times, fail) => {
    server.script = (asked, response, count) => {
      if (count === 1) return fail(asked, response, count);
      answer(response, 200, {}, done);
    };
    const write = clientOf().write(STRICT);
    if (times === 1) await failureOf(write);
    else expect(await write).toEqual({ consistencyToken: 't' });
    expect(server.asked).toHaveLength(times);
  });

  it('that may be done twice is sent again', async () => {
    server.script = (_asked, response, count) => {
      if (count === 1) hangUp(response);
      else answer(response, 200, {}, done);
    };
    await clientOf().write(REPEATABLE);
    expect(server.asked).toHaveLength(2);
  });

  it.each([
    { ...REPEATABLE, deletes: [QUESTION] },
    { ...REPEATABLE, onDuplicate: 'replace' as const },
    { deletes: [QUESTION], onDuplicate: 'ignore' as const },
  ])('may not be done twice if part of it may not: %j', async (changes) => {
    server.script = (_asked, response) => {
      hangUp(response);
    };
    expect((await failureOf(clientOf().write(changes))).code).toBe('connection_failed');
    expect(server.asked).toHaveLength(1);
  });

  it('goes to another server when the first cannot be reached', async () => {
    server.script = (_asked, response) => {
      answer(response, 200, {}, done);
    };
    await clientOf({ urls: [await nowhere(), server.url] }).write(STRICT);
    expect(server.asked).toHaveLength(1);
  });
});

describe('a deadline', () => {
  it.each<[string, ScriptedServer['script']]>([
    ['never answers', () => undefined],
    [
      'never ends its answer',
      (_asked, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.write('{');
      },
    ],
    [
      'never ends its error',
      (_asked, response) => {
        response.writeHead(500);
        response.write('{');
      },
    ],
    [
      'only ever fails',
      (_asked, response) => {
        answer(response, 503, {});
      },
    ],
  ])('holds when the server %s', async (_what, script) => {
    server.script = script;
    const client = clientOf({
      retries: { max: 1000, baseDelayMs: 400, maxDelayMs: 400, budget: 1000 },
    });
    const startedAt = performance.now();
    const failure = await failureOf(client.check(QUESTION, { timeoutMs: 150 }));
    expect(performance.now() - startedAt).toBeLessThan(1000);
    expect(['timeout', 'unavailable']).toContain(failure.code);
  });

  it('holds while a token is waited for, and with a fetch that hears of no signal', async () => {
    const never = (): Promise<never> => new Promise(() => undefined);
    for (const client of [clientOf({ token: never }), clientOf({ fetch: never })]) {
      expect((await failureOf(client.check(QUESTION, { timeoutMs: 20 }))).code).toBe('timeout');
    }
  });

  it('that has passed tells what had gone wrong', async () => {
    server.script = (_asked, response, count) => {
      if (count === 1) answer(response, 503, { code: 'unavailable', message: 'm' });
    };
    const failure = await failureOf(
      clientOf({ coalescing: false }).check(QUESTION, { timeoutMs: 100 }),
    );
    expect(failure).toMatchObject({ code: 'timeout', cause: { code: 'unavailable' } });
  });

  it('is not the end that an aborted signal is', async () => {
    server.script = () => undefined;
    const controller = new AbortController();
    const call = clientOf().check(QUESTION, { signal: controller.signal });
    controller.abort(new Error('the user has gone'));
    expect(await failureOf(call)).toMatchObject({
      code: 'aborted',
      cause: { message: 'the user has gone' },
    });
    const late = clientOf().check(QUESTION, { signal: controller.signal });
    expect((await failureOf(late)).code).toBe('aborted');
    expect(server.asked.length).toBeLessThanOrEqual(1);
  });

  it.each([0, -1, NaN, Infinity, 2 ** 31])('cannot be %d ms away', async (timeoutMs) => {
    await expect(clientOf().check(QUESTION, { timeoutMs })).rejects.toThrow(RangeError);
  });
});

describe('several servers', () => {
  it('are asked in their order, and one that is down only once in a while', async () => {
    const down = await nowhere();
    let tried = 0;
    const client = clientOf({
      urls: [down, server.url],
      fetch: (url, init) => {
        if (url === `${down}/stores/${STORE}/check`) tried++;
        return fetch(url, init);
      },
    });
    for (let i = 0; i < 5; i++) expect(await client.check(QUESTION)).toBe(true);
    expect([tried, server.asked.length]).toEqual([1, 5]);
  });

  it('let many calls at once go to the one that is up, whatever the budget is', async () => {
    const client = clientOf({ urls: [await nowhere(), server.url], retries: { max: 0 } });
    const calls = Array.from({ length: 100 }, (_, i) =>
      client.check({ ...QUESTION, object: `document:${i}` }),
    );
    expect(new Set(await Promise.all(calls))).toEqual(new Set([true]));
  });

  it('do without one that says nothing', async () => {
    const silent = await another(() => undefined);
    const client = clientOf({ urls: [silent.url, server.url] });
    expect(await client.check(QUESTION, { timeoutMs: 300 })).toBe(true);
    expect([silent.asked.length, server.asked.length]).toEqual([1, 1]);
  });

  it('all down are told as that', async () => {
    const client = clientOf({ urls: [await nowhere(), await nowhere()] });
    expect(await failureOf(client.check(QUESTION))).toMatchObject({
      code: 'connection_failed',
      status: undefined,
    });
  });
});

describe('a client', () => {
  it.each<Partial<PembaClientOptions>>([
    { urls: [] },
    { urls: ['pemba'] },
    { urls: ['ftp://pemba'] },
    { urls: ['http://pemba?x=1'] },
    { apiKey: 'a', token: () => Promise.resolve('b') },
  ])('is not made of %j', (options) => {
    expect(() => clientOf(options)).toThrow(TypeError);
  });

  it('does not guess a store, and none gets out of its path', async () => {
    const client = clientOf({ storeId: undefined });
    await expect(client.check(QUESTION)).rejects.toThrow(TypeError);
    await client.check(QUESTION, { storeId: '../admin/keys?x' });
    expect(server.asked[0]?.path).toBe('/stores/..%2Fadmin%2Fkeys%3Fx/check');
  });
});
