import { PassThrough } from 'node:stream';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { CommandError, EXIT, usageError } from '../command-error.js';
import { print } from '../print.js';
import { sealLine, sealedLines } from '../sealed-lines.js';
import type { Seal } from '../sealed-lines.js';
import { allStores } from '../store.js';
import type { StoreOption, Surroundings } from '../surroundings.js';
import { put, writingTo } from '../tuple/export.js';

export interface BackupOptions extends StoreOption {
  readonly all?: boolean;
}

export async function backUp(
  around: Surroundings,
  file: string,
  options: BackupOptions,
): Promise<void> {
  if (options.all === true && options.store !== undefined) {
    throw usageError('either --all or a --store');
  }
  const stores =
    options.all === true
      ? (await allStores(around)).map(({ id }) => encodeURIComponent(String(id)))
      : [around.store(options)];
  if (stores.length === 0) throw new CommandError('there are no stores', EXIT.failed);
  const output = around.output();
  const bar = await output.progress('backing up');
  const seals: (Seal & { readonly store: string })[] = [];
  let bytes = 0;
  try {
    await writingTo(file, (target) =>
      packed(file, target, async (inner) => {
        for (const store of stores) {
          const lines = sealedLines(around.api().bytes('GET', `/stores/${store}/backup`));
          for (;;) {
            const next = await lines.next();
            if (next.done === true) {
              await put(inner, sealLine(next.value));
              seals.push({ store, ...next.value });
              break;
            }
            bytes += next.value.length;
            bar.update(bytes, `${(bytes / 1e6).toFixed(1)} MB, ${seals.length} stores`);
            await put(inner, next.value);
          }
        }
      }),
    );
  } finally {
    bar.stop();
  }
  const text = seals.map(
    ({ store, tuples, revision }) => `${store}: ${tuples} tuples at revision ${revision}`,
  );
  // A backup on standard output is followed by nothing.
  if (file === '-') output.note(text.join('\n'));
  else print(output, seals, text.join('\n'));
}

/** What is written goes through gzip, where the name says so. */
async function packed(
  file: string,
  target: Writable,
  write: (target: Writable) => Promise<void>,
): Promise<void> {
  if (!file.endsWith('.gz')) return write(target);
  const source = new PassThrough();
  const packing = pipeline(source, createGzip(), target, { end: false });
  await Promise.all([packing, write(source).then(() => source.end())]);
}
