/** Where the master key comes from, and that a file of it is made once, whole, for its owner alone. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../src/config.js';
import { masterKeyIn, masterKeySource } from '../../src/delegation/master-key.js';
import type { MasterKey } from '../../src/delegation/sealed-key.js';
import { SigningKey } from '../../src/delegation/signing-key.js';

const KEY = randomBytes(32).toString('base64');

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pemba-master-'));
  path = join(folder, 'master.key');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const signingKey = SigningKey.generate('EdDSA');
const areSame = (a: MasterKey, b: MasterKey): boolean =>
  b.open(signingKey.id, a.seal(signingKey, randomBytes)) !== undefined;

describe('the master key', () => {
  it.each([
    [{ PEMBA_MASTER_KEY: KEY }, 'given'],
    [{ PEMBA_MASTER_KEY: KEY, DATABASE_URL: 'postgres://db' }, 'given'],
    [{}, 'file'],
    [{ DATABASE_URL: 'postgres://db' }, 'none'],
  ])('with %j is %s', (env, kind) => {
    expect(masterKeySource(loadConfig(env)).kind).toBe(kind);
  });

  it.each([
    'secret',
    randomBytes(16).toString('base64'),
    randomBytes(32).toString('hex'),
    `${KEY} `,
    `"${KEY}"`,
  ])('cannot be %j, and no message shows it', (value) => {
    const load = (): unknown => loadConfig({ PEMBA_MASTER_KEY: value });
    expect(load).toThrow(/PEMBA_MASTER_KEY must be 32 bytes in base64, such as `openssl rand/);
    expect(load).not.toThrow(value);
  });

  it('is made in the folder, for its owner alone, and is the same the next time', () => {
    const key = masterKeyIn(join(folder, 'new'), randomBytes);
    expect(areSame(key, masterKeyIn(join(folder, 'new'), randomBytes))).toBe(true);
    expect(readdirSync(join(folder, 'new'))).toEqual(['master.key']);
    expect(statSync(join(folder, 'new', 'master.key')).mode & 0o777).toBe(0o600);
    expect(areSame(key, masterKeyIn(folder, randomBytes))).toBe(false);
  });

  it('of the file can be given by the setting', () => {
    const key = masterKeyIn(folder, randomBytes);
    const text = readFileSync(path, 'utf8').trim();
    const source = masterKeySource(loadConfig({ PEMBA_MASTER_KEY: text }));
    expect(source.kind === 'given' && areSame(source.key, key)).toBe(true);
  });

  it('is that of whoever was first', () => {
    const first = `${randomBytes(32).toString('base64')}\n`;
    let asked = 0;
    // The other process finishes its file while this one makes its own.
    const random = (count: number): Buffer => {
      if (++asked === 2) writeFileSync(path, first);
      return randomBytes(count);
    };
    masterKeyIn(folder, random);
    expect(readFileSync(path, 'utf8')).toBe(first);
    expect(readdirSync(folder)).toEqual(['master.key']);
  });

  it.each(['', 'x', KEY.slice(1), `${KEY}${KEY}`, '\0'.repeat(32)])(
    'is not overwritten when the file holds %j',
    (content) => {
      writeFileSync(path, content);
      expect(() => masterKeyIn(folder, randomBytes)).toThrow(
        expect.objectContaining({
          code: 'cannot_start',
          message: expect.stringContaining(`${path} holds no master key: restore it`),
        }),
      );
      expect(readFileSync(path, 'utf8')).toBe(content);
    },
  );

  it('that cannot be kept is told of, with the place', () => {
    mkdirSync(path);
    expect(() => masterKeyIn(folder, randomBytes)).toThrow(
      expect.objectContaining({ code: 'cannot_start', message: expect.stringContaining(path) }),
    );
  });
});
