/** Who is inside of a list of networks. */
import { describe, expect, it } from '@jest/globals';
import { isInside, parseNetworks } from '../src/config/networks.js';
import { loadConfig } from '../src/config.js';

describe('a list of networks', () => {
  it.each([
    ['10.0.0.0/8', '10.1.2.3', true],
    ['10.0.0.0/8', '::ffff:10.1.2.3', true],
    ['10.0.0.0/8', '11.0.0.0', false],
    ['10.0.0.7', '10.0.0.7', true],
    ['10.0.0.7', '10.0.0.8', false],
    ['fd00::/8,::1', 'fd12::1', true],
    ['fd00::/8,::1', '::1', true],
    ['fd00::/8,::1', 'fe80::1%eth0', false],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['0.0.0.0/0', '192.0.2.1', true],
    ['', '127.0.0.1', false],
    ['127.0.0.0/8', '', false],
    ['127.0.0.0/8', 'localhost', false],
  ])('%j holds %j: %s', (text, address, expected) => {
    expect(isInside(parseNetworks(text)!, address)).toBe(expected);
  });

  it.each([
    'localhost',
    '10.0.0.0/33',
    '10.0.0/8',
    '::1/129',
    '10.0.0.1,',
    ' 10.0.0.1',
    '10.0.0.1/',
    '*',
  ])('is not %j', (text) => {
    expect(parseNetworks(text)).toBeUndefined();
    expect(() => loadConfig({ PEMBA_TRUSTED_PROXIES: text })).toThrow(
      /PEMBA_TRUSTED_PROXIES must be addresses or networks/,
    );
  });

  it('is asked for wherever a header tells of certificates', () => {
    expect(() => loadConfig({ PEMBA_CLIENT_CERTIFICATE_HEADER: 'Client-Cert' })).toThrow(
      /PEMBA_CLIENT_CERTIFICATE_HEADER needs PEMBA_TRUSTED_PROXIES/,
    );
  });
});
