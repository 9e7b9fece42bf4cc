/**
 * IP addresses and CIDR blocks. An IPv4-mapped IPv6 address (`::ffff:10.0.0.1`) is the IPv4
 * address, everywhere: as a value, in `==`, and as the base of a block.
 */
import { expected } from './value-error.js';

type Family = 4 | 6;

const WIDTH: Readonly<Record<Family, number>> = { 4: 32, 6: 128 };
/** The upper 96 bits of an IPv4-mapped address. */
const MAPPED = 0xffffn;
/** `ffff:` seven times and an IPv4 address. */
const ADDRESS_LENGTH_MAX = 50;

const ADDRESS_FORM = 'an IP address';
const BLOCK_FORM = 'a CIDR block such as "10.0.0.0/8"';

export class IpAddress {
  readonly family: Family;
  readonly bits: bigint;

  constructor(family: Family, bits: bigint) {
    const mapped = family === 6 && bits >> 32n === MAPPED;
    this.family = mapped ? 4 : family;
    this.bits = mapped ? bits & 0xffff_ffffn : bits;
  }

  equals(other: IpAddress): boolean {
    return this.family === other.family && this.bits === other.bits;
  }
}

export interface CidrBlock {
  readonly family: Family;
  /** The bits that are free within the block. */
  readonly hostBits: bigint;
  /** The bits that its addresses share. */
  readonly prefix: bigint;
}

export const contains = (block: CidrBlock, address: IpAddress): boolean =>
  address.family === block.family && address.bits >> block.hostBits === block.prefix;

export function readAddress(text: string): IpAddress {
  const found = parseBits(text);
  if (found === undefined) throw expected(ADDRESS_FORM, text);
  return new IpAddress(found.family, found.bits);
}

const PREFIX_LENGTH = /^(?:0|[1-9]\d{0,2})$/;

export function readBlock(text: string): CidrBlock {
  const slash = text.lastIndexOf('/');
  const found = slash < 0 ? undefined : parseBits(text.slice(0, slash));
  const length = text.slice(slash + 1);
  if (found === undefined || !PREFIX_LENGTH.test(length)) throw expected(BLOCK_FORM, text);
  const free = WIDTH[found.family] - Number(length);
  if (free < 0) throw expected(BLOCK_FORM, text);
  // A block of mapped addresses is one of IPv4; with a shorter prefix it reaches beyond them.
  const base = free > 32 ? found : new IpAddress(found.family, found.bits);
  const hostBits = BigInt(free);
  return { family: base.family, hostBits, prefix: base.bits >> hostBits };
}

interface Bits {
  readonly family: Family;
  readonly bits: bigint;
}

function parseBits(text: string): Bits | undefined {
  if (text.length > ADDRESS_LENGTH_MAX) return undefined;
  const family = text.includes(':') ? 6 : 4;
  const bits = family === 6 ? parseV6(text) : parseV4(text);
  return bits === undefined ? undefined : { family, bits };
}

/** Four numbers without leading zeros, which some programs take for octal. */
const V4 = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/;

function parseV4(text: string): bigint | undefined {
  const match = V4.exec(text);
  if (match === null) return undefined;
  let bits = 0;
  for (const part of match.slice(1)) {
    if (Number(part) > 255) return undefined;
    bits = bits * 256 + Number(part);
  }
  return BigInt(bits);
}

const GROUP = /^[0-9a-fA-F]{1,4}$/;

function parseV6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head = '', tail] = halves;
  const left = groups(head, tail === undefined);
  const right = groups(tail ?? '', true);
  if (left === undefined || right === undefined) return undefined;
  const gap = 8 - left.length - right.length;
  if (tail === undefined ? gap !== 0 : gap < 1) return undefined;
  const all = [...left, ...Array<bigint>(gap).fill(0n), ...right];
  return all.reduce((bits, group) => (bits << 16n) | group, 0n);
}

/** The 16-bit groups; the last may be an IPv4 address, which makes two of them. */
function groups(text: string, last: boolean): readonly bigint[] | undefined {
  if (text === '') return [];
  const found: bigint[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (last && index === parts.length - 1 && part.includes('.')) {
      const v4 = parseV4(part);
      if (v4 === undefined) return undefined;
      found.push(v4 >> 16n, v4 & 0xffffn);
    } else {
      if (!GROUP.test(part)) return undefined;
      found.push(BigInt(`0x${part}`));
    }
  }
  return found;
}
