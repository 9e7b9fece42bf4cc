/** The claims mapping of a store: a part of its model's versions, kept from one to the next. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startPemba } from '../support/pemba.js';
import type { Answer, CallOptions, Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { Store, expectError, expectStatus } from './stores.js';

const MODEL = `model
  schema 1.1

type user

type role
  relations
    define assignee: [user]
`;
const OTHER_MODEL = MODEL.replace('assignee', 'bearer');
const MAPPING = {
  tuples: [
    { each: 'roles', tuple: 'role:{value}#assignee@{subject}' },
    { each: ['https://corp.example/roles'], split: ' ', tuple: 'role:{value}#assignee@{subject}' },
  ],
  context: { acr: { claim: 'acr', default: '0' } },
};
const YAML = `# What the tokens of our provider mean
tuples:
  - each: roles
    tuple: role:{value}#assignee@{subject}
  - { each: ['https://corp.example/roles'], split: ' ', tuple: 'role:{value}#assignee@{subject}' }
context:
  acr: { claim: acr, default: '0' }
`;

interface WrittenModel {
  readonly id: string;
  readonly schema_version: string;
  readonly type_definitions: unknown;
  readonly conditions: unknown;
  readonly claims_mapping?: unknown;
}

/** What an OpenFGA client knows of a model. */
const bodyOf = ({ schema_version, type_definitions, conditions }: WrittenModel): object => ({
  schema_version,
  type_definitions,
  conditions,
});

describeWithPostgres('a claims mapping', () => {
  let pemba: Pemba;
  beforeAll(async () => {
    pemba = await startPemba();
  });
  afterAll(() => pemba.stop());

  const put = (store: Store, body: unknown, options?: CallOptions): Promise<Answer> =>
    pemba.call('PUT', `${store.path}/claims-mapping`, body, options);
  const putYaml = (store: Store, raw: string, type = 'application/yaml'): Promise<Answer> =>
    put(store, undefined, { raw, headers: { 'content-type': type } });
  const writeDsl = (store: Store, raw: string): Promise<Answer> =>
    store.post('authorization-models', undefined, {
      raw,
      headers: { 'content-type': 'text/plain' },
    });
  const mappingOf = async (store: Store, modelId = ''): Promise<unknown> =>
    expectStatus(await store.get(`claims-mapping?authorization_model_id=${modelId}`), 200).json;
  const modelCount = async (store: Store): Promise<number> =>
    (await store.get('authorization-models')).json.authorization_models.length as number;
  const newest = async (store: Store): Promise<WrittenModel> => {
    const { json } = expectStatus(await store.get('authorization-models'), 200);
    return json.authorization_models[0] as WrittenModel;
  };

  const storeWithMapping = async (): Promise<Store> => {
    const store = await Store.with(pemba, MODEL);
    expectStatus(await put(store, MAPPING), 201);
    return store;
  };

  it('is written as a new version of the newest model, and read again', async () => {
    const store = await Store.with(pemba, MODEL);
    expect(await mappingOf(store)).toEqual({});
    const { json } = expectStatus(await put(store, MAPPING), 201);
    expect(json).toEqual({ authorization_model_id: expect.stringMatching(/^[0-9A-Z]{26}$/) });
    const newId = String(json.authorization_model_id);
    expect(await mappingOf(store)).toEqual(MAPPING);
    expect(await mappingOf(store, newId)).toEqual(MAPPING);
    expect(await mappingOf(store, store.modelId)).toEqual({});
    const before = await store.get(`authorization-models/${store.modelId}`);
    const after = await store.get(`authorization-models/${newId}`);
    expect(before.json.authorization_model).not.toHaveProperty('claims_mapping');
    expect(after.json.authorization_model).toEqual({
      ...before.json.authorization_model,
      metadata: after.json.authorization_model.metadata,
      id: newId,
      claims_mapping: MAPPING,
    });
  });

  it('may be YAML', async () => {
    for (const type of ['application/yaml', 'text/yaml', 'text/yaml; charset=utf-8']) {
      const store = await Store.with(pemba, MODEL);
      expectStatus(await putYaml(store, YAML, type), 201);
      expect(await mappingOf(store)).toEqual(MAPPING);
    }
  });

  it('is carried over to a model that is written without one', async () => {
    const store = await storeWithMapping();
    const changed = MODEL.replace('type role', 'type team\n\ntype role');
    const { json } = expectStatus(await writeDsl(store, changed), 201);
    expect(await newest(store)).toMatchObject({
      id: json.authorization_model_id,
      claims_mapping: MAPPING,
    });
    const asJson = bodyOf(await newest(store));
    expectStatus(await store.post('authorization-models', asJson), 201);
    expect(await mappingOf(store)).toEqual(MAPPING);
  });

  it('that does not fit a new model is named, and the model refused', async () => {
    const store = await storeWithMapping();
    const message =
      /^claims_mapping\.tuples\[0\]\.tuple: relation 'role#assignee' not found\..*send claims_mapping that fits/;
    expectError(await writeDsl(store, OTHER_MODEL), 400, 'validation_error', message);
    expect(await modelCount(store)).toBe(2);
  });

  it('comes with a model, or is taken away with one', async () => {
    const store = await storeWithMapping();
    const other = await Store.with(pemba, OTHER_MODEL);
    const body = bodyOf(await newest(other));
    const tuples = [{ each: 'roles', tuple: 'role:{value}#bearer@{subject}' }];
    const written = { ...body, claims_mapping: { tuples } };
    expectStatus(await store.post('authorization-models', written), 201);
    expect(await mappingOf(store)).toEqual({ tuples });
    for (const nothing of [null, {}]) {
      expectStatus(await put(store, { tuples }), 201);
      const without = { ...body, claims_mapping: nothing };
      expectStatus(await store.post('authorization-models', without), 201);
      expect(await mappingOf(store)).toEqual({});
      expect(await newest(store)).not.toHaveProperty('claims_mapping');
    }
  });

  it('is removed by an empty one', async () => {
    const store = await storeWithMapping();
    expectStatus(await put(store, {}), 201);
    expect(await mappingOf(store)).toEqual({});
    expectStatus(await writeDsl(store, OTHER_MODEL), 201);
  });

  it('is not lost to a model that is written at the same time', async () => {
    const store = await Store.with(pemba, MODEL);
    const writes = Array.from({ length: 6 }, (_, i) =>
      i === 2 ? put(store, MAPPING) : writeDsl(store, MODEL),
    );
    for (const answer of await Promise.all(writes)) expectStatus(answer, 201);
    expect(await mappingOf(store)).toEqual(MAPPING);
  });

  it('with a mistake is refused, naming the entry, and nothing is written', async () => {
    const store = await Store.with(pemba, MODEL);
    const [first] = MAPPING.tuples;
    const wrong = { tuples: [first, { each: 'r', tuple: 'role:{value}#asignee@{subject}' }] };
    const message = /^claims_mapping\.tuples\[1\]\.tuple: relation 'role#asignee' not found$/;
    expectError(await put(store, wrong), 400, 'validation_error', message);
    const model = { ...(await newest(store)), claims_mapping: wrong };
    expectError(await store.post('authorization-models', model), 400, 'validation_error', message);
    const twice = `${YAML}context: [acr]\n`;
    expectError(await putYaml(store, twice), 400, 'validation_error', /malformed YAML: .*unique/);
    for (const none of ['', '- a', 'text', '# nothing']) {
      expectError(await putYaml(store, none), 400, 'validation_error', /^the body must be object/);
    }
    expect(await modelCount(store)).toBe(1);
  });

  it('is YAML of a model’s size at most', async () => {
    const store = await Store.with(pemba, MODEL);
    const answer = await putYaml(store, `${YAML}${'#'.repeat(300_000)}`);
    expectError(answer, 413, 'exceeded_entity_limit');
  });

  it('is all that may be YAML', async () => {
    const store = await Store.with(pemba, MODEL);
    for (const endpoint of ['check', 'write', 'authorization-models']) {
      const options = { raw: 'a: 1', headers: { 'content-type': 'text/yaml' } };
      const answer = await store.post(endpoint, undefined, options);
      expectError(answer, 415, 'validation_error', /content-type/);
    }
  });

  it('needs a store, and a model', async () => {
    const none = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
    const path = `/stores/${none}/claims-mapping`;
    expectError(await pemba.call('PUT', path, MAPPING), 404, 'store_id_not_found');
    expectError(await pemba.call('GET', path), 404, 'store_id_not_found');
    const { json } = await pemba.call('POST', '/stores', { name: 'empty' });
    const empty = `/stores/${String(json.id)}/claims-mapping`;
    const code = 'latest_authorization_model_not_found';
    expectError(await pemba.call('PUT', empty, MAPPING), 400, code);
    expectError(await pemba.call('GET', empty), 400, code);
    const store = await Store.with(pemba, MODEL);
    const unknown = await store.get(`claims-mapping?authorization_model_id=${none}`);
    expectError(unknown, 400, 'authorization_model_not_found');
    const twice = await store.get(
      'claims-mapping?authorization_model_id=a&authorization_model_id=b',
    );
    expectError(twice, 400, 'validation_error', /authorization_model_id/);
  });
});
