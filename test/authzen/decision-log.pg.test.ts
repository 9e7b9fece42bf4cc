/** Decisions on AuthZEN's questions are logged and counted as all are, in the words that asked. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startPemba } from '../support/pemba.js';
import type { Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { AccessStore, entity, evaluation } from './worlds.js';

const MODEL = `model
  schema 1.1
type user
type endpoint
  relations
    define can_get: [user]
`;

describeWithPostgres("the decision log of AuthZEN's questions", () => {
  const directory = mkdtempSync(join(tmpdir(), 'pemba-authzen-'));
  const path = join(directory, 'decisions');
  let pemba: Pemba;
  beforeAll(async () => {
    pemba = await startPemba({ PEMBA_DECISION_LOG: `file:${path}` });
  });
  afterAll(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  it('has every one, and the metrics count them', async () => {
    const mapping = {
      subjects: { identity: 'user' },
      resources: { route: 'endpoint' },
      types: { endpoint: { actions: { GET: 'can_get' } } },
    };
    const store = await AccessStore.with(pemba, MODEL, ['endpoint:/a#can_get@user:anne'], mapping);
    const question = evaluation('identity:anne', 'GET', 'route:/a');
    await store.told('evaluation', question);
    await store.told('evaluation', evaluation('identity:anne', 'PUT', 'route:/a'));
    await store.told('evaluations', { ...question, evaluations: [{}, { subject: 1 }] });
    await store.told('search/subject', { ...question, subject: { type: 'identity' } });
    await store.told('search/resource', { ...question, resource: { type: 'route' } });
    const [subject, resource] = [entity('identity:anne'), entity('route:/a')];
    await store.told('search/action', { subject, resource });
    const { text: metrics } = await pemba.call('GET', '/metrics');
    await pemba.stop();
    const lines = readFileSync(path, 'utf8').trim().split('\n');
    const logged = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const of = (api: string): unknown => `stores/${store.store.id}/${api}`;
    const action = { name: 'GET' };
    const one = { subject, action, resource };
    expect(
      logged.map(({ path: at, input, result, error }) => ({ at, input, result, error })),
    ).toEqual([
      { at: of('evaluation'), input: one, result: { allowed: true } },
      {
        at: of('evaluation'),
        input: { ...one, action: { name: 'PUT' } },
        error: { code: 'relation_not_found' },
      },
      { at: of('evaluations'), input: { ...one, correlation_id: '0' }, result: { allowed: true } },
      { at: of('evaluations'), input: { correlation_id: '1' }, error: { code: 'invalid_request' } },
      {
        at: of('search-subject'),
        input: { subject: { type: 'identity' }, action, resource },
        result: { count: 1, complete: true },
      },
      {
        at: of('search-resource'),
        input: { subject, action, resource: { type: 'route' } },
        result: { count: 1, complete: true },
      },
      {
        at: of('search-action'),
        input: { subject, resource },
        result: { count: 1, complete: true },
      },
    ]);
    expect(metrics).toMatch(/api="evaluation",decision="allowed"\} 1/);
    expect(metrics).toMatch(/api="evaluations",decision="error"\} 1/);
  });
});
