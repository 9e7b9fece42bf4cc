/** Certificates as a proxy tells of them: in three forms, and what only looks like one. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { readCertificate } from '../../src/identity/client-certificate.js';
import type { CertificateName } from '../../src/identity/client-file.js';
import { BILLING, BOTH, EVIL, ORDERS } from './certificates.js';

const NOW = Date.UTC(2030, 0, 1);
const THUMBPRINT = createHash('sha256')
  .update(Buffer.from(ORDERS.der, 'base64'))
  .digest('base64url');

const escaped = encodeURIComponent(ORDERS.pem);
/** nginx leaves what base64 is made of as it is. */
const escapedByNginx = escaped.replaceAll('%2B', '+').replaceAll('%2F', '/');

const FORMS: Readonly<Record<string, string>> = {
  'RFC 9440': `:${ORDERS.der}:`,
  'an escaped PEM': escaped,
  'an escaped PEM of nginx': escapedByNginx,
  'an element of Envoy': `By=spiffe://a/b;Hash=00ff;Cert="${escaped}";Subject="CN=a,O=\\"b";URI=`,
  'an element of Envoy with the certificate last': `Hash=00ff;Cert="${escaped}"`,
};

describe('a certificate in a header', () => {
  it.each(Object.keys(FORMS))('is read from %s', (form) => {
    expect(readCertificate(FORMS[form]!, NOW)?.thumbprint).toBe(THUMBPRINT);
  });

  it.each([
    ['nothing', ''],
    ['no colons', ORDERS.der],
    ['no base64', ':!!!!:'],
    ['spare bits', `:${ORDERS.der.slice(0, -3)}B==:`],
    ['no certificate', ':AAAA:'],
    [
      'a byte behind it',
      `:${Buffer.concat([Buffer.from(ORDERS.der, 'base64'), Buffer.of(0)]).toString('base64')}:`,
    ],
    ['half of it', `:${ORDERS.der.slice(0, 400)}:`],
    ['two certificates', encodeURIComponent(ORDERS.pem + BILLING.pem)],
    ['a key', encodeURIComponent(ORDERS.pem.replaceAll('CERTIFICATE', 'PRIVATE KEY'))],
    ['a broken escape', escaped.replace('%0A', '%0')],
    ['two elements', `Cert="${escaped}",Cert="${escaped}"`],
    ['an element that says it twice', `Cert="${escaped}";Cert="${escaped}"`],
    ['an element without one', 'Hash=00ff;Subject="CN=orders"'],
    ['a certificate inside of another value', `Subject="Cert=\\"${escaped}\\""`],
  ])('is not read from %s', (_what, header) => {
    expect(readCertificate(header, NOW)).toBeUndefined();
  });

  it('counts only while it is valid', () => {
    expect(readCertificate(FORMS['RFC 9440']!, Date.UTC(2020, 0, 1))).toBeUndefined();
    expect(readCertificate(FORMS['RFC 9440']!, Date.UTC(2127, 0, 1))).toBeUndefined();
  });

  const isOf = (der: string, kind: CertificateName['kind'], value: string): boolean | undefined =>
    readCertificate(`:${der}:`, NOW)?.isOf({ kind, value });

  it('is of exactly the names that it has', () => {
    expect(isOf(ORDERS.der, 'san_uri', 'spiffe://shop/ns/orders')).toBe(true);
    expect(isOf(ORDERS.der, 'san_dns', 'orders.shop')).toBe(true);
    expect(isOf(ORDERS.der, 'subject', 'CN=orders,O=Shop\\, Inc,C=DE')).toBe(true);
    expect(isOf(BOTH.der, 'san_dns', 'billing.shop')).toBe(true);
    expect(isOf(ORDERS.der, 'san_dns', 'spiffe://shop/ns/orders')).toBe(false);
    expect(isOf(ORDERS.der, 'san_uri', 'spiffe://shop/ns')).toBe(false);
    expect(isOf(ORDERS.der, 'san_dns', 'ORDERS.shop')).toBe(false);
    expect(isOf(ORDERS.der, 'subject', 'CN=orders')).toBe(false);
    expect(isOf(BILLING.der, 'san_uri', 'spiffe://shop/ns/orders')).toBe(false);
  });

  it('has no name more for commas in one', () => {
    expect(isOf(EVIL.der, 'san_uri', 'spiffe://shop/ns/orders')).toBe(false);
    expect(isOf(EVIL.der, 'san_dns', 'billing.shop')).toBe(false);
    expect(isOf(EVIL.der, 'san_dns', 'x.shop, DNS:billing.shop')).toBe(true);
  });
});
