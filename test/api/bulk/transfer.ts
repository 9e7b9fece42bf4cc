/** Lines of JSON as they go out of a store and into one, for the tests of both. */
import { createHash } from 'node:crypto';
import type { Answer, Pemba } from '../../support/pemba.js';

const NDJSON = { 'content-type': 'application/x-ndjson' };

export type Line = Readonly<Record<string, unknown>>;

export interface Transfer {
  readonly answer: Answer;
  /** Without the last. */
  readonly lines: readonly Line[];
  readonly end: Readonly<Record<string, unknown>>;
}

export const textOf = (lines: readonly object[]): string =>
  lines.map((line) => `${JSON.stringify(line)}\n`).join('');

/** Fails unless what arrived is whole. */
export async function transferOf(
  pemba: Pemba,
  path: string,
  kind: 'export' | 'backup',
): Promise<Transfer> {
  const answer = await pemba.call('GET', `${path}/${kind}`);
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
  const texts = answer.text.split('\n').slice(0, -1);
  const last = texts.pop() ?? '';
  const { end } = JSON.parse(last) as { readonly end: Transfer['end'] };
  const sha256 = sha256Of(texts.map((text) => `${text}\n`).join(''));
  if (end['sha256'] !== sha256) throw new Error('the digest is another one');
  return { answer, lines: texts.map((text) => JSON.parse(text) as Line), end };
}

export const sha256Of = (text: string): string => createHash('sha256').update(text).digest('hex');

export const sendLines = (pemba: Pemba, path: string, raw: string): Promise<Answer> =>
  pemba.call('POST', path, undefined, { raw, headers: NDJSON });

/** In an order that does not depend on where they came from. */
export const sorted = (lines: readonly Line[]): readonly Line[] =>
  [...lines].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
