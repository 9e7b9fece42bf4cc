/**
 * Stores of a backup are sent one after the other, each as it stands between its first line and its
 * seal. They are verified before anything is sent: a file that is damaged somewhere restores nothing.
 */
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Json } from '../api.js';
import { CommandError, EXIT, usageError } from '../command-error.js';
import { print, textOf } from '../print.js';
import type { Surroundings } from '../surroundings.js';
import { storesIn } from './stores-in.js';
import type { StorePart, StoreSummary } from './stores-in.js';

export interface RestoreOptions {
  readonly store?: string;
  readonly keepId?: boolean;
  readonly check?: boolean;
}

export async function restore(
  around: Surroundings,
  file: string,
  options: RestoreOptions,
): Promise<void> {
  const output = around.output();
  const found = await verified(file);
  const wanted = found.filter(({ id }) => options.store === undefined || id === options.store);
  if (wanted.length === 0) {
    const ids = found.map(({ id }) => id).join(', ');
    throw new CommandError(`${file} has no store ${options.store ?? ''}: ${ids}`, EXIT.failed);
  }
  if (options.check === true) {
    const text = wanted.map(
      ({ id, name, seal }) => `${id} (${name}): whole, ${seal.tuples} tuples`,
    );
    print(output, wanted, text.join('\n'));
    return;
  }
  const made: Json[] = [];
  const path = `/restore${options.keepId === true ? '?keep_id=true' : ''}`;
  const total = wanted.reduce((sum, { seal }) => sum + seal.tuples, 0);
  const bar = await output.progress('restoring', total);
  let done = 0;
  try {
    for await (const part of storesIn(bytesOf(file))) {
      if (!wanted.some(({ id }) => id === part.id)) {
        await part.skip();
        continue;
      }
      const answer = await restoreOne(around, path, part, (tuples) => {
        bar.update(done + tuples);
      });
      made.push(answer);
      done += Number(answer['tuples']);
    }
  } finally {
    bar.stop();
    for (const each of made) output.note(madeText(each));
  }
  if (output.json) print(output, made, '');
  else output.write(made.map(({ id }) => `${textOf(id)}\n`).join(''));
}

const madeText = ({ id, name, tuples }: Json): string =>
  `${textOf(name)} is there as ${textOf(id)}, with ${textOf(tuples)} tuples.`;

async function restoreOne(
  around: Surroundings,
  path: string,
  part: StorePart,
  onProgress: (tuples: number) => void,
): Promise<Json> {
  let last: Json = {};
  for await (const line of around.api().upload(path, part.bytes())) {
    last = line;
    if (line['id'] === undefined) onProgress(Number(line['tuples']));
  }
  return last;
}

async function verified(file: string): Promise<readonly StoreSummary[]> {
  const found: StoreSummary[] = [];
  try {
    for await (const part of storesIn(bytesOf(file))) found.push(await part.skip());
  } catch (error) {
    const { syscall, code, message } = error as NodeJS.ErrnoException;
    if (syscall !== undefined) throw usageError(`${file} cannot be read: ${message}`);
    // What zlib says of a file that is cut, or none of its own.
    if (code?.startsWith('Z_') === true) {
      throw new CommandError(`${file} is damaged: ${message}`, EXIT.failed);
    }
    throw error;
  }
  if (found.length === 0) throw new CommandError(`${file} is empty`, EXIT.failed);
  return found;
}

function bytesOf(file: string): AsyncIterable<Uint8Array> {
  const stream = createReadStream(file, { highWaterMark: 2 ** 18 });
  if (!file.endsWith('.gz')) return stream as AsyncIterable<Uint8Array>;
  // Whoever reads what is unpacked hears of what goes wrong.
  return pipeline(stream, createGunzip(), () => undefined);
}
