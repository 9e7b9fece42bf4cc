/** Stored attributes and the properties of a request: which of them conditions are told, and when. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { expectStatus, keyOf } from '../api/stores.js';
import type { Tuple } from '../api/stores.js';
import { startPemba } from '../support/pemba.js';
import type { Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { AccessStore, entity } from './worlds.js';

const MODEL = `model
  schema 1.1
type user
type service
  relations
    define acting_for: [user]
type scope
  relations
    define actor: [service with is_trusted]
type record
  relations
    define barred: [user:* with is_suspended]
    define reader: [user:* with is_cleared]
    define owner: [user]
    define colleague: [user:* with is_same_department]
    define worker: [user:* with in_office_hours]
    define insider: [user:* with in_network]
    define addressee: [user:* with is_at_home]
    define desk: [service]
    define can_read: reader or owner
    define can_print: can_read and acting_for from desk
type account
  relations
    define holder: [account:* with is_cleared]
condition is_cleared(subject_clearance: int, resource_level: int) {
  subject_clearance >= resource_level
}
condition is_suspended(subject_suspended: bool) {
  subject_suspended
}
condition is_same_department(subject_department: string, resource_department: string) {
  subject_department == resource_department
}
condition in_office_hours(now: timestamp) {
  now.getHours("Europe/Vienna") >= 8 && now.getHours("Europe/Vienna") < 18
}
condition in_network(address: ipaddress) {
  address.in_cidr("10.0.0.0/8")
}
condition is_at_home(subject_address: map<string>, subject_tags: list<string>) {
  subject_address.city == "Graz" && "local" in subject_tags
}
condition is_trusted(subject_tier: int) {
  subject_tier >= 2
}
`;

const on = (name: string, condition: string): Tuple => ({
  ...keyOf(name),
  condition: { name: condition, context: {} },
});

const EVERYBODY = [
  ['reader', 'is_cleared'],
  ['colleague', 'is_same_department'],
  ['worker', 'in_office_hours'],
  ['insider', 'in_network'],
  ['addressee', 'is_at_home'],
] as const;

const RECORDS = ['record:open', 'record:secret', 'record:bare'];
const USERS = ['user:anne', 'user:ben', 'user:carl'];

const TUPLES = [
  ...RECORDS.flatMap((record) => [
    ...EVERYBODY.map(([relation, condition]) => on(`${record}#${relation}@user:*`, condition)),
    `${record}#desk@service:press`,
    on(`${record}#barred@user:*`, 'is_suspended'),
    `${record}#owner@user:carl`,
  ]),
  on('scope:record.can_print#actor@service:press', 'is_trusted'),
  on('account:1#holder@account:*', 'is_cleared'),
];

const STORED: Readonly<Record<string, object>> = {
  'user:anne': {
    ...{ clearance: 3, suspended: false, department: 'law' },
    ...{ address: { city: 'Graz' }, tags: ['local'] },
  },
  'user:ben': { clearance: 1, suspended: false, department: 'tax' },
  'user:carl': { suspended: true },
  'record:open': { level: 1, department: 'law' },
  'record:secret': { level: 3, department: 'tax' },
};

const TYPES = { record: { forbidden: 'barred' } };
/** What requests may say, and who may. */
const may = (properties: object): object => ({ types: TYPES, properties });
const ALL = may({ subject: ['*'], resource: ['*'] });
const NONE = may({});

type Properties = Readonly<Record<string, unknown>>;

describeWithPostgres('stored attributes and properties of requests', () => {
  let pemba: Pemba;
  let store: AccessStore;
  beforeAll(async () => {
    pemba = await startPemba({ PEMBA_AUTHENTICATION: 'keys' });
    store = await AccessStore.with(pemba, MODEL, TUPLES, NONE);
    for (const [name, attributes] of Object.entries(STORED)) await put(name, attributes);
  });
  afterAll(() => pemba.stop());

  const put = async (name: string, attributes: object): Promise<void> => {
    const { type, id } = entity(name);
    const path = `${store.store.path}/attributes/${type}/${id}`;
    expectStatus(await pemba.call('PUT', path, attributes), 204);
  };
  const mapped = async (mapping: object): Promise<void> => {
    expectStatus(await pemba.call('PUT', `${store.store.path}/authzen-mapping`, mapping), 201);
  };
  const question = (
    subject: string,
    action: string,
    resource: string,
    said: { readonly subject?: Properties; readonly resource?: Properties } = {},
  ) => ({
    subject: { ...entity(subject), ...(said.subject && { properties: said.subject }) },
    action: { name: action },
    resource: { ...entity(resource), ...(said.resource && { properties: said.resource }) },
  });
  const decides = async (...asked: Parameters<typeof question>): Promise<unknown> =>
    (await store.told('evaluation', question(...asked))).decision;

  it('are what is stored where the caller may say nothing', async () => {
    await mapped(NONE);
    const lies = { subject: { clearance: 9, suspended: false }, resource: { level: 0 } };
    expect(await decides('user:anne', 'reader', 'record:secret', lies)).toBe(true);
    expect(await decides('user:ben', 'reader', 'record:secret', lies)).toBe(false);
    expect(await decides('user:carl', 'owner', 'record:secret', lies)).toBe(false);
    // Of whom nothing is stored, what may not be said is not known either.
    expect(await decides('user:new', 'reader', 'record:open', lies)).toBe(false);
    expect(await decides('user:anne', 'reader', 'record:bare', lies)).toBe(false);
  });

  it('lie over what is stored, one by one, where the caller may say them', async () => {
    await mapped(may({ subject: ['clearance'], resource: ['level'] }));
    const said = (clearance: number): object => ({ subject: { clearance, suspended: false } });
    expect(await decides('user:ben', 'reader', 'record:secret', said(3))).toBe(true);
    expect(await decides('user:anne', 'reader', 'record:secret', said(2))).toBe(false);
    // He is suspended all the same: that is not theirs to say.
    expect(await decides('user:carl', 'reader', 'record:secret', said(3))).toBe(false);
    const level = { subject: { clearance: 1 }, resource: { level: 1 } };
    expect(await decides('user:ben', 'reader', 'record:bare', level)).toBe(true);
    expect(await decides('user:ben', 'reader', 'record:secret', { resource: { level: 1 } })).toBe(
      true,
    );
    await mapped(ALL);
    expect(await decides('user:carl', 'reader', 'record:secret', said(3))).toBe(true);
  });

  it('of one end say nothing of the other, even of one and the same entity', async () => {
    await mapped(may({ resource: ['*'] }));
    await put('account:1', { clearance: 1, level: 2 });
    const raised = { resource: { clearance: 9, level: 2 } };
    expect(await decides('account:1', 'holder', 'account:1', raised)).toBe(false);
    expect(await decides('account:1', 'holder', 'account:1', { resource: { level: 1 } })).toBe(
      true,
    );
  });

  it('are as nested as they are', async () => {
    await mapped(ALL);
    const ask = (subject?: Properties): Promise<unknown> =>
      decides('user:anne', 'addressee', 'record:open', subject && { subject });
    expect(await ask()).toBe(true);
    // A member that is a map replaces the stored one whole.
    expect(await ask({ address: { city: 'Linz' } })).toBe(false);
    expect(await ask({ address: {} })).toBe(false);
    expect(await ask({ tags: [] })).toBe(false);
    expect(await ask({ tags: ['x', 'local'] })).toBe(true);
    for (const odd of [{ address: 'Graz' }, { tags: 'local' }, { tags: [1] }, { address: null }]) {
      expect(await ask(odd)).toBe(false);
    }
  });

  it('take no names that objects inherit, and no words of the context', async () => {
    await mapped(may({ subject: ['clearance'] }));
    const { subject, ...rest } = question('user:ben', 'reader', 'record:secret');
    const sent = async (properties: string, context = '{}'): Promise<unknown> => {
      const raw = JSON.stringify({ subject: { ...subject, properties: 0 }, ...rest, context: 0 })
        .replace('"properties":0', `"properties":${properties}`)
        .replace('"context":0', `"context":${context}`);
      const answer = await store.ask('evaluation', undefined, { raw });
      return expectStatus(answer, 200).json.decision;
    };
    expect(await sent('{"__proto__":{"clearance":9}}')).toBe(false);
    expect(await sent('{"constructor":{"clearance":9}}')).toBe(false);
    const all = '{"subject_clearance":9,"subject":{"clearance":9},"resource_level":0}';
    expect(await sent('{}', all)).toBe(false);
    expect(await sent('{"clearance":3}', '{"subject_clearance":0}')).toBe(true);
  });

  it('of the user are not those of the service that acts', async () => {
    await mapped(ALL);
    const { json } = await pemba.call('POST', '/admin/keys', {
      name: 'press',
      roles: [{ role: 'reader' }, { role: 'acts_as', service: 'press' }].map((role) => ({
        ...role,
        store_id: store.store.id,
      })),
    });
    const headers = { authorization: `Bearer ${String(json.key)}` };
    const said = { subject: { tier: 9 }, resource: { tier: 9 } };
    const body = {
      ...question('user:anne', 'can_print', 'record:open', said),
      context: { explain: true },
      options: { delegated: true },
    };
    const reason = async (): Promise<unknown> =>
      expectStatus(await store.ask('evaluation', body, { headers }), 200).json.context.reason_code;
    expect(await reason()).toBe('missing_parameters');
    const check = {
      tuple_key: { user: 'user:anne', relation: 'can_print', object: 'record:open' },
      context: { subject_tier: 9 },
    };
    const native = await store.store.post('delegated-check', check, { headers });
    expect(expectStatus(native, 200).json.reason).toBe('missing_parameters');
    await put('service:press', { tier: 1 });
    expect(await reason()).toBe('ceiling');
    await put('service:press', { tier: 2 });
    expect(await reason()).toBe('granted');
  });

  it('are told alike to evaluations, batches and searches', async () => {
    const clearance = fc.option(fc.integer({ min: 0, max: 4 }), { nil: undefined });
    const said = fc.record(
      { subject: fc.record({ clearance, suspended: fc.option(fc.boolean(), { nil: undefined }) }) },
      { requiredKeys: [] },
    );
    const level = fc.option(fc.record({ level: fc.integer({ min: 0, max: 4 }) }), {
      nil: undefined,
    });
    const arbitrary = fc.record({
      mapping: fc.constantFrom(
        ALL,
        NONE,
        may({ subject: ['clearance'] }),
        may({ resource: ['*'] }),
      ),
      action: fc.constantFrom('reader', 'can_read', 'owner'),
      said,
      level,
    });
    await fc.assert(
      fc.asyncProperty(
        arbitrary,
        async ({ mapping, action, said: { subject }, level: resource }) => {
          await mapped(mapping);
          const properties = { ...(subject && { subject }), ...(resource && { resource }) };
          const pairs = USERS.flatMap((user) => RECORDS.map((record) => [user, record] as const));
          const evaluations = pairs.map(([user, record]) =>
            question(user, action, record, properties as object),
          );
          const batch = (await store.told('evaluations', { evaluations })).evaluations as readonly {
            readonly decision: boolean;
          }[];
          const allowed = pairs.filter((_, i) => batch[i]?.decision);
          expect(await decides('user:ben', action, 'record:open', properties as object)).toBe(
            allowed.some(([user, record]) => user === 'user:ben' && record === 'record:open'),
          );
          for (const user of USERS) {
            const { subject: who, ...rest } = question(user, action, 'record:x', properties);
            const body = { ...rest, subject: who };
            const found = await store.found('resource', body, 2);
            expect(found).toEqual(
              allowed
                .filter(([one]) => one === user)
                .map(([, record]) => entity(record))
                .sort(byId),
            );
          }
          for (const record of RECORDS) {
            const body = question('user:x', action, record, properties);
            expect(await store.found('subject', body, 1)).toEqual(
              allowed
                .filter(([, one]) => one === record)
                .map(([user]) => entity(user))
                .sort(byId),
            );
            const actions = question('user:anne', 'x', record, properties);
            const names = (await store.found('action', actions)).map(
              (one) => (one as { name: string }).name,
            );
            expect(names.includes(action)).toBe(
              allowed.some(([user, one]) => user === 'user:anne' && one === record),
            );
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  describe('say what conditions may', () => {
    beforeAll(() => mapped(NONE));
    const at = async (action: string, context: object): Promise<unknown> =>
      (await store.told('evaluation', { ...question('user:anne', action, 'record:open'), context }))
        .decision;

    it('on equality of a subject and a resource', async () => {
      expect(await decides('user:anne', 'colleague', 'record:open')).toBe(true);
      expect(await decides('user:ben', 'colleague', 'record:open')).toBe(false);
      expect(await decides('user:ben', 'colleague', 'record:secret')).toBe(true);
      expect(await decides('user:ben', 'colleague', 'record:bare')).toBe(false);
    });

    it('on clearance levels', async () => {
      expect(await decides('user:ben', 'reader', 'record:open')).toBe(true);
      expect(await decides('user:ben', 'reader', 'record:secret')).toBe(false);
    });

    it('on the time of day', async () => {
      expect(await at('worker', { now: '2026-11-24T08:00:00Z' })).toBe(true);
      expect(await at('worker', { now: '2026-11-24T17:00:00Z' })).toBe(false);
      expect(await at('worker', {})).toBe(false);
    });

    it('on the network', async () => {
      expect(await at('insider', { address: '10.1.2.3' })).toBe(true);
      expect(await at('insider', { address: '192.0.2.1' })).toBe(false);
      expect(await at('insider', { address: '10.1.2.3, 192.0.2.1' })).toBe(false);
    });
  });
});

const byId = (a: { readonly id: string }, b: { readonly id: string }): number =>
  a.id < b.id ? -1 : 1;
