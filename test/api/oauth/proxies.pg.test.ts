/** Certificates that a proxy tells of, rates of clients, and a deployment without authentication. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { ExchangeRequest } from '../../../src/delegation/exchange.js';
import { BILLING, ORDERS } from '../../identity/certificates.js';
import { issuedTo } from '../../support/exchange.js';
import { writeIssuersFile } from '../../support/issuers-file.js';
import type { IssuersFile } from '../../support/issuers-file.js';
import { startPemba } from '../../support/pemba.js';
import type { Pemba } from '../../support/pemba.js';
import { describeWithPostgres } from '../../support/postgres.js';
import { errorsOf, failure, permitForm, post } from './endpoint.js';

const STORE = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const PATH = `/stores/${STORE}/oauth/token`;

describeWithPostgres('a client behind a proxy', () => {
  let file: IssuersFile;
  let trusting: Pemba;
  let distrusting: Pemba;
  let open: Pemba;
  const asked: ExchangeRequest[] = [];
  const exchange = (one: ExchangeRequest): Promise<ReturnType<typeof issuedTo>> => {
    asked.push(one);
    return Promise.resolve(issuedTo(one));
  };

  beforeAll(async () => {
    file = writeIssuersFile([], [{ id: 'orders', tls: { san_uri: 'spiffe://shop/ns/orders' } }]);
    const settings = {
      PEMBA_AUTHENTICATION: 'keys',
      PEMBA_ISSUERS_FILE: file.path,
      PEMBA_CLIENT_CERTIFICATE_HEADER: 'X-Client-Cert',
      PEMBA_RATE_EXCHANGES: '1',
      PEMBA_RATE_BURST_SECONDS: '2',
    };
    const trusted = { ...settings, PEMBA_TRUSTED_PROXIES: '127.0.0.0/8,::1' };
    trusting = await startPemba(trusted, undefined, { exchange });
    // However slow the machine, no time passes but what is made to.
    trusting.clock.hold();
    const others = { ...settings, PEMBA_TRUSTED_PROXIES: '10.0.0.0/8' };
    distrusting = await startPemba(others, undefined, { exchange });
    open = await startPemba({}, undefined, { exchange });
  });
  afterAll(async () => {
    await Promise.all([trusting.stop(), distrusting.stop(), open.stop()]);
    file.remove();
  });

  const certificate = (der: string): Record<string, string> => ({ 'x-client-cert': `:${der}:` });

  it('is who its certificate says, and what it gets is bound to that', async () => {
    trusting.clock.pass(60_000);
    const answer = await post(trusting, PATH, permitForm(), certificate(ORDERS.der));
    expect([answer.status, answer.json.token_type]).toEqual([200, 'N_A']);
    expect(asked.at(-1)?.client).toMatchObject({
      caller: { name: 'service:clients/orders' },
      confirmation: { 'x5t#S256': expect.stringMatching(/^[\w-]{43}$/) },
    });
    const other = await post(trusting, PATH, permitForm(), certificate(BILLING.der));
    expect(errorsOf(other)).toEqual(failure(400, 'invalid_client'));
  });

  it('is nobody where the proxy is not trusted, whatever else it brings', async () => {
    const before = asked.length;
    const headers = certificate(ORDERS.der);
    const alone = await post(distrusting, PATH, permitForm(), headers);
    expect(errorsOf(alone)).toEqual(failure(400, 'invalid_client'));
    const authorization = `Bearer ${distrusting.adminKey ?? ''}`;
    const beside = await post(distrusting, PATH, permitForm(), { ...headers, authorization });
    expect(errorsOf(beside)).toEqual(failure(401, 'invalid_client'));
    expect(asked.length).toBe(before);
  });

  it('gets no more tokens than its rate, whoever else asks', async () => {
    trusting.clock.pass(60_000);
    const ask = async (): Promise<number> =>
      (await post(trusting, PATH, permitForm(), certificate(ORDERS.der))).status;
    expect([await ask(), await ask(), await ask()]).toEqual([200, 200, 429]);
    const answer = await post(trusting, PATH, permitForm(), certificate(ORDERS.der));
    expect(errorsOf(answer)).toEqual(failure(429, 'temporarily_unavailable'));
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(answer.headers.get('ratelimit-policy')).toBe('"exchanges";q=2;w=2');
    const authorization = `Bearer ${trusting.adminKey ?? ''}`;
    expect((await post(trusting, PATH, permitForm(), { authorization })).status).toBe(200);
    trusting.clock.pass(1000);
    expect([await ask(), await ask()]).toEqual([200, 429]);
  });

  it('names the service that it is, where nobody is authenticated', async () => {
    await post(open, PATH, permitForm({ client_id: 'orders' }));
    await post(open, PATH, permitForm({ client_id: 'service:orders' }));
    await post(open, PATH, permitForm());
    const [first, second, third] = asked.slice(-3).map(({ client }) => client);
    expect(first).toMatchObject({ caller: { name: 'anyone' }, actor: 'service:orders' });
    expect(second?.actor).toBe('service:orders');
    expect(third).not.toHaveProperty('actor');
    const answer = await post(open, PATH, permitForm({ client_id: 'a b' }));
    expect(errorsOf(answer)).toEqual(failure(400, 'invalid_request'));
  });
});
