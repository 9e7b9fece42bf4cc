/** OpenFGA's own client, unchanged, with both kinds of credentials that it knows. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  CredentialsMethod,
  FgaApiAuthenticationError,
  FgaApiError,
  OpenFgaClient,
} from '@openfga/sdk';
import { TOKEN_PATH, TestIssuer } from '../support/issuer.js';
import { writeIssuersFile } from '../support/issuers-file.js';
import type { IssuersFile } from '../support/issuers-file.js';
import { startPemba } from '../support/pemba.js';
import type { Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { failureOf, keyOf } from './sdk/fga.js';

type Credentials = NonNullable<ConstructorParameters<typeof OpenFgaClient>[0]['credentials']>;

const SECRET = 'the secret of orders';
const MODEL: Parameters<OpenFgaClient['writeAuthorizationModel']>[0] = {
  schema_version: '1.1',
  type_definitions: [
    { type: 'user' },
    {
      type: 'document',
      relations: { viewer: { this: {} } },
      metadata: { relations: { viewer: { directly_related_user_types: [{ type: 'user' }] } } },
    },
  ],
};
const ANNE = keyOf('user:anne', 'viewer', 'document:1');
const BEN = keyOf('user:ben', 'viewer', 'document:1');

describeWithPostgres("OpenFGA's client", () => {
  let issuer: TestIssuer;
  let file: IssuersFile;
  let pemba: Pemba;

  beforeAll(async () => {
    issuer = await TestIssuer.start();
    issuer.admitClient('orders', SECRET);
    issuer.admitClient('nobody', SECRET);
    file = writeIssuersFile([issuer.settings('corp')]);
    pemba = await startPemba({ PEMBA_AUTHENTICATION: 'keys,jwt', PEMBA_ISSUERS_FILE: file.path });
    const add = [{ role: 'creator', subject: 'service:corp/orders' }];
    expect((await pemba.call('POST', '/admin/grants', { add })).status).toBe(200);
  });
  afterAll(async () => {
    await pemba.stop();
    await issuer.stop();
    file.remove();
  });

  async function keyWith(roles: readonly object[]): Promise<string> {
    const { json } = await pemba.call('POST', '/admin/keys', { name: 'sdk', roles });
    return String(json.key);
  }

  const apiToken = (token: string): Credentials => ({
    method: CredentialsMethod.ApiToken,
    config: { token },
  });

  /** The issuer is given with its scheme, without which the client would take https. */
  const clientCredentials = (clientId: string, more: object = {}): Credentials => ({
    method: CredentialsMethod.ClientCredentials,
    config: {
      clientId,
      clientSecret: SECRET,
      apiTokenIssuer: issuer.url,
      apiAudience: 'pemba',
      ...more,
    },
  });

  const clientWith = (credentials: Credentials): OpenFgaClient =>
    new OpenFgaClient({ apiUrl: pemba.url, retryParams: { maxRetry: 0 }, credentials });

  async function roundTrip(client: OpenFgaClient): Promise<void> {
    const { id } = await client.createStore({ name: 'of the client' });
    client.storeId = id;
    const { authorization_model_id } = await client.writeAuthorizationModel(MODEL);
    client.authorizationModelId = authorization_model_id;
    await client.write({ writes: [ANNE] });
    expect((await client.check(ANNE)).allowed).toBe(true);
    expect((await client.check(BEN)).allowed).toBe(false);
    const { result } = await client.batchCheck({ checks: [ANNE, BEN] });
    expect(result.map(({ allowed }) => allowed).sort()).toEqual([false, true]);
    const asked = { user: 'user:anne', relation: 'viewer', type: 'document' };
    expect((await client.listObjects(asked)).objects).toEqual(['document:1']);
    await client.deleteTuples([ANNE]);
    expect((await client.check(ANNE)).allowed).toBe(false);
    expect((await client.listStores()).stores.map((store) => store.id)).toEqual([id]);
    await client.deleteStore();
  }

  it('goes all the way with a key', async () => {
    await roundTrip(clientWith(apiToken(await keyWith([{ role: 'creator' }]))));
  });

  it('goes all the way with a token that it gets for its secret, once', async () => {
    const before = issuer.requests.filter((path) => path === TOKEN_PATH).length;
    await roundTrip(clientWith(clientCredentials('orders')));
    expect(issuer.requests.filter((path) => path === TOKEN_PATH)).toHaveLength(before + 1);
  });

  describe('is refused', () => {
    it('with a key that is wrong, as not authenticated', async () => {
      const key = await keyWith([{ role: 'creator' }]);
      const error = await failureOf(clientWith(apiToken(key.slice(0, -1))).listStores());
      expect(error).toBeInstanceOf(FgaApiAuthenticationError);
      expect(error).toMatchObject({ statusCode: 401, apiErrorCode: 'unauthenticated' });
    });

    it('without credentials, as not authenticated', async () => {
      const client = clientWith({ method: CredentialsMethod.None });
      expect(await failureOf(client.listStores())).toBeInstanceOf(FgaApiAuthenticationError);
    });

    it('with the wrong secret, by the issuer', async () => {
      const client = clientWith(clientCredentials('orders', { clientSecret: 'another' }));
      expect(await failureOf(client.listStores())).toBeInstanceOf(FgaApiAuthenticationError);
    });

    it('with a token for another audience', async () => {
      const client = clientWith(clientCredentials('orders', { apiAudience: 'shop-api' }));
      expect(await failureOf(client.listStores())).toMatchObject({ statusCode: 401 });
    });

    it('without the right, as forbidden', async () => {
      for (const credentials of [apiToken(await keyWith([])), clientCredentials('nobody')]) {
        const error = await failureOf(clientWith(credentials).createStore({ name: 'mine' }));
        expect(error).toBeInstanceOf(FgaApiError);
        expect(error).toMatchObject({ statusCode: 403 });
      }
    });
  });
});
