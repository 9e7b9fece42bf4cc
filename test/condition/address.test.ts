import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { IpAddress, contains, readAddress, readBlock } from '../../src/condition/address.js';
import { declare, outcome } from './declare.js';

describe('in_cidr', () => {
  it.each([
    ['10.1.2.3', '10.0.0.0/8', true],
    ['11.1.2.3', '10.0.0.0/8', false],
    ['192.168.1.77', '192.168.1.64/28', true],
    ['192.168.1.80', '192.168.1.64/28', false],
    ['192.168.1.5', '192.168.1.5/32', true],
    ['8.8.8.8', '0.0.0.0/0', true],
    // the bits beyond the prefix may be set
    ['10.9.9.9', '10.1.2.3/8', true],
    ['2001:db8::1', '2001:db8::/32', true],
    ['2001:db9::1', '2001:db8::/32', false],
    ['2001:db8::1', '2001:db8::1/128', true],
    ['2001:db8::1', '::/0', true],
    // an IPv4-mapped address is the IPv4 address, and a block of them is an IPv4 block
    ['::ffff:10.1.2.3', '10.0.0.0/8', true],
    ['::ffff:a01:203', '10.0.0.0/8', true],
    ['10.1.2.3', '::ffff:10.0.0.0/104', true],
    ['11.1.2.3', '::ffff:10.0.0.0/104', false],
    // otherwise the families have nothing in common
    ['10.1.2.3', '::/0', false],
    ['::1', '0.0.0.0/0', false],
    ['::a01:203', '10.0.0.0/8', false],
  ])('%s in %s is %p', (ip, cidr, expected) => {
    const literal = declare(`ip.in_cidr("${cidr}")`, { ip: 'ipaddress' });
    expect(outcome(literal, { request: { ip } }).kind).toBe(String(expected));
    const given = declare('ip.in_cidr(cidr)', { ip: 'ipaddress', cidr: 'string' });
    expect(outcome(given, { request: { ip, cidr } }).kind).toBe(String(expected));
  });

  it.each(['10.0.0.0', '10.0.0.0/', '10.0.0.0/33', '10.0.0.0/08', '10.0.0.0/-1', '::/129', '/8'])(
    'refuses the block %s, in the model as in a value',
    (cidr) => {
      expect(() => declare(`ip.in_cidr("${cidr}")`, { ip: 'ipaddress' })).toThrow('a CIDR block');
      const given = declare('ip.in_cidr(cidr)', { ip: 'ipaddress', cidr: 'string' });
      expect(outcome(given, { request: { ip: '10.0.0.1', cidr } })).toEqual({
        kind: 'error',
        message: expect.stringContaining('expected a CIDR block'),
      });
    },
  );

  it('agrees with comparing the bits written out', () => {
    const width = { 4: 32, 6: 128 } as const;
    const family = fc.constantFrom(4 as const, 6 as const);
    const bits = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n });
    fc.assert(
      fc.property(family, bits, bits, fc.nat(128), (of, one, other, nearness) => {
        const size = width[of];
        const shared = BigInt(Math.min(nearness, size));
        const address = new IpAddress(of, one >> BigInt(128 - size));
        // agrees with the address in the last `shared` bits of the width, counted from the top
        const base = address.bits ^ ((other >> BigInt(128 - size)) >> shared);
        const written = (value: bigint): string => value.toString(2).padStart(size, '0');
        for (const length of [0, 1, Number(shared), size - 1, size]) {
          const block = readBlock(`${textOf(of, base)}/${length}`);
          const expected = written(address.bits).startsWith(written(base).slice(0, length));
          expect(contains(block, address)).toBe(expected);
        }
      }),
    );
  });
});

describe('an address', () => {
  it('is read from any of its texts', () => {
    const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
    const groups = fc.array(group, { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(groups, fc.nat(8), fc.nat(8), (parts, start, length) => {
        const bits = parts.reduce((sum, part) => (sum << 16n) | BigInt(part), 0n);
        const full = parts.map((part) => part.toString(16));
        expect(readAddress(full.join(':'))).toEqual(new IpAddress(6, bits));
        expect(readAddress(full.join(':').toUpperCase())).toEqual(new IpAddress(6, bits));
        const gap = parts.slice(start, start + length);
        if (gap.length === 0 || gap.some((part) => part !== 0)) return;
        const head = full.slice(0, start).join(':');
        const tail = full.slice(start + gap.length).join(':');
        expect(readAddress(`${head}::${tail}`)).toEqual(new IpAddress(6, bits));
      }),
    );
  });

  it('can be compared, looked up and given as a literal', () => {
    const condition = declare(
      'ip == ipaddress(text) && ip in [ipaddress("::1"), ipaddress("10.0.0.1")] && ip != other',
      { ip: 'ipaddress', text: 'string', other: 'ipaddress' },
    );
    const request = { ip: '::ffff:10.0.0.1', text: '10.0.0.1', other: '10.0.0.2' };
    expect(outcome(condition, { request })).toEqual({ kind: 'true' });
  });

  it('has no fields', () => {
    expect(() => declare('ip.bits == 1', { ip: 'ipaddress' })).toThrow('No such key: bits');
  });
});

function textOf(family: 4 | 6, bits: bigint): string {
  const width = family === 4 ? 8n : 16n;
  const count = family === 4 ? 4 : 8;
  const parts = Array.from({ length: count }, (_, index) => {
    const part = (bits >> (width * BigInt(count - 1 - index))) & ((1n << width) - 1n);
    return family === 4 ? part.toString() : part.toString(16);
  });
  return parts.join(family === 4 ? '.' : ':');
}
