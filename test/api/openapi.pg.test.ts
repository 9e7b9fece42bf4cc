/** The OpenAPI document is right: about itself, about what is served, and about every answer. */
import { randomBytes } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { Judge, operationsOf, schemasOf } from '../openapi/document.js';
import type { Document, PlacedOperation, Response } from '../openapi/document.js';
import { MODEL, PERMITS_STORE, SAMPLES, TUPLES } from '../openapi/samples.js';
import type { Sample } from '../openapi/samples.js';
import { issueAnything } from '../support/exchange.js';
import { startPemba } from '../support/pemba.js';
import type { Answer, Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { Store, expectStatus } from './stores.js';

/** About the process, not the API. */
const UNDOCUMENTED = ['GET /livez', 'GET /readyz', 'GET /metrics', 'GET /openapi.json'];

/** Headers that are about the answer; the others are HTTP's. */
const OWN_HEADER = /^(pemba|openfga)-/;

const JSON_TYPE = /^application\/(.+\+)?json$/;

/** `GET /stores/{store_id}`, with parameters by place, for they have other names inside. */
const nameOf = (method: string, path: string): string =>
  `${method} ${path.replaceAll(/\{\w+\}|:\w+/g, '{}')}`;

describeWithPostgres('the OpenAPI document', () => {
  let pemba: Pemba;
  let document: Document;
  let judge: Judge;
  let store: Store;
  let keyId: string;
  const served: string[] = [];

  /** Fastify announces every instance that is made: the place to hear of its routes. */
  const onInstance = (message: unknown): void => {
    const { fastify } = message as { readonly fastify: FastifyInstance };
    fastify.addHook('onRoute', ({ method, url }: RouteOptions) => {
      // Where a gateway asks, it is by any method.
      const methods = url.includes('/edge/') ? ['GET'] : [method].flat();
      served.push(...methods.map((one) => nameOf(one, url)));
    });
  };

  beforeAll(async () => {
    subscribe('fastify.initialization', onInstance);
    const settings = {
      PEMBA_AUTHENTICATION: 'keys',
      PEMBA_PERMITS_STORE: PERMITS_STORE,
      PEMBA_EDGE_STORE: PERMITS_STORE,
      PEMBA_MASTER_KEY: randomBytes(32).toString('base64'),
    };
    pemba = await startPemba(settings, undefined, { exchange: issueAnything });
    unsubscribe('fastify.initialization', onInstance);
    document = expectStatus(await pemba.call('GET', '/openapi.json'), 200).json;
    judge = new Judge(document);
    store = await Store.with(pemba, MODEL, TUPLES);
    const key = await pemba.call('POST', '/admin/keys', { name: 'sample', roles: [] });
    keyId = String(expectStatus(key, 201).json.id);
  });
  afterAll(() => pemba.stop());

  const operationOf = (operationId: string): PlacedOperation => {
    const found = operationsOf(document).find((one) => one.operationId === operationId);
    if (found === undefined) throw new Error(`there is no operation ${operationId}`);
    return found;
  };

  describe('itself', () => {
    it('is of version 3.1, and has a title', () => {
      expect(document.openapi).toMatch(/^3\.1\.\d+$/);
      expect(document.info).toMatchObject({ title: 'Pemba', version: expect.any(String) });
    });

    it('names every operation once, and says what it does and answers', () => {
      const operations = operationsOf(document);
      const ids = operations.map(({ operationId }) => operationId);
      expect(new Set(ids).size).toBe(ids.length);
      for (const { operationId, summary, responses } of operations) {
        expect([operationId, summary, Object.keys(responses)]).toEqual([
          expect.stringMatching(/^[A-Z]\w+$/),
          expect.stringMatching(/\w/),
          expect.arrayContaining(['default', expect.stringMatching(/^20[014]$/)]),
        ]);
        for (const { description } of Object.values(responses)) expect(description).toMatch(/\w/);
      }
    });

    it('describes every parameter of a path', () => {
      for (const { operationId, path, parameters } of operationsOf(document)) {
        const inPath = parameters.filter((one) => one.in === 'path');
        expect([operationId, inPath.map(({ name }) => `{${name}}`)]).toEqual([
          operationId,
          path.match(/\{\w+\}/g) ?? [],
        ]);
        expect(inPath.every(({ required }) => required === true)).toBe(true);
      }
    });

    it('is held against answers strictly', () => {
      const { Error: schema } = document.components.schemas;
      const error = { code: 'x', message: 'y' };
      expect(judge.problems(schema!, error)).toEqual([]);
      expect(judge.problems(schema!, { ...error, more: 1 })).toHaveLength(1);
      expect(judge.problems(schema!, { code: 'x' })).toHaveLength(1);
    });

    it('has schemas that are schemas', () => {
      for (const [place, schema] of schemasOf(document)) {
        expect(() => [place, judge.compile(schema)]).not.toThrow();
      }
    });
  });

  it('has every route that is served, and no other', () => {
    const documented = operationsOf(document).map(({ method, path }) => nameOf(method, path));
    expect(served.length).toBeGreaterThan(0);
    expect([...documented, ...UNDOCUMENTED].sort()).toEqual([...new Set(served)].sort());
  });

  it('has no operation without a sample here, and no sample is of another', () => {
    const ids = operationsOf(document).map(({ operationId }) => operationId);
    expect(ids.sort()).toEqual(Object.keys(SAMPLES).sort());
  });

  const ask = (operation: PlacedOperation, sample: Sample): Promise<Answer> => {
    const inPath = {
      store_id: store.id,
      authorization_model_id: store.modelId,
      key_id: keyId,
      kid: pemba.assembly.signing.list().at(-1)?.id,
      ...sample.path,
    };
    const path = operation.path.replaceAll(/\{(\w+)\}/g, (whole, name: string) =>
      String(Reflect.get(inPath, name) ?? whole),
    );
    const query = new URLSearchParams(sample.query).toString();
    return pemba.call(operation.method, query === '' ? path : `${path}?${query}`, sample.body, {
      ...(sample.text !== undefined && { raw: sample.text }),
      headers: {
        ...(sample.text !== undefined && { 'content-type': sample.type ?? 'text/plain' }),
        ...(operation.path.includes('/edge/') && { 'pemba-key': pemba.adminKey ?? '' }),
        ...sample.headers,
      },
    });
  };

  const expectDocumentedRequest = (operation: PlacedOperation, sample: Sample): void => {
    const names = operation.parameters.filter((one) => one.in === 'query').map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(Object.keys(sample.query ?? {})));
    const content = operation.requestBody?.content ?? {};
    if (sample.text !== undefined) {
      expect(Object.keys(content)).toContain(sample.type ?? 'text/plain');
    }
    const schema = content['application/json']?.schema;
    if (sample.body === undefined || schema === undefined) return;
    expect(judge.problems(schema, sample.body)).toEqual([]);
  };

  const expectDocumentedAnswer = (response: Response, answer: Answer): void => {
    const documented = Object.keys(response.headers ?? {}).map((name) => name.toLowerCase());
    const own = [...answer.headers.keys()].filter((name) => OWN_HEADER.test(name));
    expect(documented).toEqual(expect.arrayContaining(own));
    const [type = ''] = (answer.headers.get('content-type') ?? '').split(';');
    if (response.content === undefined) {
      expect([type, answer.text]).toEqual(['', '']);
      return;
    }
    expect(Object.keys(response.content)).toContain(type);
    const schema = response.content[type]?.schema ?? {};
    const body: unknown = JSON_TYPE.test(type) ? answer.json : answer.text;
    expect(judge.problems(schema, body)).toEqual([]);
  };

  describe.each(Object.entries(SAMPLES))('of %s', (operationId, { success, errors }) => {
    for (const sample of success) {
      it(`tells the answer to ${JSON.stringify(sample)}`, async () => {
        const operation = operationOf(operationId);
        expectDocumentedRequest(operation, sample);
        const answer = await ask(operation, sample);
        const response = operation.responses[answer.status];
        if (response === undefined)
          throw new Error(`undocumented: ${answer.status} ${answer.text}`);
        expectDocumentedAnswer(response, answer);
      });
    }

    for (const sample of errors) {
      it(`tells the error to ${JSON.stringify(sample)}`, async () => {
        const operation = operationOf(operationId);
        const answer = await ask(operation, sample);
        expect(answer.status).toBeGreaterThanOrEqual(400);
        expect(answer.status).toBeLessThan(500);
        expectDocumentedAnswer(operation.responses['default']!, answer);
      });
    }
  });

  it('tells the error of a server that stops', async () => {
    pemba.assembly.readiness.drain();
    const operation = operationOf('Healthz');
    const answer = expectStatus(await ask(operation, {}), 503);
    expectDocumentedAnswer(operation.responses['default']!, answer);
  });
});
