/** The route table of a store, which is kept as its claims mapping is. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startPemba } from '../../support/pemba.js';
import type { Answer, CallOptions, Pemba } from '../../support/pemba.js';
import { describeWithPostgres } from '../../support/postgres.js';
import { Store, expectError, expectStatus } from '../stores.js';

const MODEL = `model
  schema 1.1
type user
type order
  relations
    define can_read: [user]
`;
const ROUTE = { path: '/orders/{id}', methods: ['GET'], require: 'order:{path.id}#can_read' };
const TABLE = { routes: [ROUTE, { path: '/', methods: ['GET'], public: true, cache: '5s' }] };

describeWithPostgres('a route table', () => {
  let pemba: Pemba;
  beforeAll(async () => {
    pemba = await startPemba();
  });
  afterAll(() => pemba.stop());

  const put = (store: Store, body: unknown, options?: CallOptions): Promise<Answer> =>
    pemba.call('PUT', `${store.path}/route-table`, body, options);
  const tableOf = async (store: Store): Promise<unknown> =>
    expectStatus(await store.get('route-table'), 200).json;
  const writeDsl = (store: Store, raw: string): Promise<Answer> =>
    store.post('authorization-models', undefined, {
      raw,
      headers: { 'content-type': 'text/plain' },
    });

  it('is written as JSON or YAML, read again, and taken away', async () => {
    const store = await Store.with(pemba, MODEL);
    expect(await tableOf(store)).toEqual({});
    expectStatus(await put(store, TABLE), 201);
    expect(await tableOf(store)).toEqual(TABLE);
    const raw = 'routes:\n  - { path: /a, methods: [GET, HEAD], public: true }\n';
    const yaml = { raw, headers: { 'content-type': 'application/yaml' } };
    expectStatus(await put(store, undefined, yaml), 201);
    expect(await tableOf(store)).toEqual({
      routes: [{ path: '/a', methods: ['GET', 'HEAD'], public: true }],
    });
    expectStatus(await put(store, {}), 201);
    expect(await tableOf(store)).toEqual({});
  });

  it('may be as long in YAML as a model may be', async () => {
    const store = await Store.with(pemba, MODEL);
    const paths = (count: number): string =>
      Array.from(
        { length: count },
        (_, i) =>
          `  /orders/{id}/p${i}:\n    get:\n      summary: ${'Reads a part of it. '.repeat(20)}\n` +
          `      x-authz: { require: '${ROUTE.require}' }\n`,
      ).join('');
    const written = (count: number): Promise<Answer> =>
      put(store, undefined, {
        raw: `openapi: 3.1.0\npaths:\n${paths(count)}`,
        headers: { 'content-type': 'application/yaml' },
      });
    expectStatus(await written(490), 201);
    const { routes } = (await tableOf(store)) as { readonly routes: readonly unknown[] };
    expect(routes).toHaveLength(490);
    expectStatus(await written(600), 413);
  });

  it('is what an OpenAPI document says of its operations', async () => {
    const store = await Store.with(pemba, MODEL);
    const { require } = ROUTE;
    const document = {
      openapi: '3.1.0',
      info: { title: 'Shop', version: '1' },
      servers: [{ url: 'https://shop.example/v1' }],
      paths: { '/orders/{id}': { get: { 'x-authz': { require }, responses: {} }, put: {} } },
    };
    expectStatus(await put(store, document), 201);
    expect(await tableOf(store)).toEqual({ routes: [{ ...ROUTE, path: '/v1/orders/{id}' }] });
    const wrong = { ...document, paths: { '/a': { get: { 'x-authz': { require: 'x' } } } } };
    expectError(
      await put(store, wrong),
      400,
      'validation_error',
      /^route_table\.routes\[0\]\.require: 'x' is not of the form/,
    );
    expect(await tableOf(store)).toEqual({ routes: [{ ...ROUTE, path: '/v1/orders/{id}' }] });
  });

  it('comes with a model, is carried over, and keeps one from being written that it does not fit', async () => {
    const store = await Store.with(pemba, MODEL);
    const [newest] = (await store.get('authorization-models')).json.authorization_models;
    const body = { ...newest, route_table: TABLE };
    expectStatus(await store.post('authorization-models', body), 201);
    expectStatus(await writeDsl(store, `${MODEL}type other\n`), 201);
    expect(await tableOf(store)).toEqual(TABLE);
    const renamed = await writeDsl(store, MODEL.replace('can_read', 'can_see'));
    const hint =
      /routes\[0\]\.require: relation 'order#can_read' not found.*without route_table keeps.*or null/s;
    expectError(renamed, 400, 'validation_error', hint);
    expectStatus(await store.post('authorization-models', { ...body, route_table: null }), 201);
    expect(await tableOf(store)).toEqual({});
  });

  it('of as many routes as there may be is written in time', async () => {
    const store = await Store.with(pemba, MODEL);
    const route = (i: number): object => ({
      path: `/{a}/{b}/r${i}/{c}/{rest*}`,
      methods: ['GET', 'PUT', 'POST', 'DELETE'],
      require: 'order:{path.rest}#can_read',
    });
    const routes = Array.from({ length: 500 }, (_, i) => route(i));
    const startedAt = performance.now();
    expectStatus(await put(store, { routes }), 201);
    expect(performance.now() - startedAt).toBeLessThan(3000);
    const more = await put(store, { routes: [...routes, route(500)] });
    expectError(more, 400, 'validation_error', /can have 500 entries at most/);
  });
});
