/** The story: an order, and six statements about it that are shown to be true. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createVerifier, PermitRefused } from 'pemba/verifier';
import type { VerifierOptions } from 'pemba/verifier';
import { Callers, RESERVE_TEAPOT, detail, outcomeOf } from './callers.js';
import type { Report } from './report.js';
import type { Shop } from './shop.js';

const ANNES_ORDER = { user: 'user:anne', relation: 'customer', object: 'order:1001' };
const PLACE = { to: 'web', path: '/orders/1001/place' } as const;
const RESERVE = { to: 'inventory', path: '/items/teapot/reservations' } as const;

/** How many ms after a right had ended a permit that rested on it was refused. */
export interface Figures {
  refusedAfterMs?: number;
}

export async function tell(shop: Shop, report: Report): Promise<Figures> {
  const callers = new Callers(shop);
  const figures: Figures = {};
  await orderIsPlaced(callers, report);
  await customerAlone(callers, report);
  await serviceAlone(callers, report);
  await withPermit(shop, callers, report);
  await permitForAnother(callers, report);
  await customerRemoved(callers, report, figures);
  await pembaKilled(shop, callers, report);
  return figures;
}

const orderIsPlaced = (callers: Callers, report: Report): Promise<void> =>
  report.state('placed', 'Anne orders a teapot: her token → web → orders → …', async (fact) => {
    const { status, body } = await callers.post({ ...PLACE, bearer: await callers.annesToken() });
    fact('web answers', '201', String(status));
    const { reservation, charge } = body as { readonly reservation: Done; readonly charge: Done };
    fact('inventory reserved a teapot', CHAIN, chainOf(reservation));
    fact('billing charged the invoice', CHAIN, chainOf(charge));
  });

interface Done {
  readonly for: string;
  readonly by: readonly string[];
}
const CHAIN = 'for user:anne, by service:orders after service:web';
const chainOf = (done: Done): string => `for ${done.for}, by ${done.by.join(' after ')}`;

const customerAlone = (callers: Callers, report: Report): Promise<void> =>
  report.state('customer_alone', "1. Anne's own token reserves nothing", async (fact) => {
    const bearer = await callers.annesToken();
    const asCaller = await callers.post({ ...RESERVE, bearer });
    fact('she calls inventory with it', '401', String(asCaller.status));
    const asPermit = await callers.refusalOf(() => callers.post({ ...RESERVE, permit: bearer }));
    fact('she sends it as a permit', '401 wrong_type', asPermit);
    const asClient = callers
      .clientWith(() => bearer)
      .exchangeToken({
        subjectToken: bearer,
        audience: 'service:inventory',
        details: [RESERVE_TEAPOT],
      });
    fact('she asks Pemba for a permit', 'invalid_client', await outcomeOf(asClient));
    const admin = callers.clientOf('setup');
    const question = { user: 'user:anne', relation: 'can_reserve', object: 'item:teapot' };
    fact('Pemba: may she by herself', 'no', (await admin.check(question)) ? 'yes' : 'no');
  });

const serviceAlone = (callers: Callers, report: Report): Promise<void> =>
  report.state(
    'service_alone',
    '2. The orders service reserves nothing by itself',
    async (fact) => {
      const { status } = await callers.reserve('teapot');
      fact('it calls inventory with its platform token', '401', String(status));
      const stolen = callers.permitFor('inventory', RESERVE_TEAPOT, await callers.annesToken());
      fact("it exchanges Anne's token, meant for web", 'invalid_request', await outcomeOf(stolen));
      const admin = callers.clientOf('setup');
      const question = { relation: 'can_reserve', object: 'item:teapot' };
      const alone = await admin.check({ ...question, user: 'service:orders' });
      fact('Pemba: may it by itself', 'no', alone ? 'yes' : 'no');
      const forZoe = await admin.delegatedCheck(
        { ...question, user: 'user:zoe' },
        { actor: 'service:orders' },
      );
      fact('Pemba: may it for Zoe, whose order it is not', 'no_path', forZoe.reason);
    },
  );

const withPermit = (shop: Shop, callers: Callers, report: Report): Promise<void> =>
  report.state(
    'with_permit',
    '3. With a permit it can: for that item, once, within 60 s',
    async (fact) => {
      const permit = await callers.permitFor('inventory', RESERVE_TEAPOT);
      fact(
        'the permit without the platform token of orders',
        '401 unconfirmed',
        await callers.refusalOf(() => callers.post({ ...RESERVE, permit })),
      );
      fact(
        'another item',
        '403 not_permitted',
        await callers.refusalOf(() => callers.reserve('samovar', permit)),
      );
      fact('the item', '201', String((await callers.reserve('teapot', permit)).status));
      fact(
        'once more',
        '401 replayed',
        await callers.refusalOf(() => callers.reserve('teapot', permit)),
      );
      const samovar = callers.permitFor('inventory', detail('can_reserve', 'item', 'samovar'));
      fact(
        'a permit for an item of no order of hers',
        'invalid_authorization_details',
        await outcomeOf(samovar),
      );
      await expires(shop, callers, fact);
    },
  );

/** Nobody waits a minute: a verifier like inventory's has a clock that is put forward. */
async function expires(
  shop: Shop,
  callers: Callers,
  fact: Parameters<Parameters<Report['state']>[2]>[0],
): Promise<void> {
  let aheadMs = 0;
  const clock = { now: () => Date.now() + aheadMs, monotonic: () => performance.now() };
  const verifier = createVerifier({ ...verifierOptions(shop), clock });
  await verifier.start();
  const permit = await callers.permitFor('inventory', RESERVE_TEAPOT);
  const reasonAfter = async (seconds: number): Promise<string> => {
    aheadMs = seconds * 1000;
    try {
      const { issuedAt, expiresAt } = await verifier.verifyPermit(permit, PRESENTED);
      return `good for ${expiresAt - issuedAt} s`;
    } catch (error) {
      if (error instanceof PermitRefused) return error.reason;
      throw error;
    }
  };
  fact('a fresh one', 'good for 60 s', await reasonAfter(0));
  fact('61 s later, and 5 s that clocks may differ', 'expired', await reasonAfter(61 + 5));
  await verifier.stop();
}

const PRESENTED = {
  peer: { service: 'service:orders' },
  action: 'can_reserve',
  resource: { type: 'item', id: 'teapot' },
} as const;

const verifierOptions = (shop: Shop): VerifierOptions => ({
  issuer: shop.storeUrl,
  service: 'service:inventory',
  revocations: 'off',
});

const permitForAnother = (callers: Callers, report: Report): Promise<void> =>
  report.state('other_audience', '4. A permit for billing is none for inventory', async (fact) => {
    const charging = await callers.permitFor('billing', detail('can_charge', 'invoice', '1001'));
    fact(
      'as it is',
      '401 wrong_audience',
      await callers.refusalOf(() => callers.reserve('teapot', charging)),
    );
    const reserving = await callers.permitFor('billing', RESERVE_TEAPOT);
    fact(
      'even where it permits just that',
      '401 wrong_audience',
      await callers.refusalOf(() => callers.reserve('teapot', reserving)),
    );
  });

/** As inventory takes each permit once, there is one for each time that it is asked. */
const PERMITS = 40;

const customerRemoved = (callers: Callers, report: Report, figures: Figures): Promise<void> =>
  report.state('revoked', '5. The order is no longer hers: permits in flight end', async (fact) => {
    const held = await callers.permitForOrders();
    const permits: string[] = [];
    for (let i = 0; i < PERMITS; i++) {
      permits.push(await callers.permitFor('inventory', RESERVE_TEAPOT, held));
    }
    const admin = callers.clientOf('setup');
    const [first, ...others] = permits;
    fact('before', '201', String((await callers.reserve('teapot', first)).status));
    await admin.write({ deletes: [ANNES_ORDER] });
    const deletedAt = performance.now();
    let refusal = '';
    let afterMs = 0;
    // Ever longer pauses: exact where it is fast, and some seconds in all.
    for (const [i, permit] of others.entries()) {
      refusal = await callers.refusalOf(async () => {
        const answer = await callers.reserve('teapot', permit);
        afterMs = performance.now() - deletedAt;
        return answer;
      });
      if (refusal !== '201') break;
      await sleep(1.2 ** i);
    }
    figures.refusedAfterMs = Math.round(afterMs * 10) / 10;
    fact(`${figures.refusedAfterMs} ms after the tuple was deleted`, '401 revoked', refusal);
    const next = callers.permitFor('inventory', RESERVE_TEAPOT, held);
    fact('nor is there a new one for it', 'invalid_request', await outcomeOf(next));
    await admin.write({ writes: [ANNES_ORDER] });
  });

const pembaKilled = (shop: Shop, callers: Callers, report: Report): Promise<void> =>
  report.state('without_pemba', '6. Pemba is killed: permits go on to be taken', async (fact) => {
    const permit = await callers.permitFor('inventory', RESERVE_TEAPOT);
    const bearer = await callers.annesToken();
    await shop.killPemba();
    fact('kill -9', 'nobody answers', await answers(shop.pemba.url));
    fact('a permit of before', '201', String((await callers.reserve('teapot', permit)).status));
    fact(
      'once more',
      '401 replayed',
      await callers.refusalOf(() => callers.reserve('teapot', permit)),
    );
    fact('a new order', '503', String((await callers.post({ ...PLACE, bearer })).status));
    await shop.startPemba();
    fact(
      'Pemba is back; a new order',
      '201',
      String((await callers.post({ ...PLACE, bearer })).status),
    );
  });

const answers = (url: string): Promise<string> =>
  fetch(url).then(
    () => 'it answers',
    () => 'nobody answers',
  );
