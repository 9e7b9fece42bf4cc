/** Registered clients as the file of issuers says them, and slips of the pen. */
import { describe, expect, it } from '@jest/globals';
import { PembaError } from '../../src/errors.js';
import { parseIssuerFile } from '../../src/identity/issuer-file.js';
import type { IssuerFile } from '../../src/identity/issuer-file.js';

const PATH = '/etc/pemba/issuers.yaml';
const ISSUER = {
  name: 'corp',
  issuer: 'corp-issuer',
  keys: { jwks_file: './corp.json' },
  callers: { audience: ['pemba'] },
};
const ORDERS = { id: 'orders', keys: { jwks_file: './orders.json' } };
const WEB = { id: 'web', tls: { san_dns: 'web.shop' } };

const parse = (file: object): IssuerFile => parseIssuerFile(JSON.stringify(file), PATH);
const refusal = (file: object): string => {
  try {
    parse(file);
  } catch (error) {
    if (error instanceof PembaError && error.code === 'cannot_start') return error.message;
    throw error;
  }
  return 'accepted';
};

describe('clients in the file of issuers', () => {
  it('have keys, certificates, or both', () => {
    const text = `
clients:
  - id: orders
    keys: { jwks_file: ./orders.json }
    algorithms: [EdDSA]
    tls: { san_uri: 'spiffe://shop/ns/orders' }
  - id: billing
    keys: { jwks_url: 'https://billing.shop/keys' }
  - id: web
    tls: { subject: 'CN=web,O=Shop' }
`;
    expect(parseIssuerFile(text, PATH)).toEqual({
      issuers: [],
      clients: [
        {
          id: 'orders',
          signs: {
            name: 'clients/orders',
            keys: { kind: 'file', path: '/etc/pemba/orders.json' },
            algorithms: ['EdDSA'],
          },
          tls: { kind: 'san_uri', value: 'spiffe://shop/ns/orders' },
        },
        {
          id: 'billing',
          signs: {
            name: 'clients/billing',
            keys: { kind: 'url', url: 'https://billing.shop/keys' },
            algorithms: ['EdDSA', 'ES256', 'PS256', 'RS256'],
          },
          tls: undefined,
        },
        { id: 'web', signs: undefined, tls: { kind: 'subject', value: 'CN=web,O=Shop' } },
      ],
    });
  });

  it('stand beside issuers', () => {
    const { issuers, clients } = parse({ issuers: [ISSUER], clients: [ORDERS, WEB] });
    expect([issuers.length, clients.length]).toEqual([1, 2]);
  });

  it.each<[RegExp, object]>([
    [/issuers is required/, {}],
    [/clients must be a list, with one item/, { clients: [] }],
    [/client 1: must be a mapping/, { clients: ['orders'] }],
    [/client 1: id is required/, { clients: [{ keys: ORDERS.keys }] }],
    [/client 1: id must be of letters/, { clients: [{ ...ORDERS, id: 'a/b' }] }],
    [/client 1: id must be of letters/, { clients: [{ ...ORDERS, id: 'service:a' }] }],
    [/client 1: id must be of letters/, { clients: [{ ...ORDERS, id: '*' }] }],
    [/client 'orders': keys or tls must be there/, { clients: [{ id: 'orders' }] }],
    [/client 'orders': secret is not known/, { clients: [{ ...ORDERS, secret: 'x' }] }],
    [/'orders': keys must have one of/, { clients: [{ id: 'orders', keys: {} }] }],
    [/discovery is not known/, { clients: [{ id: 'orders', keys: { discovery: true } }] }],
    [
      /jwks_url must begin with https/,
      { clients: [{ id: 'a', keys: { jwks_url: 'http://b.c' } }] },
    ],
    [/algorithms has 'HS256'/, { clients: [{ ...ORDERS, algorithms: ['HS256'] }] }],
    [/algorithms goes with keys/, { clients: [{ ...WEB, algorithms: ['ES256'] }] }],
    [/tls must have one of/, { clients: [{ id: 'web', tls: {} }] }],
    [/tls must have one of/, { clients: [{ id: 'web', tls: { san_dns: 'a', subject: 'b' } }] }],
    [/tls must have one of/, { clients: [{ id: 'web', tls: { san_dns: '' } }] }],
    [/client 'web': id is another client's/, { clients: [WEB, { ...WEB, tls: { san_dns: 'b' } }] }],
    [/client 'b': tls is another client's/, { clients: [WEB, { ...WEB, id: 'b' }] }],
    [/issuer 1: name is reserved/, { issuers: [{ ...ISSUER, name: 'clients' }] }],
    [
      /client 'corp-issuer': its id is an issuer's/,
      { issuers: [ISSUER], clients: [{ ...ORDERS, id: 'corp-issuer' }] },
    ],
  ])('are refused: %s', (message, file) => {
    expect(refusal(file)).toMatch(message);
  });
});
