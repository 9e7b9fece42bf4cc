/**
 * To an HTTP collector as OPA would send it: a POST of a gzipped JSON array. What is not taken is
 * sent again, with three exceptions that are about the content: of 400, 413 and 422 a smaller part
 * is tried, down to the one event that is refused. A wrong token or address is none of them: it is
 * mended at the collector or here, and nothing is lost until then.
 */
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { isNativeError } from 'node:util/types';
import { gzip } from 'node:zlib';
import { PembaError } from '../../errors.js';
import { EventRefused } from './sink.js';
import type { DecisionSink } from './sink.js';

export interface CollectorOptions {
  readonly url: string;
  /** For one batch to be taken. */
  readonly timeoutMs: number;
  /** Read for every batch, so that a token can be changed; '' when none is wanted. */
  readonly tokenFile: string;
  readonly gatherMs: number;
  readonly fetch: typeof fetch;
}

const ABOUT_THE_CONTENT: readonly number[] = [400, 413, 422];
const TOKEN = /^[\x21-\x7e]+$/;

const compress = promisify(gzip);

export class CollectorSink implements DecisionSink {
  readonly maxBatchBytes = 1_048_576;
  readonly gatherMs: number;
  readonly #options: CollectorOptions;
  readonly #closing = new AbortController();

  constructor(options: CollectorOptions) {
    this.#options = options;
    this.gatherMs = options.gatherMs;
  }

  async open(): Promise<void> {
    try {
      await this.#authorization();
    } catch (error) {
      const reason = isNativeError(error) ? error.message : String(error);
      throw new PembaError('cannot_start', `PEMBA_DECISION_LOG_TOKEN_FILE: ${reason}`, {
        cause: error,
      });
    }
  }

  async write(events: readonly string[]): Promise<number> {
    const status = await this.#post(events);
    if (status >= 200 && status < 300) return events.length;
    if (!ABOUT_THE_CONTENT.includes(status)) throw new Error(`the collector answered ${status}`);
    if (events.length > 1) return this.write(events.slice(0, Math.ceil(events.length / 2)));
    throw new EventRefused(`the collector answered ${status} to a single event`);
  }

  async #post(events: readonly string[]): Promise<number> {
    const { url, timeoutMs, fetch } = this.#options;
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'content-encoding': 'gzip',
        ...(await this.#authorization()),
      },
      body: await compress(`[${events.join(',')}]`),
      // Neither the events nor the token go where nobody has configured it.
      redirect: 'manual',
      signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), this.#closing.signal]),
    });
    await response.body?.cancel();
    return response.status;
  }

  async #authorization(): Promise<{ readonly authorization?: string }> {
    const { tokenFile } = this.#options;
    if (tokenFile === '') return {};
    const token = (await readFile(tokenFile, 'utf8')).trim();
    if (!TOKEN.test(token)) throw new Error(`${tokenFile} does not hold a token`);
    return { authorization: `Bearer ${token}` };
  }

  close(): Promise<void> {
    this.#closing.abort(new Error('the decision log is closing'));
    return Promise.resolve();
  }
}
