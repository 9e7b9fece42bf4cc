/** `@RequirePermit` in an application of Nest's, on both platforms. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { HttpRequest, PembaModuleOptions } from '../../../src/client/nest.js';
import {
  CERTIFICATE,
  NOW,
  boundTo,
  dpopEd,
  permission,
  permit,
  proofFor,
  stranger,
} from '../../vectors/permit-vector.js';
import type { Changes } from '../../vectors/permit-vector.js';
import { send } from './send.js';
import type { Received, Sent } from './send.js';
import { ONLINE_VERIFIER, PLATFORMS, VERIFIER, startShop } from './shop.js';
import type { Platform, Shop } from './shop.js';

const URL_OF_SERVICE = 'https://inventory.example';

let usedIds = 0;
/** With an id of its own. */
const permitWith = (changes: Changes = {}, key?: typeof stranger): string =>
  permit({ jti: `nest-${(usedIds += 1)}`, ...changes }, key);

const forItems = (...ids: readonly string[]): Changes => ({
  authorization_details: ids.map((id) => permission({ resource: { type: 'item', id } })),
});

/** Stands for a mesh that says who is at the other end. */
function peerOf({ headers, ...request }: HttpRequest) {
  const { 'x-peer': service, dpop } = headers;
  return {
    ...(typeof service === 'string' ? { service } : { unauthenticated: true as const }),
    ...(typeof dpop === 'string' && {
      dpop: { proof: dpop, method: 'POST', url: `${URL_OF_SERVICE}${urlOf(request)}` },
    }),
  };
}

const urlOf = (request: object): string => String(Reflect.get(request, 'url'));

function optionsOf(more: Partial<PembaModuleOptions> = {}): PembaModuleOptions {
  return {
    client: { urls: ['http://127.0.0.1:1'], storeId: 'store', retries: { max: 0 } },
    verifier: VERIFIER,
    subject: () => undefined,
    peer: (request) => peerOf(requestParts(request)),
    ...more,
  };
}

/** `url` is the prototype's on one of the platforms. */
const requestParts = (request: HttpRequest): HttpRequest =>
  ({ headers: request.headers, url: urlOf(request) }) as HttpRequest;

describe.each(Object.keys(PLATFORMS) as Platform[])(
  'the permits of an application on %s',
  (platform) => {
    let shop: Shop;
    beforeAll(async () => {
      shop = await startShop(platform, optionsOf());
    });
    afterAll(() => shop.stop());

    const ORDERS = { 'x-peer': 'service:orders' };
    const call = (path: string, headers: NonNullable<Sent['headers']>, body?: unknown) =>
      send(shop.url, path, { method: 'POST', headers, body });
    const reserve = (token: string | readonly string[], more: object = ORDERS): Promise<Received> =>
      call('/items/9/reservations', { 'pemba-permit': token, ...more });
    const expectRefused = async (status: number, answer: Promise<Received>): Promise<Received> => {
      const received = await answer;
      expect([received.status, shop.ran()]).toEqual([status, []]);
      return received;
    };
    const expectRun = async (name: string, answer: Promise<Received>): Promise<Received> => {
      const received = await answer;
      expect([received.status, shop.ran()]).toEqual([200, [name]]);
      return received;
    };

    it('let those through who bring a good one', async () => {
      const { json } = await expectRun('reserve', reserve(permitWith()));
      expect(json).toEqual({ ran: 'reserve', actor: 'service:orders', subject: 'user:anne' });
    });

    it('are missed, with no more than that', async () => {
      const { json } = await expectRefused(401, call('/items/9/reservations', ORDERS));
      expect(json).toEqual({ statusCode: 401, message: 'Unauthorized' });
      await expectRefused(401, call('/items/%23/reservations', ORDERS));
    });

    it('come alone', async () => {
      const token = permitWith();
      await expectRefused(401, reserve([token, token]));
      await expectRefused(401, reserve([token, '']));
      await expectRefused(401, reserve(['', token]));
      await expectRefused(401, reserve(''));
    });

    it('are for the item of the path', async () => {
      const headers = { 'pemba-permit': permitWith(), ...ORDERS };
      const { json } = await expectRefused(403, call('/items/8/reservations', headers));
      expect(json).toEqual({ statusCode: 403, message: 'Forbidden' });
      await expectRun('reserve', call('/items/%39/reservations', headers));
      for (const id of ['9%23', '*', '9%20', 'item%3A9', '9%00']) {
        await expectRefused(400, call(`/items/${id}/reservations`, headers));
      }
      await expectRefused(403, call('/items/9%2F/reservations', headers));
      await expectRefused(403, call('/items/..%2F9/reservations', headers));
    });

    it.each<[string, Changes]>([
      ['an expired one', { iat: NOW - 100, nbf: NOW - 100, exp: NOW - 40 }],
      ['one of tomorrow', { iat: NOW + 60, nbf: NOW + 60, exp: NOW + 90 }],
      ['one for another service', { aud: 'service:billing' }],
      ['one of another issuer', { iss: 'https://pemba.example/stores/other' }],
    ])('are refused: %s', async (_name, changes) => {
      await expectRefused(401, reserve(permitWith(changes)));
    });

    it('are refused for their signature and for their action', async () => {
      await expectRefused(401, reserve(permitWith({}, { ...stranger, kid: 'ed-1' })));
      const looking = { authorization_details: [permission({ actions: ['can_view'] })] };
      await expectRefused(403, reserve(permitWith(looking)));
    });

    it('are no good to anybody but their actor', async () => {
      const token = permitWith();
      await expectRefused(401, reserve(token, { 'x-peer': 'service:web' }));
      await expectRefused(401, reserve(token, {}));
    });

    it('count by their key where the peer is not known', async () => {
      const token = permitWith(boundTo(dpopEd));
      const htu = `${URL_OF_SERVICE}/items/9/reservations`;
      const { proof } = proofFor(token, { claims: { htu, jti: `proof-${platform}` } });
      await expectRefused(401, reserve(token, {}));
      await expectRun('reserve', reserve(token, { dpop: proof }));
      await expectRefused(401, reserve(token, { dpop: proof }));
      await expectRefused(401, reserve(permitWith({ cnf: { 'x5t#S256': CERTIFICATE } })));
    });

    it('may be used again, unless the handler takes them once', async () => {
      const token = permitWith();
      await expectRun('reserve', reserve(token));
      await expectRun('reserve', reserve(token));
      const headers = { 'pemba-permit': token, ...ORDERS };
      await expectRun('sell', call('/items/9/sales', headers));
      await expectRefused(401, call('/items/9/sales', headers));
    });

    it('are used once by one request, however many guards it meets', async () => {
      const headers = { 'pemba-permit': permitWith(), ...ORDERS };
      await expectRun('stock', call('/stock/9/sales', headers));
      await expectRefused(401, call('/stock/9/sales', headers));
    });

    it('are used once by requests at the same time', async () => {
      const headers = { 'pemba-permit': permitWith(), ...ORDERS };
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => call('/items/9/sales', headers)),
      );
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(shop.ran()).toEqual(['sell']);
    });

    it('must permit all that the handler does', async () => {
      const headersWith = (changes: Changes) => ({
        'pemba-permit': permitWith(changes),
        ...ORDERS,
      });
      await expectRun('move', call('/items/9/moves/10', headersWith(forItems('9', '10'))));
      await expectRefused(403, call('/items/9/moves/10', headersWith(forItems('9'))));
      await expectRefused(403, call('/items/9/moves/10', headersWith(forItems('10'))));
    });

    it('are decided for what the request really holds', async () => {
      const context = { quantity: 2 };
      const changes = { authorization_details: [permission({ context })] };
      const headers = { 'pemba-permit': permitWith(changes), ...ORDERS };
      await expectRun('counted', call('/items/9/counted', headers, { quantity: 2 }));
      await expectRefused(403, call('/items/9/counted', headers, { quantity: 3 }));
      await expectRefused(403, call('/items/9/counted', headers, { quantity: '2' }));
      await expectRefused(403, call('/items/9/counted', headers, {}));
    });

    it('do not stand in for a check', async () => {
      const headers = { 'pemba-permit': permitWith(), ...ORDERS };
      const { headers: answered } = await expectRefused(503, call('/items/9/looks', headers));
      expect(answered['retry-after']).toBe('1');
    });

    it('are not to be had from elsewhere, unless told so', async () => {
      const token = permitWith();
      await expectRefused(401, call(`/items/9/reservations?pemba-permit=${token}`, ORDERS));
      const permitOf = ({ headers }: HttpRequest): string | undefined =>
        typeof headers['x-permit'] === 'string' ? headers['x-permit'] : undefined;
      const other = await startShop(platform, optionsOf({ permit: permitOf }));
      const path = '/items/9/reservations';
      const headers = { ...ORDERS, 'x-permit': token };
      expect((await send(other.url, path, { method: 'POST', headers })).status).toBe(200);
      await other.stop();
    });

    it('wait for keys that cannot be had', async () => {
      const issuer = 'http://127.0.0.1:1/stores/01KVECTORS0000000000000000';
      const other = await startShop(
        platform,
        optionsOf({ verifier: { ...ONLINE_VERIFIER, issuer } }),
      );
      const headers = { ...ORDERS, 'pemba-permit': permitWith({ iss: issuer }) };
      const answer = await send(other.url, '/items/9/reservations', { method: 'POST', headers });
      expect([answer.status, answer.headers['retry-after'], other.ran()]).toEqual([503, '1', []]);
      await other.stop();
    });
  },
);
