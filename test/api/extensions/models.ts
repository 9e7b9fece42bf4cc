import { describe, expect, it } from '@jest/globals';
import type { Answer, Pemba } from '../../support/pemba.js';
import { Store, expectError, expectStatus } from '../stores.js';

const MODEL = `model
  schema 1.1

type user

type document
  relations
    define owner: [user]
    define viewer: [user with in_time, user:*] or owner

condition in_time(now: timestamp, until: timestamp) {
  now < until
}
`;

export function describeDsl(pemba: () => Pemba): void {
  describe('the DSL', () => {
    const writeDsl = (store: Store, dsl: string): Promise<Answer> =>
      store.post('authorization-models', undefined, {
        raw: dsl,
        headers: { 'content-type': 'text/plain; charset=utf-8' },
      });

    it('comes back as it went in', async () => {
      const store = await Store.with(pemba(), MODEL);
      const answer = await store.get(`authorization-models/${store.modelId}?format=dsl`);
      expectStatus(answer, 200);
      expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
      expect(answer.text.trim()).toBe(MODEL.trim());
    });

    it('and JSON are the same model', async () => {
      const store = await Store.with(pemba(), MODEL);
      const asJson = await store.get(`authorization-models/${store.modelId}?format=json`);
      const { id, ...body } = asJson.json.authorization_model as { readonly id: string };
      expect(id).toBe(store.modelId);
      const written = expectStatus(await store.post('authorization-models', body), 201);
      const copyId: string = written.json.authorization_model_id;
      const copy = await store.get(`authorization-models/${copyId}`);
      expect(copy.json.authorization_model).toEqual({
        ...body,
        id: copyId,
        metadata: { created_at: expect.any(String) },
      });
      const dsl = await store.get(`authorization-models/${copyId}?format=dsl`);
      expect(dsl.text.trim()).toBe(MODEL.trim());
    });

    it.each([
      [
        'a wrong word',
        MODEL.replace('or owner', 'or or owner'),
        /^line 9, column 51: unexpected 'or'/,
      ],
      [
        'an unknown relation',
        MODEL.replace('or owner', 'or none'),
        /\(line 9, column 51\): .*'none'/,
      ],
      ['an unknown type', MODEL.replace('[user]', '[person]'), /\(line 8, column 20\): .*'person'/],
      ['a broken condition', MODEL.replace('now < until', 'now <'), /in_time/],
      ['no text', '', /./],
      ['a module', 'module shop\ntype user\n', /line 1.*module/],
      ['another schema version', MODEL.replace('1.1', '9.9'), /9\.9/],
    ])('with %s is refused, and says where', async (_what, dsl, message) => {
      const store = await Store.with(pemba(), MODEL);
      const answer = await writeDsl(store, dsl);
      expectError(answer, 400, 'invalid_authorization_model', message);
      const { json } = await store.get('authorization-models');
      expect(json.authorization_models).toHaveLength(1);
    });

    it('is not answered in another format', async () => {
      const store = await Store.with(pemba(), MODEL);
      const answer = await store.get(`authorization-models/${store.modelId}?format=yaml`);
      expectError(answer, 400, 'validation_error', /format/);
    });

    it('is no body for anything but a model', async () => {
      const store = await Store.with(pemba(), MODEL);
      const options = { raw: '{}', headers: { 'content-type': 'text/plain' } };
      for (const endpoint of ['write', 'check', 'delete-by-filter']) {
        const answer = await store.post(endpoint, undefined, options);
        expectError(answer, 415, 'validation_error', /content-type/);
      }
    });
  });
}
