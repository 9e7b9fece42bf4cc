import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { asRevision } from '../../src/ids.js';
import type { StoreId } from '../../src/ids.js';
import { ConsistencyTokens } from '../../src/replica/consistency-tokens.js';

const KEY = Buffer.alloc(32, 7);
const STORE = '01ARZ3NDEKTSV4RRFFQ69G5FAV' as StoreId;
const OTHER = '01ARZ3NDEKTSV4RRFFQ69G5FAW' as StoreId;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

const revisions = fc.maxSafeNat().map(asRevision);
/** One that has made and seen nothing: what it accepts, it has verified. */
const another = (storeId = STORE, key = KEY): ConsistencyTokens =>
  new ConsistencyTokens(storeId, key);

describe('a consistency token', () => {
  it('names its revision, in every process', () => {
    fc.assert(
      fc.property(revisions, (revision) => {
        const tokens = another();
        const token = tokens.of(revision);
        expect(token).toMatch(/^[\w-]{32}$/);
        expect([tokens, another()].map((one) => one.revisionOf(token))).toEqual([
          revision,
          revision,
        ]);
        expect(another().of(revision)).toBe(token);
      }),
    );
  });

  it('stays what it is: servers of two versions may answer one client', () => {
    expect(another().of(asRevision(42))).toBe('AgAAAAAAACopAUhuhwZyy-W5aSfmGgtZ');
  });

  it('is none of another store, nor of one with another key', () => {
    fc.assert(
      fc.property(revisions, (revision) => {
        const token = another().of(revision);
        expect(another(OTHER).revisionOf(token)).toBeUndefined();
        expect(another(STORE, randomBytes(32)).revisionOf(token)).toBeUndefined();
      }),
    );
  });

  it('is refused when any bit of it is another one', () => {
    const tokens = another();
    const bytes = Buffer.from(tokens.of(asRevision(1234)), 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const altered = Buffer.from(bytes);
      altered[bit >> 3]! ^= 1 << (bit & 7);
      expect(tokens.revisionOf(altered.toString('base64url'))).toBeUndefined();
    }
  });

  it('is refused in any other spelling', () => {
    const tokens = another();
    const token = tokens.of(asRevision(1234));
    const bytes = Buffer.from(token, 'base64url');
    const spellings = [
      '',
      ...Array.from({ length: 32 }, (_, i) => token.slice(0, i)),
      ...Array.from(ALPHABET, (letter) => token + letter),
      ...['=', '==', ' ', '\n', '\0', 'AAAA'].flatMap((more) => [token + more, more + token]),
      bytes.toString('base64').replace(/^(.)/, '$1\n'),
      bytes.toString('hex'),
      bytes.toString('latin1'),
    ];
    for (const spelling of spellings) expect(tokens.revisionOf(spelling)).toBeUndefined();
    // With - or _ in it, the other alphabet is another spelling.
    const [withDash] = Array.from({ length: 100 }, (_, i) => tokens.of(asRevision(i))).filter(
      (one) => /[-_]/.test(one),
    );
    const standard = Buffer.from(withDash!, 'base64url').toString('base64');
    expect(tokens.revisionOf(standard)).toBeUndefined();
    expect(tokens.revisionOf(withDash!)).toBeDefined();
  });

  it('is refused when it was made up, also right after a good one', () => {
    const tokens = another();
    const good = another().of(asRevision(5));
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 24, maxLength: 24 }), (bytes) => {
        expect(tokens.revisionOf(good)).toBe(5);
        expect(tokens.revisionOf(Buffer.from(bytes).toString('base64url'))).toBeUndefined();
        expect(tokens.revisionOf(good)).toBe(5);
      }),
    );
  });
});
