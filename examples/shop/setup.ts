/**
 * All that Pemba has to be told, once: who issues tokens, the schema, which service is which, who
 * may act for users, and the facts of the shop.
 */
import { readFileSync } from 'node:fs';
import { transformer } from '@openfga/syntax-transformer';
import { PembaClient } from 'pemba/client';
import type { TupleIn } from 'pemba/client';
import type { Schema } from './schema.js';

/** PEMBA_ISSUERS_FILE: whose tokens are good for what. */
export const issuersFile = (issuer: string): object => ({
  issuers: [
    {
      name: 'accounts',
      issuer: `${issuer}/accounts`,
      keys: { jwks_url: `${issuer}/accounts/keys` },
      // Customers log in to the web shop. Their tokens say who a permit is for, and call nothing.
      subjects: { audience: ['shop-web'], type: 'user' },
    },
    {
      name: 'platform',
      issuer: `${issuer}/platform`,
      keys: { jwks_url: `${issuer}/platform/keys` },
      // Services call Pemba with what the platform gives them: service:platform/orders.
      callers: {
        audience: ['pemba'],
        types: ['absent'],
        service: 'always',
        client: ['kubernetes.io', 'serviceaccount', 'name'],
      },
    },
  ],
});

/** PEMBA_ADMINISTRATORS */
export const ADMINISTRATOR = 'service:platform/setup';

const SERVICES = ['web', 'orders', 'inventory', 'billing'];

/** A customer's token is meant for `web`, so nobody else can exchange it. */
const DELEGATION_SETTINGS = { audiences: { web: ['shop-web'] } };

const TUPLES: readonly TupleIn<Schema>[] = [
  // Anne's order at the tea shop, with a teapot and an invoice.
  { user: 'shop:tea', relation: 'shop', object: 'order:1001' },
  { user: 'user:anne', relation: 'customer', object: 'order:1001' },
  { user: 'order:1001', relation: 'order', object: 'item:teapot' },
  { user: 'order:1001', relation: 'order', object: 'invoice:1001' },
  // The service that takes orders for these.
  { user: 'service:orders', relation: 'ordering_service', object: 'item:teapot' },
  { user: 'service:orders', relation: 'ordering_service', object: 'item:samovar' },
  { user: 'service:orders', relation: 'charging_service', object: 'invoice:1001' },
  // Ceilings: who may use which permission for somebody, and who may stand before.
  { user: 'service:web', relation: 'actor', object: 'scope:order.can_place' },
  { user: 'service:orders', relation: 'actor', object: 'scope:item.can_reserve' },
  { user: 'service:web', relation: 'through', object: 'scope:item.can_reserve' },
  { user: 'service:orders', relation: 'actor', object: 'scope:invoice.can_charge' },
  { user: 'service:web', relation: 'through', object: 'scope:invoice.can_charge' },
];

/** Returns the store's id. `token` is an administrator's. */
export async function setUp(url: string, token: string): Promise<string> {
  const call = async (method: string, path: string, body: object): Promise<unknown> => {
    const response = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${await response.text()}`);
    return response.status === 204 ? undefined : response.json();
  };
  const { id } = (await call('POST', '/stores', { name: 'shop' })) as { readonly id: string };
  await call('POST', `/stores/${id}/authorization-models`, schema());
  await call('PUT', `/stores/${id}/delegation-settings`, DELEGATION_SETTINGS);
  await call('POST', '/admin/grants', {
    add: SERVICES.map((service) => ({
      ...{ role: 'acts_as', store_id: id, service },
      subject: `service:platform/${service}`,
    })),
  });
  const pemba = new PembaClient<Schema>({ urls: [url], storeId: id, apiKey: token });
  await pemba.write({ writes: TUPLES });
  return id;
}

/** The modules of schema/shop, each one its team's, as one model. */
function schema(): object {
  const folder = new URL('schema/shop/', import.meta.resolve('pemba/package.json'));
  const read = (file: string): string => readFileSync(new URL(file, folder), 'utf8');
  const { schema: version, contents } = transformer.transformModFileToJSON(read('fga.mod'));
  const modules = contents.value.map(({ value: name }) => ({ name, contents: read(name) }));
  return transformer.transformModuleFilesToModel(modules, version.value);
}
