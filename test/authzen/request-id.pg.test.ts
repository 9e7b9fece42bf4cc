/** `X-Request-ID` comes back to the letter, whatever the answer is. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startPemba } from '../support/pemba.js';
import type { Answer, CallOptions, Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { AccessStore, evaluation } from './worlds.js';

const MODEL = `model
  schema 1.1
type user
type document
  relations
    define viewer: [user]
`;

/** One that a log may have, and one that none should. */
const IDS = ['bfe9eb29-ab87-4ca3-be83-a1d5d8305716', '"><script> {}'];
const MAX_STALENESS_MS = 60_000;

describeWithPostgres('the id of a request', () => {
  let pemba: Pemba;
  let store: AccessStore;
  beforeAll(async () => {
    pemba = await startPemba({
      PEMBA_AUTHENTICATION: 'keys',
      PEMBA_RATE_QUERIES: '10',
      PEMBA_RATE_BURST_SECONDS: '5',
      PEMBA_MAX_STALENESS: `${MAX_STALENESS_MS / 1000}s`,
    });
    store = await AccessStore.with(pemba, MODEL, ['document:1#viewer@user:anne']);
  });
  afterAll(() => pemba.stop());

  const question = evaluation('user:anne', 'viewer', 'document:1');
  const ask = (options: CallOptions = {}, path = store.store.path): Promise<Answer> =>
    pemba.call('POST', `${path}/access/v1/evaluation`, question, options);
  const raw = (text: string): CallOptions => ({ raw: text });
  const hidden = '/stores/01ARZ3NDEKTSV4RRFFQ69G5FAV';

  const answers: readonly (readonly [number, (headers: object) => Promise<Answer>])[] = [
    [200, (headers) => ask({ headers: { ...headers } })],
    [400, (headers) => ask({ ...raw('{'), headers: { ...headers } })],
    [400, (headers) => ask({ headers: { ...headers, 'content-type': 'text/plain' } })],
    [401, (headers) => ask({ headers: { ...headers, authorization: 'Bearer none' } })],
    [404, (headers) => ask({ headers: { ...headers } }, hidden)],
    [413, (headers) => ask({ ...raw(`"${'x'.repeat(1_100_000)}"`), headers: { ...headers } })],
  ];

  it.each(answers)('is in an answer of %d', async (status, send) => {
    for (const id of IDS) {
      const answer = await send({ 'x-request-id': id });
      expect([answer.status, answer.headers.get('x-request-id')]).toEqual([status, id]);
    }
  });

  it('is in a refusal of who asks too much', async () => {
    pemba.clock.hold();
    const search = { ...question, subject: { type: 'user' } };
    const statuses = new Set<number>();
    for (let i = 0; i < 20; i++) {
      for (const id of IDS) {
        const headers = { 'x-request-id': id };
        const answer = await store.ask('search/subject', search, { headers });
        expect(answer.headers.get('x-request-id')).toBe(id);
        statuses.add(answer.status);
      }
    }
    expect(statuses).toContain(429);
    pemba.clock.pass(10_000);
  });

  it('is in an answer where there is none to give', async () => {
    await pemba.assembly.replicas.stop();
    pemba.clock.pass(2 * MAX_STALENESS_MS);
    for (const id of IDS) {
      const answer = await ask({ headers: { 'x-request-id': id } });
      expect([answer.status, answer.headers.get('x-request-id')]).toEqual([503, id]);
    }
  });

  it('is made up where there is none', async () => {
    expect((await ask()).headers.get('x-request-id')).toMatch(/^\S+$/);
  });
});
