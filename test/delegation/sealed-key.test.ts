import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { MasterKey } from '../../src/delegation/sealed-key.js';
import { SigningKey } from '../../src/delegation/signing-key.js';

function newMaster(bytes = randomBytes(32)): MasterKey {
  const master = MasterKey.parse(bytes.toString('base64'));
  if (master === undefined) throw new Error('32 bytes are a master key');
  return master;
}

const master = newMaster();

describe.each(['EdDSA', 'ES256'] as const)('a sealed key of %s', (algorithm) => {
  const key = SigningKey.generate(algorithm);
  const sealed = master.seal(key, randomBytes);

  it('opens to the same key', () => {
    const opened = master.open(key.id, sealed);
    expect(opened?.jwk).toEqual(key.jwk);
    expect(opened?.exportPrivate()).toEqual(key.exportPrivate());
  });

  it('opens under no other master key', () => {
    expect(newMaster().open(key.id, sealed)).toBeUndefined();
  });

  it('opens in no other row', () => {
    expect(master.open(SigningKey.generate(algorithm).id, sealed)).toBeUndefined();
  });

  it('does not open after a change of any byte', () => {
    for (let i = 0; i < sealed.length; i++) {
      const changed = Buffer.from(sealed);
      changed[i] = (changed[i] ?? 0) ^ 1;
      expect([i, master.open(key.id, changed)]).toEqual([i, undefined]);
    }
  });

  it('does not open when it is cut short or grown', () => {
    for (let length = 0; length < sealed.length; length++) {
      expect(master.open(key.id, sealed.subarray(0, length))).toBeUndefined();
    }
    expect(master.open(key.id, Buffer.concat([sealed, Buffer.of(0)]))).toBeUndefined();
  });

  it('is different each time, and holds nothing of the key in clear', () => {
    const again = Buffer.from(master.seal(key, randomBytes));
    expect(again.equals(sealed)).toBe(false);
    expect(again.includes(key.exportPrivate().subarray(-16))).toBe(false);
    expect(again.includes(key.exportPrivate().subarray(0, 16))).toBe(false);
  });
});

describe('a master key', () => {
  it('is read in both alphabets, with and without padding', () => {
    const bytes = Buffer.alloc(32, 0xfb);
    const texts = [bytes.toString('base64'), bytes.toString('base64url')];
    const key = SigningKey.generate('EdDSA');
    const sealed = newMaster(bytes).seal(key, randomBytes);
    for (const text of [...texts, texts.map((one) => `${one}=`)[1] ?? '']) {
      expect(MasterKey.parse(text)?.open(key.id, sealed)?.id).toBe(key.id);
    }
  });

  it.each([
    '',
    'secret',
    randomBytes(31).toString('base64'),
    randomBytes(33).toString('base64'),
    randomBytes(32).toString('hex'),
    ` ${randomBytes(32).toString('base64')}`,
    `${randomBytes(32).toString('base64')}\n`,
    randomBytes(32).toString('base64').replace(/^./, '!'),
  ])('is not %j', (text) => {
    expect(MasterKey.parse(text)).toBeUndefined();
  });

  it('shows nothing of itself', () => {
    const bytes = randomBytes(32);
    const shown = inspect(newMaster(bytes), { depth: Infinity, showHidden: true });
    expect(shown + JSON.stringify(newMaster(bytes))).toBe('MasterKey {}{}');
  });
});
