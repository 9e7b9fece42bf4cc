/** `@Check` in an application of Nest's, on both platforms, with the real Pemba behind it. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PembaClient } from '../../../src/client/nest.js';
import type { HttpRequest, PembaModuleOptions, RequestSubject } from '../../../src/client/nest.js';
import { createIssuer } from '../../api/subject-token/issuer.js';
import type { Issuer } from '../../api/subject-token/issuer.js';
import { Store } from '../../api/stores.js';
import { startPemba } from '../../support/pemba.js';
import type { Pemba } from '../../support/pemba.js';
import { describeWithPostgres } from '../../support/postgres.js';
import { permit } from '../../vectors/permit-vector.js';
import type { Changes } from '../../vectors/permit-vector.js';
import { send } from './send.js';
import type { Received, Sent } from './send.js';
import { MODEL, PLATFORMS, VERIFIER, startShop } from './shop.js';
import type { Platform, Shop } from './shop.js';

const seed = Number(process.env['PEMBA_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

const TUPLES = [
  'order:1#customer@user:anne',
  'order:é#customer@user:anne',
  'order:acme/7#customer@user:anne',
  'order:1#shop@shop:main',
  'order:2#shop@shop:main',
  'shop:main#manager@user:bob',
  'shop:other#manager@user:anne',
  'user:anne#friend@user:anne',
  'inbox:anne#reader@user:anne',
  'item:9#viewer@user:anne',
  {
    user: 'user:anne',
    relation: 'can_refund',
    object: 'order:1',
    condition: { name: 'within', context: { limit: 100 } },
  },
];

/** Stands for what authenticates users; in earnest a header that anybody can send is no proof. */
function subjectOf({ headers }: HttpRequest): RequestSubject | undefined {
  const { 'x-user': user, 'x-token': subjectToken } = headers;
  if (typeof subjectToken === 'string') return { subjectToken };
  return typeof user === 'string' ? user : undefined;
}

const as = (user: string, sent: Sent = {}): Sent => ({
  ...sent,
  headers: { ...sent.headers, 'x-user': user },
});
const ANNE = as('user:anne');
const BOB = as('user:bob');

let pemba: Pemba;
let store: Store;
let issuer: Issuer;
let asked: string[] = [];

const optionsOf = (more: Partial<PembaModuleOptions> = {}): PembaModuleOptions => ({
  client: {
    urls: [pemba.url],
    storeId: store.id,
    fetch: (input, init) => {
      asked.push(new URL(new Request(input).url).pathname.split('/').at(-1) ?? '');
      return fetch(input, init);
    },
  },
  verifier: VERIFIER,
  subject: subjectOf,
  peer: () => ({ service: 'service:orders' }),
  ...more,
});

describeWithPostgres('the checks of a Nest application', () => {
  beforeAll(async () => {
    issuer = await createIssuer();
    pemba = await startPemba({}, undefined, { subjectTokens: issuer.tokens });
    store = await Store.with(pemba, MODEL, TUPLES);
  });
  afterAll(() => pemba.stop());

  describe.each(Object.keys(PLATFORMS) as Platform[])('on %s', (platform) => {
    let shop: Shop;
    beforeAll(async () => {
      shop = await startShop(platform, optionsOf());
    });
    afterAll(() => shop.stop());

    const get = (path: string, sent?: Sent): Promise<Received> => send(shop.url, path, sent);
    const post = (path: string, body: unknown, sent: Sent): Promise<Received> =>
      send(shop.url, path, { ...sent, method: 'POST', body });

    async function expectRun(name: string, answer: Promise<Received>): Promise<Received> {
      const received = await answer;
      expect([received.status, shop.ran()]).toEqual([expect.any(Number), [name]]);
      expect(received.status).toBeLessThan(300);
      return received;
    }
    async function expectRefused(status: number, answer: Promise<Received>): Promise<Received> {
      const received = await answer;
      expect([received.status, shop.ran()]).toEqual([status, []]);
      return received;
    }

    it('let those through who may', async () => {
      const { json } = await expectRun('view', get('/orders/1', ANNE));
      expect(json).toEqual({ ran: 'view', id: '1', subject: 'user:anne' });
      await expectRun('view', get('/orders/2', BOB));
    });

    it('refuse who may not, and say no more', async () => {
      const { json } = await expectRefused(403, get('/orders/2', ANNE));
      expect(json).toEqual({ statusCode: 403, message: 'Forbidden' });
      await expectRefused(403, get('/orders/there-is-none', ANNE));
    });

    it('refuse who is nobody known, before anything else', async () => {
      const { json } = await expectRefused(401, get('/orders/1'));
      expect(json).toEqual({ statusCode: 401, message: 'Unauthorized' });
      await expectRefused(401, get('/orders/%23'));
    });

    it.each(['anne', 'user:*', 'user:', 'shop:main#manager', ''])(
      'take %j for nobody',
      async (subject) => {
        await expectRefused(401, get('/orders/1', as(subject)));
      },
    );

    it('ask about the bearer of a token', async () => {
      const token = await issuer.sign({});
      const { json } = await expectRun('view', get('/orders/1', { headers: { 'x-token': token } }));
      expect(json.subject).toEqual({ subjectToken: token });
      await expectRefused(403, get('/orders/2', { headers: { 'x-token': token } }));
      await expectRefused(401, get('/orders/1', { headers: { 'x-token': `${token}x` } }));
      await expectRefused(403, get('/me/inbox', { headers: { 'x-token': token } }));
    });

    it('know the subject as an object', async () => {
      await expectRun('befriended', get('/me/befriended', ANNE));
      await expectRun('inbox', get('/me/inbox', ANNE));
      await expectRefused(403, get('/me/befriended', BOB));
      await expectRefused(403, get('/me/inbox', BOB));
    });

    it('take the id from the query, a header or the body', async () => {
      await expectRun('byQuery', get('/orders?id=1', ANNE));
      await expectRun(
        'byHeader',
        get('/orders/by-header', as('user:anne', { headers: { 'x-order': '1' } })),
      );
      await expectRun('byBody', post('/orders', { order: { id: '1' } }, ANNE));
      await expectRun('byBody', post('/orders', { order: { id: 1 } }, ANNE));
    });

    it.each([
      '/orders',
      '/orders?id=',
      '/orders?id=1&id=2',
      '/orders?id=1&id=1',
      '/orders?id[]=1',
      '/orders?id[0]=1',
      '/orders?id=1%23can_view',
      '/orders?id=order:1',
      '/orders?id=*',
      '/orders?id=%201',
      '/orders?id=1%00',
      `/orders?id=${'1'.repeat(251)}`,
    ])('refuse %s', async (path) => {
      await expectRefused(400, get(path, ANNE));
    });

    it.each([
      undefined,
      [],
      'order',
      {},
      { order: null },
      { order: '1' },
      { order: ['1'] },
      { order: [{ id: '1' }] },
      { order: { id: ['1'] } },
      { order: { id: { id: '1' } } },
      { order: { id: true } },
      { order: { id: 1.5 } },
      { order: { id: 1e21 } },
      { order: { id: '' } },
      { order: { id: '1\n' } },
    ])('refuse the body %j', async (body) => {
      await expectRefused(400, post('/orders', body, ANNE));
    });

    it('refuse a header that comes twice', async () => {
      const headers = { 'x-order': ['1', '1'] };
      await expectRefused(400, get('/orders/by-header', as('user:anne', { headers })));
    });

    it.each([
      ['%31', 200],
      ['%C3%A9', 200],
      ['e%CC%81', 403],
      ['1%E2%80%8B', 403],
      ['01', 403],
      ['1;2', 403],
      ['1%2F', 403],
      ['..%2F1', 403],
      ['2%2F..%2F1', 403],
      ['%2e%2e%2f1', 403],
      ['1%23', 400],
      ['1%23customer', 400],
      ['order%3A1', 400],
      ['%2A', 400],
      ['1%2A', 400],
      ['1%20', 400],
      ['1%0A', 400],
      ['1%C2%A0', 400],
      ['1%00', 400],
      ['%', 400],
      ['%ED%A0%80', 400],
      ['1%252F', 403],
      ['{params.id}', 403],
      ['__proto__', 403],
    ])('answer the path %s with %d', async (id, status) => {
      const { status: answered } = await get(`/orders/${id}`, ANNE);
      expect([answered, shop.ran()]).toEqual([status, status === 200 ? ['view'] : []]);
    });

    it(`let through what is the id, and no other text (seed ${seed})`, async () => {
      const text = fc.string({ unit: 'binary', maxLength: 6 });
      const near = fc.tuple(fc.constantFrom('', '1', ' ', '#', ':'), text).map(([a, b]) => a + b);
      await fc.assert(
        fc.asyncProperty(near, async (id) => {
          const { status } = await get(`/orders?id=${encodeURIComponent(id)}`, ANNE);
          expect([status === 200, shop.ran().length === 1]).toEqual([id === '1', id === '1']);
        }),
        { seed, numRuns: 60 },
      );
    });

    it('keep two values apart', async () => {
      await expectRun('ofTenant', get('/orders/acme/orders/7', ANNE));
      await expectRefused(403, get('/orders/acme/orders/8', ANNE));
      await expectRefused(400, get('/orders/acme%2F7/orders/x', ANNE));
    });

    it('ask several things at once, all of which must hold', async () => {
      asked = [];
      await expectRun('inShop', get('/orders/2/in/main', BOB));
      expect(asked).toEqual(['batch-check']);
      await expectRefused(403, get('/orders/1/in/main', ANNE));
      await expectRefused(403, get('/orders/2/in/other', ANNE));
    });

    it('add the rules of a class', async () => {
      await expectRun('plain', get('/shops/main', BOB));
      await expectRefused(403, get('/shops/main', ANNE));
      await expectRun('order', get('/shops/main/orders/2', BOB));
      await expectRun('order', get('/shops/other/orders/1', ANNE));
      await expectRefused(403, get('/shops/main/orders/1', ANNE));
      await expectRefused(403, get('/shops/other/orders/2', ANNE));
      await expectRefused(403, get('/shops/main/orders/3', BOB));
    });

    it('add the rules of a class that is extended', async () => {
      await expectRun('plain', get('/annexes/main', BOB));
      await expectRefused(403, get('/annexes/main', ANNE));
    });

    it('leave alone what is public', async () => {
      asked = [];
      await expectRun('health', get('/health'));
      await expectRun('window', get('/shops/main/window'));
      expect(asked).toEqual([]);
    });

    it('give no subject where none was verified', async () => {
      await expectRefused(500, get('/careless', ANNE));
    });

    it('refuse what nothing is said of', async () => {
      await expectRefused(403, get('/forgotten', ANNE));
    });

    it('give conditions what is in the request', async () => {
      await expectRun('refund', post('/orders/1/refund', { amount: 100 }, ANNE));
      await expectRefused(403, post('/orders/1/refund', { amount: 101 }, ANNE));
      await expectRefused(403, post('/orders/1/refund', {}, ANNE));
      await expectRefused(403, post('/orders/1/refund', { amount: [1] }, ANNE));
      await expectRefused(500, post('/orders/1/refund', undefined, ANNE));
    });

    it('are about the subject of a permit, where one is required', async () => {
      const looks = (changes: Changes): Promise<Received> => {
        const headers = { 'pemba-permit': permit(changes) };
        return post('/items/9/looks', {}, as('user:anne', { headers }));
      };
      await expectRun('look', looks({}));
      await expectRefused(403, looks({ sub: 'user:bob' }));
    });

    it('refuse by a rule that cannot be asked', async () => {
      await expectRefused(403, get('/orders/1/misspelt', ANNE));
      await expectRefused(403, get('/orders/1/half-misspelt', ANNE));
      await expectRefused(400, get('/orders/1/misnamed', ANNE));
    });

    it('let nobody through while Pemba cannot be asked', async () => {
      const retries = { max: 0 };
      const urls = ['http://127.0.0.1:1'];
      const client = new PembaClient({ urls, storeId: store.id, retries });
      const alone = await startShop(platform, optionsOf({ client }));
      for (const path of ['/orders/1', '/orders/1/in/other']) {
        const { status, headers, json } = await send(alone.url, path, ANNE);
        expect([status, headers['retry-after'], alone.ran()]).toEqual([503, '1', []]);
        expect(json).toEqual({ statusCode: 503, message: 'Service Unavailable' });
      }
      expect((await send(alone.url, '/health')).status).toBe(200);
      await alone.stop();
    });

    it('let nobody through where there is nothing to ask', async () => {
      const client = { urls: [pemba.url], storeId: '01ARZ3NDEKTSV4RRFFQ69G5FAV' };
      const stranger = await startShop(platform, optionsOf({ client }));
      expect((await send(stranger.url, '/orders/1', ANNE)).status).toBe(403);
      expect((await send(stranger.url, '/orders/1/in/main', ANNE)).status).toBe(403);
      expect(stranger.ran()).toEqual([]);
      await stranger.stop();
    });

    it('leave alone what nothing is said of, if told to', async () => {
      const open = await startShop(platform, optionsOf({ undecorated: 'allow' }));
      expect((await send(open.url, '/forgotten')).status).toBe(200);
      expect((await send(open.url, '/orders/2', ANNE)).status).toBe(403);
      await open.stop();
    });

    describe('with sessions', () => {
      const header = { header: 'Pemba-Session' };
      const told = ({ headers }: Received): string => String(headers['pemba-session'] ?? '');
      const tokenIn = (session: string): string | undefined =>
        new PembaClient({ urls: [pemba.url], storeId: store.id })
          .session(session)
          .consistencyToken();
      const sendTo = (to: Shop, session: string, path = '/orders/1'): Promise<Received> =>
        send(to.url, path, as('user:anne', { headers: { 'pemba-session': session } }));

      it('tell the client what the rules and the handler were told', async () => {
        const one = await startShop(platform, optionsOf({ session: header }));
        const read = await send(one.url, '/orders/1', ANNE);
        const written = await send(one.url, `/orders/1/sales/${platform}`, {
          ...ANNE,
          method: 'POST',
        });
        expect(tokenIn(told(read))).toBeDefined();
        expect(tokenIn(told(written))).toBeDefined();
        expect(tokenIn(told(written))).not.toBe(tokenIn(told(read)));
        const other = await startShop(platform, optionsOf({ session: header }));
        expect((await sendTo(other, told(written), `/orders/${platform}`)).status).toBe(200);
        await Promise.all([one.stop(), other.stop()]);
      });

      it('get over what is no session, or a made up one', async () => {
        const one = await startShop(platform, optionsOf({ session: header }));
        const forged = `${store.id}.${'A'.repeat(32)}`;
        for (const session of ['', 'nonsense', forged, '~'.repeat(3000)]) {
          const answer = await sendTo(one, session);
          expect(answer.status).toBe(200);
          expect(tokenIn(told(answer))).toBeDefined();
        }
        await one.stop();
      });

      it('keep it in a cookie', async () => {
        const one = await startShop(platform, optionsOf({ session: { cookie: 'pemba' } }));
        const { headers } = await send(one.url, '/orders/1', ANNE);
        const [cookie = ''] = [headers['set-cookie']].flat();
        expect(cookie).toMatch(/^pemba=[^;]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
        const [pair = ''] = cookie.split(';');
        const again = as('user:anne', { headers: { cookie: `a=b; ${pair}` } });
        const { headers: unchanged } = await send(one.url, '/orders/1', again);
        expect(unchanged['set-cookie']).toBeUndefined();
        await one.stop();
      });
    });
  });
});
