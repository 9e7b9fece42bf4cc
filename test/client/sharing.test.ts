/** Many callers, few requests; and none of them pays for another. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PembaClient } from '../../src/client/client.js';
import type { CheckQuestion, PembaClientOptions } from '../../src/client/client.js';
import { failureOf } from './failures.js';
import { ScriptedServer, allow, answer, hangUp } from './scripted-server.js';

const STORE = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const about = (user: string, object = 'document:1'): CheckQuestion => ({
  user,
  relation: 'viewer',
  object,
});

interface WireCheck {
  readonly correlation_id: string;
  readonly tuple_key: { readonly user: string };
}

/** Of a batch: anne may, bob may not, and the rest cannot be said. */
const verdictOn = (user: string): object => {
  if (user === 'user:anne') return { allowed: true };
  if (user === 'user:bob') return { allowed: false };
  return user === 'user:broken'
    ? { error: { internal_error: 'internal_error', message: 'm' } }
    : { error: { input_error: 'validation_error', message: user } };
};

let server: ScriptedServer;
let release: () => void;

beforeEach(async () => {
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  server = await ScriptedServer.start(async ({ path, body }, response) => {
    await released;
    if (path.endsWith('/check')) {
      allow(response);
      return;
    }
    const checks: readonly WireCheck[] = body.checks;
    const result = checks.map((one) => [one.correlation_id, verdictOn(one.tuple_key.user)]);
    answer(response, 200, { result: Object.fromEntries(result) });
  });
});
afterEach(() => server.stop());

const clientOf = (options: Partial<PembaClientOptions> = {}): PembaClient =>
  new PembaClient({ urls: [server.url], storeId: STORE, retries: { max: 0 }, ...options });

const paths = (): readonly string[] =>
  server.asked.map(({ path }) => path.slice(path.lastIndexOf('/') + 1));

const settled = async (): Promise<void> => {
  while (server.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
};

describe('identical checks', () => {
  it('in flight are one request', async () => {
    const client = clientOf();
    const calls = Array.from({ length: 50 }, () => client.check(about('user:anne')));
    calls.push(client.session().check(about('user:anne')));
    await settled();
    calls.push(client.check(about('user:anne')));
    release();
    expect(new Set(await Promise.all(calls))).toEqual(new Set([true]));
    expect(server.asked).toHaveLength(1);
    await client.check(about('user:anne'));
    expect(server.asked).toHaveLength(2);
  });

  it.each<[string, PembaClientOptions | object, object, object]>([
    ['of different stores', {}, {}, { storeId: 'OTHER' }],
    ['of different models', {}, {}, { modelId: 'OTHER' }],
    ['of different freshness', {}, {}, { consistency: { atLeast: 't' } }],
    ['that mean now', {}, { consistency: 'higher' }, { consistency: 'higher' }],
    ['of a client that does not share', { coalescing: false }, {}, {}],
  ])('%s are two', async (_what, options, one, other) => {
    release();
    const client = clientOf(options);
    await Promise.all([client.check(about('user:a'), one), client.check(about('user:a'), other)]);
    expect(server.asked).toHaveLength(2);
  });

  it('fail together, and not for ever', async () => {
    server.script = (_asked, response, count) => {
      if (count === 1) hangUp(response);
      else allow(response);
    };
    const client = clientOf();
    const calls = [client.check(about('user:a')), client.check(about('user:a'))];
    for (const call of calls) expect((await failureOf(call)).code).toBe('connection_failed');
    expect(await client.check(about('user:a'))).toBe(true);
  });

  it('are given up by one and not by the other', async () => {
    const client = clientOf();
    const controller = new AbortController();
    const hasty = client.check(about('user:a'), { timeoutMs: 20 });
    const gone = client.check(about('user:a'), { signal: controller.signal });
    const patient = client.check(about('user:a'));
    controller.abort();
    expect((await failureOf(gone)).code).toBe('aborted');
    expect((await failureOf(hasty)).code).toBe('timeout');
    release();
    expect(await patient).toBe(true);
    expect(server.asked).toHaveLength(1);
  });

  it('are hung up on when all have gone', async () => {
    const closed = new Promise<void>((resolve) => {
      server.script = (_asked, response) => {
        response.on('close', resolve);
      };
    });
    await failureOf(clientOf().check(about('user:a'), { timeoutMs: 20 }));
    await closed;
    server.script = (_asked, response) => {
      allow(response);
    };
    expect(await clientOf().check(about('user:a'))).toBe(true);
  });
});

describe('batching', () => {
  beforeEach(() => {
    release();
  });

  it('sends the checks of a tick together, and gives each its own answer', async () => {
    const client = clientOf({ batching: true });
    const [anne, bob, broken, wrong, again] = await Promise.allSettled(
      ['user:anne', 'user:bob', 'user:broken', 'wrong', 'user:anne'].map((user) =>
        client.check(about(user)),
      ),
    );
    expect(paths()).toEqual(['batch-check']);
    expect(server.asked[0]?.body.checks).toHaveLength(4);
    expect([anne, bob, again]).toMatchObject([{ value: true }, { value: false }, { value: true }]);
    expect(broken).toMatchObject({ reason: { code: 'internal_error', status: 500 } });
    expect(wrong).toMatchObject({ reason: { code: 'validation_error', message: 'wrong' } });
  });

  it('leaves a check alone that is alone', async () => {
    const client = clientOf({ batching: true });
    await client.check(about('user:anne'));
    await client.check(about('user:anne'));
    expect(paths()).toEqual(['check', 'check']);
  });

  it('fills no batch over its limit', async () => {
    const client = clientOf({ batching: true });
    await Promise.all(
      Array.from({ length: 120 }, (_, i) => client.check(about('user:anne', `document:${i}`))),
    );
    expect(server.asked.map(({ body }): unknown => body.checks.length)).toEqual([50, 50, 20]);
  });

  it('keeps apart what is asked in another way', async () => {
    const client = clientOf({ batching: { maxChecks: 10 } });
    const relation = 'viewer';
    await Promise.all([
      client.check(about('user:anne')),
      client.check(about('user:bob')),
      client.check(about('user:anne'), { storeId: 'OTHER' }),
      client.check(about('user:bob'), { storeId: 'OTHER' }),
      client.check({ subjectToken: 'T', relation, object: 'document:1' }),
    ]);
    expect(paths().toSorted()).toEqual(['batch-check', 'batch-check', 'check']);
    expect(server.asked.find(({ body }) => body.subject_token === 'T')?.body).toEqual({
      tuple_key: { relation, object: 'document:1' },
      subject_token: 'T',
    });
  });

  it('waits for as long as it is told to', async () => {
    const client = clientOf({ batching: { windowMs: 30 } });
    const first = client.check(about('user:anne'));
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await Promise.all([first, client.check(about('user:bob'))])).toEqual([true, false]);
    expect(paths()).toEqual(['batch-check']);
    const late = client.check(about('user:anne'), { timeoutMs: 5 });
    expect((await failureOf(late)).code).toBe('timeout');
  });

  it('lets no check fail of what is wrong with another', async () => {
    const { script } = server;
    server.script = (asked, response, count) => {
      if (asked.path.endsWith('batch-check')) answer(response, 400, { code: 'relation_too_long' });
      else if (asked.text.includes('wrong')) answer(response, 400, { code: 'relation_too_long' });
      else return script(asked, response, count);
    };
    const client = clientOf({ batching: true });
    const [good, bad] = await Promise.allSettled(
      ['user:anne', 'wrong'].map((user) => client.check(about(user))),
    );
    expect(good).toMatchObject({ value: true });
    expect(bad).toMatchObject({ reason: { code: 'relation_too_long', status: 400 } });
    expect(paths()).toEqual(['batch-check', 'check', 'check']);
  });

  it('fails all where all are refused', async () => {
    server.script = (_asked, response) => {
      answer(response, 403, { code: 'forbidden', message: 'm' });
    };
    const client = clientOf({ batching: true });
    for (const call of [client.check(about('user:a')), client.check(about('user:b'))]) {
      expect((await failureOf(call)).code).toBe('forbidden');
    }
    expect(server.asked).toHaveLength(1);
  });
});

describe('a batch that a caller made', () => {
  it('is cut into those that the server takes, in order', async () => {
    release();
    const users = Array.from({ length: 230 }, (_, i) => `user:${i % 2 ? 'anne' : 'bob'}`);
    const verdicts = await clientOf().batchCheck(users.map((user) => about(user)));
    expect(verdicts).toEqual(users.map((user) => ({ allowed: user === 'user:anne' })));
    expect(server.asked.map(({ body }): unknown => body.checks.length).toSorted()).toEqual([
      30, 50, 50, 50, 50,
    ]);
    expect(await clientOf().batchCheck([])).toEqual([]);
    expect(server.asked).toHaveLength(5);
  });

  it('ends as a whole where a part of it has failed', async () => {
    let hungUp = 0;
    server.script = (_asked, response, count) => {
      response.on('close', () => hungUp++);
      if (count === 3) answer(response, 403, {});
    };
    const call = clientOf().batchCheck(
      Array.from({ length: 1000 }, () => about('user:anne')),
      { timeoutMs: 10_000 },
    );
    expect((await failureOf(call)).code).toBe('forbidden');
    while (hungUp < 4) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(server.asked).toHaveLength(4);
  });

  it('has an answer to each question, or is none', async () => {
    server.script = (_asked, response) => {
      answer(response, 200, { result: { 0: { allowed: true } } });
    };
    const call = clientOf().batchCheck([about('user:a'), about('user:b')]);
    expect((await failureOf(call)).code).toBe('invalid_response');
  });
});
