/** What clients find out by themselves about whom they get tokens from. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { TestIssuer } from '../../support/issuer.js';
import { writeIssuersFile } from '../../support/issuers-file.js';
import type { IssuersFile } from '../../support/issuers-file.js';
import { startPemba } from '../../support/pemba.js';
import type { Answer, Pemba } from '../../support/pemba.js';
import { describeWithPostgres } from '../../support/postgres.js';
import { permitForm, post } from './endpoint.js';

const STORE = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const NO_STORE = '01BX5ZZKBKACTAV9WEVGEMMVRZ';
const PUBLIC = 'https://pemba.shop';
const ROOT = '/.well-known/oauth-authorization-server';

describeWithPostgres('the metadata of an issuer', () => {
  let issuer: TestIssuer;
  let file: IssuersFile;
  let pemba: Pemba;
  let plain: Pemba;

  beforeAll(async () => {
    issuer = await TestIssuer.start();
    file = writeIssuersFile(
      [issuer.settings('corp', { algorithms: ['PS256'] })],
      [
        { id: 'orders', keys: { jwks_url: issuer.jwksUrl }, algorithms: ['ES256', 'EdDSA'] },
        { id: 'web', tls: { san_dns: 'web.shop' } },
      ],
    );
    pemba = await startPemba({
      PEMBA_AUTHENTICATION: 'keys,jwt',
      PEMBA_ISSUERS_FILE: file.path,
      PEMBA_PUBLIC_URL: PUBLIC,
      PEMBA_PERMITS_STORE: STORE,
      PEMBA_TRUSTED_PROXIES: '127.0.0.1',
      PEMBA_CLIENT_CERTIFICATE_HEADER: 'Client-Cert',
    });
    plain = await startPemba();
  });
  afterAll(async () => {
    await Promise.all([pemba.stop(), plain.stop()]);
    await issuer.stop();
    file.remove();
  });

  const get = (path: string, headers: Record<string, string> = {}): Promise<Answer> =>
    pemba.call('GET', path, undefined, { headers: { authorization: '', ...headers } });

  it('says how and where, at the root for the store that is named', async () => {
    const { status, json } = await get(ROOT);
    expect([status, json]).toEqual([
      200,
      {
        issuer: PUBLIC,
        token_endpoint: `${PUBLIC}/oauth/token`,
        jwks_uri: `${PUBLIC}/.well-known/jwks.json`,
        response_types_supported: [],
        grant_types_supported: ['urn:ietf:params:oauth:grant-type:token-exchange'],
        token_endpoint_auth_methods_supported: [
          'client_secret_basic',
          'client_secret_post',
          'private_key_jwt',
          'tls_client_auth',
        ],
        token_endpoint_auth_signing_alg_values_supported: ['ES256', 'EdDSA', 'PS256'],
        authorization_details_types_supported: ['urn:pemba:permission'],
        dpop_signing_alg_values_supported: expect.arrayContaining(['ES256', 'EdDSA']),
        tls_client_certificate_bound_access_tokens: true,
        pemba_revocations_endpoint: `${PUBLIC}/revocations`,
      },
    ]);
  });

  it('is there for every store, be there one or not', async () => {
    const known = await pemba.storeWith('model\n  schema 1.1\ntype user\n');
    const documents: string[] = [];
    for (const id of [known.id, NO_STORE]) {
      const { status, json, text } = await get(`${ROOT}/stores/${id}`);
      expect([status, json.issuer, json.token_endpoint]).toEqual([
        200,
        `${PUBLIC}/stores/${id}`,
        `${PUBLIC}/stores/${id}/oauth/token`,
      ]);
      documents.push(text.replaceAll(id, 'ID'));
    }
    expect(documents[0]).toBe(documents[1]);
    expect((await get(`${ROOT}/stores/x`)).status).toBe(404);
  });

  it('may be kept, and asked for again', async () => {
    const { headers } = await get(ROOT);
    const etag = headers.get('etag') ?? '';
    expect([etag, headers.get('cache-control')]).toEqual([
      expect.stringMatching(/^"[\w-]{22}"$/),
      'public, max-age=300',
    ]);
    for (const match of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      const answer = await get(ROOT, { 'if-none-match': match });
      expect([answer.status, answer.text, answer.headers.get('etag')]).toEqual([304, '', etag]);
    }
    expect((await get(ROOT, { 'if-none-match': '"x"' })).status).toBe(200);
    expect((await get(`${ROOT}/stores/${NO_STORE}`)).headers.get('etag')).not.toBe(etag);
  });

  it('knows GET only', async () => {
    const { status, headers } = await pemba.call('POST', ROOT, {});
    expect([status, headers.get('allow')]).toEqual([405, 'GET']);
  });

  it('is not at the root where no store is named, and nor is the endpoint', async () => {
    expect((await plain.call('GET', ROOT)).status).toBe(404);
    const answer = await post(plain, '/oauth/token', permitForm());
    expect([answer.status, answer.json]).toEqual([
      404,
      { error: 'invalid_request', error_description: 'Not Found' },
    ]);
  });

  it('says where nobody is authenticated', async () => {
    const { json } = await plain.call('GET', `${ROOT}/stores/${STORE}`);
    expect(json).toMatchObject({
      token_endpoint_auth_methods_supported: ['none'],
      tls_client_certificate_bound_access_tokens: false,
    });
  });
});
