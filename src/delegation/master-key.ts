/**
 * Where the master key comes from: PEMBA_MASTER_KEY, or where the database is our own, a file beside
 * it that is made at the first start. A database elsewhere has no place for it that is safer than the
 * database: there it has to be given, or nothing is signed.
 */
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync } from 'node:fs';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isNativeError } from 'node:util/types';
import type { Config } from '../config.js';
import { PembaError } from '../errors.js';
import type { RandomBytes } from '../identity/key-text.js';
import { MasterKey } from './sealed-key.js';

const FILE = 'master.key';

export type MasterKeySource =
  | { readonly kind: 'given'; readonly key: MasterKey }
  | { readonly kind: 'file'; readonly folder: string }
  | { readonly kind: 'none' };

export function masterKeySource({ masterKey, databaseUrl, dataDir }: Config): MasterKeySource {
  const key = MasterKey.parse(masterKey);
  if (key !== undefined) return { kind: 'given', key };
  return databaseUrl === undefined ? { kind: 'file', folder: dataDir } : { kind: 'none' };
}

/** The one in the folder, after making it if there is none. Throws `cannot_start` naming the file. */
export function masterKeyIn(folder: string, random: RandomBytes): MasterKey {
  const path = join(folder, FILE);
  try {
    const text = read(path) ?? make(path, folder, random);
    const key = MasterKey.parse(text.trim());
    if (key !== undefined) return key;
  } catch (error) {
    const reason = isNativeError(error) ? error.message : typeof error;
    throw new PembaError('cannot_start', `The master key cannot be kept in ${path}: ${reason}.`, {
      cause: error,
    });
  }
  throw new PembaError(
    'cannot_start',
    `${path} holds no master key: restore it from a backup. If there is none, remove the file, and ` +
      'the signing keys with "pemba signing-keys reset".',
  );
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whole or not at all, once, whoever else starts or is killed: a link fails where there is a file. */
function make(path: string, folder: string, random: RandomBytes): string {
  mkdirSync(folder, { recursive: true });
  const draft = `${path}.${random(6).toString('hex')}`;
  try {
    const file = openSync(draft, 'wx', 0o600);
    try {
      writeFileSync(file, `${random(MasterKey.LENGTH).toString('base64')}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  return readFileSync(path, 'utf8');
}
