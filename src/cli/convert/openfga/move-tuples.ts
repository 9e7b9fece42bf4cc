/**
 * Tuples, from the source into a store here, sent while they are read. What was sent is held until
 * the server says that it is settled, so that a tuple which is rejected can be told.
 */
import type { Api, Json } from '../../api.js';
import { CommandError, EXIT } from '../../command-error.js';
import type { Progress } from '../../progress.js';
import type { Rejects } from '../../tuple/rejects.js';
import type { MovedTuples } from './moved-store.js';
import type { TuplePages } from './tuple-pages.js';

/** Of one request; the server takes a gigabyte. */
const PART_BYTES = 128 * 2 ** 20;
/** The server hangs up on who sends nothing; a source that is busy is waited for in between. */
const PATIENCE_MS = 2_000;

export interface TupleTarget {
  readonly api: Api;
  readonly store: string;
  /** As it is told of what is rejected. */
  readonly name: string;
  readonly rejects: Rejects;
  readonly bar: Progress;
}

interface Told {
  /** All lines up to there are settled. */
  readonly line: number;
  readonly written: number;
  readonly rejected: number;
  readonly rejects?: readonly { readonly line: number; readonly message: string }[];
}

export async function moveTuples(pages: TuplePages, target: TupleTarget): Promise<MovedTuples> {
  const counts = { read: 0, written: 0, rejected: 0 };
  while (!(await pages.isOver())) {
    const part = new Part(pages);
    let told: Told = { line: 0, written: 0, rejected: 0 };
    const path = `/stores/${target.store}/import`;
    for await (const line of target.api.upload(path, part.body())) {
      told = line as unknown as Told;
      for (const { line: place, message } of told.rejects ?? []) {
        await reject(target, part.tupleAt(place), message);
      }
      part.forgetUpTo(told.line);
      target.bar.update(counts.read + told.line);
    }
    if (told.line < part.count) {
      const problem = `${target.name}: only ${told.line} of ${part.count} tuples were settled`;
      throw new CommandError(problem, EXIT.failed);
    }
    counts.read += part.count;
    counts.written += told.written;
    counts.rejected += told.rejected;
  }
  return { ...counts, already_there: counts.read - counts.written - counts.rejected };
}

function reject({ name, rejects }: TupleTarget, tuple: Json, message: string): Promise<void> {
  const { object, relation, user } = tuple;
  const where = `${name}: ${String(object)}#${String(relation)}@${String(user)}`;
  return rejects.add(where, { store: name, tuple }, message);
}

interface SentPage {
  /** Of its lines, in the request. */
  readonly first: number;
  readonly tuples: readonly Json[];
}

const endOf = ({ first, tuples }: SentPage): number => first + tuples.length - 1;

/** What one request sends; the server counts its lines from 1. */
class Part {
  readonly #pages: TuplePages;
  readonly #sent: SentPage[] = [];
  count = 0;

  constructor(pages: TuplePages) {
    this.#pages = pages;
  }

  async *body(): AsyncGenerator<string, void, undefined> {
    let bytes = 0;
    while (bytes < PART_BYTES) {
      const tuples = await this.#pages.take(PATIENCE_MS);
      if (tuples === undefined) return;
      if (tuples.length === 0) continue;
      this.#sent.push({ first: this.count + 1, tuples });
      this.count += tuples.length;
      const text = tuples.map((tuple) => `${JSON.stringify(tuple)}\n`).join('');
      bytes += text.length;
      yield text;
    }
  }

  tupleAt(line: number): Json {
    const sent = this.#sent.findLast(({ first }) => first <= line);
    return sent?.tuples[line - sent.first] ?? {};
  }

  forgetUpTo(line: number): void {
    while (this.#sent[0] !== undefined && endOf(this.#sent[0]) <= line) this.#sent.shift();
  }
}
