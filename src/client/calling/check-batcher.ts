/**
 * Checks of one tick as one batch-check. Only what is asked of one store, of one model, at one
 * freshness and with one subject token goes together.
 *
 * Nobody fails of a neighbour: an item's error is that item's, and when the batch as a whole is
 * refused for its content, its items are asked one by one.
 */
import type { Answer } from './answer.js';
import { sleep, untilAborted } from './call.js';
import type { Call, Time } from './call.js';
import type { AskedCheck, CheckAnswer, Poster } from './checker.js';
import { PembaClientError } from './client-error.js';
import { SharedCall } from './shared-call.js';
import { verdictOf } from './verdict.js';

export interface BatchingOptions {
  /** Of one batch; not more than the server's PEMBA_MAX_BATCH_CHECKS. Default 50. */
  readonly maxChecks?: number | undefined;
  /** How long a check waits for others. Default 0: until the caller's code has come to its end. */
  readonly windowMs?: number | undefined;
}

interface Parts {
  readonly poster: Poster & { readonly time: Time };
  readonly windowMs: number;
  readonly single: (check: AskedCheck, call: Call) => Promise<CheckAnswer>;
}

interface Item {
  readonly check: AskedCheck;
  readonly call: Call;
  readonly settle: (answer: CheckAnswer | Promise<CheckAnswer>) => void;
}

export class CheckBatcher {
  readonly #parts: Parts;
  readonly #open = new Map<string, Item[]>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  ask(check: AskedCheck, call: Call): Promise<CheckAnswer> {
    const answer = new Promise<CheckAnswer>((settle) => {
      const key = JSON.stringify([check.target, check.subjectToken]);
      const items = this.#open.get(key) ?? this.#start(key);
      items.push({ check, call, settle });
      if (items.length >= this.#parts.poster.maxBatchChecks) this.#close(key, items);
    });
    return untilAborted(call.signal, answer);
  }

  #start(key: string): Item[] {
    const items: Item[] = [];
    this.#open.set(key, items);
    void this.#endOfWindow().then(() => {
      this.#close(key, items);
    });
    return items;
  }

  #endOfWindow(): Promise<void> {
    const { windowMs, poster } = this.#parts;
    return windowMs === 0
      ? Promise.resolve()
      : sleep(poster.time, windowMs, new AbortController().signal);
  }

  #close(key: string, items: readonly Item[]): void {
    if (this.#open.get(key) !== items) return;
    this.#open.delete(key);
    const wanted = items.filter(({ call }) => !call.signal.aborted);
    if (wanted.length === 1) {
      for (const { check, call, settle } of wanted) settle(this.#parts.single(check, call));
      return;
    }
    const batch = new SharedCall((call) => this.#send(wanted, call));
    wanted.forEach((item, i) => {
      item.settle(this.#answer(batch, item, i));
    });
  }

  async #answer(batch: SharedCall<Answer>, item: Item, i: number): Promise<CheckAnswer> {
    let answer: Answer;
    try {
      answer = await batch.join(item.call);
    } catch (error) {
      if (!isOfContent(error)) throw error;
      return this.#parts.single(item.check, item.call);
    }
    const verdict = verdictOf(answer, String(i));
    if (verdict.error !== undefined) throw verdict.error;
    return { allowed: verdict.allowed, consistencyToken: answer.consistencyToken };
  }

  #send(items: readonly Item[], call: Call): Promise<Answer> {
    const [first] = items;
    if (first === undefined) throw new TypeError('a batch has items');
    const { target, subjectToken } = first.check;
    const checks = items.map(({ check }, i) => ({
      ...check.question,
      correlation_id: String(i),
    }));
    const body = { checks, subject_token: subjectToken };
    return this.#parts.poster.post({ target, verb: 'batch-check', body }, call);
  }
}

/** Something in the batch is wrong, or it is too much. */
const isOfContent = (error: unknown): boolean =>
  error instanceof PembaClientError && (error.status === 400 || error.status === 413);
