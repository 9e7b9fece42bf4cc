/** What each endpoint needs, in one place to be reviewed; and that none can be without. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fastify from 'fastify';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { installGate } from '../../src/api/gate.js';
import { Authenticator } from '../../src/identity/authenticator.js';
import { RateLimits } from '../../src/identity/rate-limits.js';
import { startPemba } from '../support/pemba.js';
import type { Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';

const EDGE_STORE = '01ARZ3NDEKTSV4RRFFQ69G5FAV';

const NEEDED = {
  public: [
    'GET /.well-known/authzen-configuration',
    'GET /.well-known/authzen-configuration/stores/:storeId',
    'GET /.well-known/jwks.json',
    'GET /.well-known/oauth-authorization-server',
    'GET /.well-known/oauth-authorization-server/stores/:storeId',
    'GET /healthz',
    'GET /livez',
    'GET /openapi.json',
    'GET /readyz',
    // These find out by themselves who asks, by more ways than the gate knows.
    'POST /oauth/token',
    'POST /stores/:storeId/oauth/token',
  ],
  // These look at what they show, or at what is granted, themselves.
  authenticated: [
    'DELETE /admin/keys/:keyId',
    'GET /admin/grants',
    'GET /admin/keys',
    'GET /admin/keys/:keyId',
    'GET /admin/me',
    'GET /revocations',
    'GET /stores',
    'GET /stores/:storeId/revocations',
    'POST /admin/grants',
    'POST /admin/keys',
  ],
  'deployment:admin': [
    'GET /admin/signing-keys',
    'POST /admin/signing-keys/:kid/drop',
    'POST /admin/signing-keys/rotate',
  ],
  'deployment:create': ['POST /restore', 'POST /stores'],
  'deployment:observe': ['GET /metrics'],
  'store:see': ['GET /stores/:storeId'],
  'store:query': [
    // Under a key of its own, since `Authorization` is a user's.
    'ANY /edge/:profile',
    'ANY /stores/:storeId/edge/:profile',
    'POST /access/v1/evaluation',
    'POST /access/v1/evaluations',
    'POST /access/v1/search/action',
    'POST /access/v1/search/resource',
    'POST /access/v1/search/subject',
    'POST /stores/:storeId/access/v1/evaluation',
    'POST /stores/:storeId/access/v1/evaluations',
    'POST /stores/:storeId/access/v1/search/action',
    'POST /stores/:storeId/access/v1/search/resource',
    'POST /stores/:storeId/access/v1/search/subject',
    'POST /stores/:storeId/batch-check',
    'POST /stores/:storeId/check',
    'POST /stores/:storeId/delegated-batch-check',
    'POST /stores/:storeId/delegated-check',
    'POST /stores/:storeId/expand',
    'POST /stores/:storeId/list-objects',
    'POST /stores/:storeId/list-users',
    'POST /stores/:storeId/streamed-list-objects',
  ],
  'store:read': [
    'GET /stores/:storeId/assertions/:modelId',
    'GET /stores/:storeId/attributes/:type/:id',
    'GET /stores/:storeId/authorization-models',
    'GET /stores/:storeId/authorization-models/:modelId',
    'GET /stores/:storeId/authzen-mapping',
    'GET /stores/:storeId/changes',
    'GET /stores/:storeId/claims-mapping',
    'GET /stores/:storeId/delegation-settings',
    'GET /stores/:storeId/delegations',
    'GET /stores/:storeId/export',
    'GET /stores/:storeId/route-table',
    'POST /stores/:storeId/explain',
    'POST /stores/:storeId/read',
  ],
  'store:write': [
    'DELETE /stores/:storeId/attributes/:type/:id',
    'POST /stores/:storeId/delete-by-filter',
    'POST /stores/:storeId/import',
    'POST /stores/:storeId/rename-tuples',
    'POST /stores/:storeId/write',
    'PUT /stores/:storeId/attributes/:type/:id',
  ],
  'store:model': [
    'POST /stores/:storeId/authorization-models',
    'POST /stores/:storeId/impact',
    'PUT /stores/:storeId/assertions/:modelId',
    'PUT /stores/:storeId/authzen-mapping',
    'PUT /stores/:storeId/claims-mapping',
    'PUT /stores/:storeId/delegation-settings',
    'PUT /stores/:storeId/route-table',
  ],
  'store:administer': [
    'GET /stores/:storeId/audit',
    'GET /stores/:storeId/audit/verification',
    'GET /stores/:storeId/backup',
    'POST /stores/:storeId/revocations',
  ],
  'store:delete': ['DELETE /stores/:storeId'],
};

describeWithPostgres('every endpoint', () => {
  let pemba: Pemba;
  const found: Record<string, string[]> = {};

  beforeAll(async () => {
    const onInstance = (message: unknown): void => {
      const { fastify: instance } = message as { readonly fastify: FastifyInstance };
      instance.addHook('onRoute', ({ method, url, config }: RouteOptions) => {
        const methods = [method].flat();
        const name = methods.length > 1 ? 'ANY' : String(method);
        (found[config?.right ?? 'nothing'] ??= []).push(`${name} ${url}`);
      });
    };
    subscribe('fastify.initialization', onInstance);
    pemba = await startPemba({
      PEMBA_AUTHENTICATION: 'keys',
      PEMBA_AUTHZEN_STORE: EDGE_STORE,
      PEMBA_EDGE_STORE: EDGE_STORE,
    });
    unsubscribe('fastify.initialization', onInstance);
  });
  afterAll(() => pemba.stop());

  it('needs the right that stands here', () => {
    for (const routes of Object.values(found)) routes.sort();
    expect(found).toEqual(NEEDED);
  });
});

describe('a route that declares no right', () => {
  it('keeps the server from starting', async () => {
    const instance = fastify();
    const none = {
      ...{ queries: undefined, writes: undefined, administration: undefined },
      ...{ exchanges: undefined, authentication: undefined },
    };
    installGate(instance, {
      authenticator: new Authenticator({ keys: undefined, tokens: undefined }),
      rights: undefined,
      limits: new RateLimits(none, { monotonic: () => 0 }),
      onLimited: () => undefined,
    });
    expect(() => instance.get('/open', () => 'x')).toThrow(
      'GET /open does not declare the right that it needs',
    );
    await instance.close();
  });
});
