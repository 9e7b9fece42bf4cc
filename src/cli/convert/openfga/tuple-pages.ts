/**
 * The tuples of a store while they are read: the next page is asked for before it is wanted, and can
 * be waited for without being taken.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Json } from '../../api.js';

type Page = IteratorResult<readonly Json[], void>;

export class TuplePages {
  readonly #pages: AsyncGenerator<readonly Json[], void, undefined>;
  #next: Promise<Page>;

  constructor(pages: AsyncGenerator<readonly Json[], void, undefined>) {
    this.#pages = pages;
    this.#next = this.#ask();
  }

  async isOver(): Promise<boolean> {
    return (await this.#next).done === true;
  }

  /** Undefined at the end, and where the page does not come in time: then it can be taken later. */
  async take(withinMs: number): Promise<readonly Json[] | undefined> {
    const late = new AbortController();
    const timer = sleep(withinMs, undefined, { signal: late.signal }).catch(() => undefined);
    const page = await Promise.race([this.#next, timer]).finally(() => {
      late.abort();
    });
    if (page === undefined || page.done === true) return undefined;
    this.#next = this.#ask();
    return page.value;
  }

  #ask(): Promise<Page> {
    const page = this.#pages.next();
    // Whoever takes it hears of it.
    page.catch(() => undefined);
    return page;
  }
}
