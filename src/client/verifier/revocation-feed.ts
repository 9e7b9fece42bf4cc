/**
 * Keeps the list of revocations current, from the issuer's feed, in the background.
 *
 *   ┌─▶ read pages to the end ──(poll)──▶ wait 5 s ──────────────────┐
 *   │          └──────────────(stream)──▶ follow until it breaks ──▶ wait 1 s
 *   └────────────── after a failure: wait 1 s, 2 s … 60 s ◀──────────┘
 *
 * Every connection begins with the pages: only their end says that nothing is missing. After that
 * each piece of a stream, heartbeats included, says so again. A cursor that the server does not know
 * (its database was restored) is given up, and the feed is read from its beginning.
 */
import type { Clock } from '../../clock.js';
import { readWatermark } from '../../delegation/watermark.js';
import { boundedBody } from '../../identity/bounded-body.js';
import type { Fetch } from '../../identity/key-source.js';
import { isJsonObject, strictJson } from '../../identity/strict-json.js';
import type { Timers } from '../../identity/timers.js';
import type { JsonValue } from '../../tuple/tuple.js';
import { EventStreamReader } from './event-stream.js';
import type { RevocationList } from '../../delegation/revocation-list.js';

export interface RevocationFeedParts {
  readonly url: string;
  readonly mode: 'poll' | 'stream';
  readonly list: RevocationList;
  /** The value of the header that lets this service read the feed. */
  readonly authorization: (() => string | Promise<string>) | undefined;
  readonly clockSkewSeconds: number;
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly failed: (error: unknown) => void;
}

/** A revocation reaches a polling service this late; permits live twelve times as long. */
const POLL_MS = 5000;
const AFTER_STREAM_MS = 1000;
const BACKOFF_MIN_MS = 1000;
const BACKOFF_MAX_MS = 60_000;
const TIMEOUT_MS = 5000;
/** Three heartbeats. */
const STREAM_SILENCE_MS = 45_000;
/** It looks at every watermark that is known. */
const FORGET_EVERY_MS = 10_000;
const PAGE_SIZE = 100;
const PAGE_BYTES_MAX = 262_144;
/** Twice as many watermarks as the list holds one by one. */
const PAGES_MAX = 2000;
/** A cursor that is malformed, or of another time. */
const CURSOR_REFUSED = [400, 404, 410];

export class RevocationFeed {
  readonly #parts: RevocationFeedParts;
  readonly #stopping = new AbortController();
  #cursor: string | undefined;
  #heardAt = -Infinity;
  #forgotAt = -Infinity;
  #failures = 0;
  #running: Promise<void> | undefined;

  constructor(parts: RevocationFeedParts) {
    this.#parts = parts;
  }

  /** Resolves after the first attempt, whatever came of it. */
  start(): Promise<void> {
    return new Promise((resolve) => {
      this.#running ??= this.#run(resolve);
      if (this.#heardAt > -Infinity) resolve();
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the verifier was stopped'));
    await this.#running;
  }

  /** Since everything that was revoked was known. */
  ageMs(): number {
    return this.#parts.clock.monotonic() - this.#heardAt;
  }

  async #run(attempted: () => void): Promise<void> {
    while (!this.#isStopping()) {
      try {
        await this.#readPages();
        attempted();
        if (this.#parts.mode === 'stream') await this.#follow();
        this.#failures = 0;
        await this.#wait(this.#parts.mode === 'stream' ? AFTER_STREAM_MS : POLL_MS);
      } catch (error) {
        if (this.#isStopping()) break;
        this.#parts.failed(error);
        const waitMs = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** this.#failures);
        this.#failures += 1;
        attempted();
        await this.#wait(waitMs);
      }
    }
    attempted();
  }

  async #readPages(): Promise<void> {
    const { clock } = this.#parts;
    for (let page = 0; page < PAGES_MAX; page++) {
      const askedAt = clock.monotonic();
      const count = await this.#readPage();
      if (count === 0) {
        this.#heard(askedAt);
        return;
      }
    }
    throw new Error(`the revocations do not end within ${PAGES_MAX} pages`);
  }

  async #readPage(): Promise<number> {
    const call = this.#call(TIMEOUT_MS);
    try {
      const response = await this.#get('application/json', call.signal, {
        page_size: String(PAGE_SIZE),
      });
      const page = strictJson(await boundedBody(response, PAGE_BYTES_MAX));
      if (!isJsonObject(page)) throw new Error('the page is no JSON object');
      const { revocations, cursor } = page;
      if (!Array.isArray(revocations) || typeof cursor !== 'string') {
        throw new Error('the page has no revocations or no cursor');
      }
      if (revocations.length > 0 && cursor === this.#cursor)
        throw new Error('the cursor stands still');
      for (const revocation of revocations as readonly JsonValue[]) this.#note(revocation);
      this.#cursor = cursor;
      return revocations.length;
    } finally {
      call.end();
    }
  }

  /** Returns when the server ends the stream; throws when it breaks or falls silent. */
  async #follow(): Promise<void> {
    const call = this.#call(STREAM_SILENCE_MS);
    try {
      const response = await this.#get('text/event-stream', call.signal, {});
      const reader = new EventStreamReader();
      const text = new TextDecoder();
      for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
        call.prolong();
        for (const { id, name, data } of reader.push(text.decode(chunk, { stream: true }))) {
          if (name !== 'revocation') continue;
          this.#note(strictJson(Buffer.from(data)));
          this.#cursor = id ?? this.#cursor;
        }
        this.#heard(this.#parts.clock.monotonic());
        this.#failures = 0;
      }
    } finally {
      call.end();
    }
  }

  /** Nothing is missing; what has expired may go. */
  #heard(at: number): void {
    this.#heardAt = at;
    if (at - this.#forgotAt < FORGET_EVERY_MS) return;
    this.#forgotAt = at;
    const { clock, clockSkewSeconds, list } = this.#parts;
    list.forgetExpired(Math.floor(clock.now() / 1000) - clockSkewSeconds);
  }

  #note(value: JsonValue | undefined): void {
    const watermark = readWatermark(value);
    if (watermark === undefined) throw new Error('a revocation is not understood');
    this.#parts.list.note(watermark);
  }

  async #get(
    accept: string,
    signal: AbortSignal,
    query: Readonly<Record<string, string>>,
  ): Promise<Response> {
    const { authorization, fetch, url } = this.#parts;
    const parameters = { ...(this.#cursor !== undefined && { after: this.#cursor }), ...query };
    const response = await fetch(`${url}?${new URLSearchParams(parameters).toString()}`, {
      headers: {
        accept,
        ...(authorization !== undefined && { authorization: await authorization() }),
      },
      signal,
      redirect: 'manual',
    });
    if (response.status === 200) return response;
    await response.body?.cancel();
    if (CURSOR_REFUSED.includes(response.status)) this.#cursor = undefined;
    throw new Error(`${url} answered ${response.status}`);
  }

  /** A call that ends with the feed, or when nothing was heard for so long. */
  #call(silenceMs: number): { signal: AbortSignal; prolong: () => void; end: () => void } {
    const controller = new AbortController();
    const stop = (): void => {
      controller.abort(this.#stopping.signal.reason);
    };
    if (this.#isStopping()) stop();
    this.#stopping.signal.addEventListener('abort', stop);
    const silent = (): void => {
      controller.abort(new Error(`nothing was heard for ${silenceMs} ms`));
    };
    let cancel = this.#parts.timers.after(silenceMs, silent);
    return {
      signal: controller.signal,
      prolong: () => {
        cancel();
        cancel = this.#parts.timers.after(silenceMs, silent);
      },
      end: () => {
        cancel();
        this.#stopping.signal.removeEventListener('abort', stop);
      },
    };
  }

  #wait(ms: number): Promise<void> {
    if (this.#isStopping()) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        cancel();
        this.#stopping.signal.removeEventListener('abort', wake);
        resolve();
      };
      const cancel = this.#parts.timers.after(ms, wake);
      this.#stopping.signal.addEventListener('abort', wake);
    });
  }

  #isStopping = (): boolean => this.#stopping.signal.aborted;
}
