import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CollectorSink } from '../../src/telemetry/decision-log/collector-sink.js';
import type { DecisionLogOptions } from '../../src/telemetry/decision-log/decision-log.js';
import { askable, until } from './decisions.js';
import type { Asked, Event } from './decisions.js';

interface Batch {
  readonly events: readonly Event[];
  readonly headers: IncomingMessage['headers'];
  readonly bytes: number;
}

/** A collector that answers as it is told, and remembers what it took and what it was sent. */
class Collector {
  readonly taken: Batch[] = [];
  readonly sent: Batch[] = [];
  /** A status, or nothing at all. */
  answer: (batch: Batch) => number | 'hang' = () => 200;
  #server: Server | undefined;
  port = 0;

  async start(): Promise<void> {
    this.#server = createServer((request, response) => void this.#hear(request, response));
    await new Promise<void>((resolve) => this.#server?.listen(this.port, '127.0.0.1', resolve));
    this.port = (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/logs`;
  }

  get ids(): readonly string[] {
    return this.taken.flatMap(({ events }) => events.map((event) => event.decision_id));
  }

  async #hear(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = gunzipSync(Buffer.concat(chunks)).toString();
    const events = JSON.parse(text) as Event[];
    const batch = { events, headers: request.headers, bytes: Buffer.byteLength(text) };
    this.sent.push(batch);
    const status = this.answer(batch);
    if (status === 'hang') return;
    if (status < 300) this.taken.push(batch);
    response.writeHead(status, status === 307 ? { location: '/elsewhere' } : {}).end('{}');
  }
}

let collector = new Collector();
const opened: Asked[] = [];

beforeEach(async () => {
  collector = new Collector();
  await collector.start();
});
afterEach(async () => {
  for (const asked of opened.splice(0)) await asked.close();
  await collector.stop();
});

async function open(
  options: Partial<DecisionLogOptions> = {},
  { timeoutMs = 2000, tokenFile = '' } = {},
): Promise<Asked> {
  const { url } = collector;
  const sink = new CollectorSink({ url, timeoutMs, tokenFile, gatherMs: 50, fetch });
  const asked = await askable(sink, { stopWithinMs: 100, ...options });
  opened.push(asked);
  return asked;
}

async function asked(count: number, { ask }: Asked, context: object = {}): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i++) ids.push((await ask(true, context)).id ?? '');
  return ids;
}

const hasAll = (ids: readonly string[]) => (): boolean => collector.ids.length >= ids.length;

describe('a collector of decisions', () => {
  it('gets gzipped arrays of JSON, and every event once', async () => {
    const ids = await asked(100, await open());
    await until(hasAll(ids));
    expect(collector.ids).toEqual(ids);
    expect(collector.taken.length).toBeLessThan(10);
    expect(collector.taken[0]?.headers).toMatchObject({
      'content-type': 'application/json',
      'content-encoding': 'gzip',
    });
    expect(collector.taken[0]?.headers.authorization).toBeUndefined();
  });

  it('gets no more than a megabyte at once, and does not wait for it to be more', async () => {
    const context = { text: 'x'.repeat(50_000) };
    const ids = await asked(60, await open({ maxBytes: 10_000_000 }), context);
    await until(hasAll(ids));
    expect(collector.ids).toEqual(ids);
    expect(Math.max(...collector.sent.map(({ bytes }) => bytes))).toBeLessThanOrEqual(1_048_577);
  });

  it.each([500, 503, 429, 408, 401, 404, 307])(
    'that answers %i gets the same again until it takes it',
    async (status) => {
      let refusals = 2;
      collector.answer = () => (refusals-- > 0 ? status : 200);
      const log = await open();
      const ids = await asked(5, log);
      await until(() => log.decisionLog.figures.size === 0);
      expect(collector.ids).toEqual(ids);
      expect(log.decisionLog.figures).toMatchObject({ written: 5, refused: 0, dropped: 0 });
    },
  );

  it('that takes little at once gets little at once', async () => {
    collector.answer = ({ events }) => (events.length > 3 ? 413 : 200);
    const ids = await asked(20, await open());
    await until(hasAll(ids));
    expect(collector.ids).toEqual(ids);
  });

  it('that will not have one event gets the others', async () => {
    const log = await open();
    const ids = await asked(20, log);
    const bad = ids[13];
    collector.answer = ({ events }) =>
      events.some((event) => event.decision_id === bad) ? 400 : 200;
    await until(() => log.decisionLog.figures.size === 0);
    expect(collector.ids).toEqual(ids.filter((id) => id !== bad));
    expect(log.decisionLog.figures).toMatchObject({ written: 19, refused: 1 });
  });

  it('that is down, and then up, gets everything', async () => {
    await collector.stop();
    const log = await open();
    const ids = await asked(10, log);
    await until(() => log.decisionLog.figures.size === 10);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await collector.start();
    await until(hasAll(ids));
    expect(collector.ids).toEqual(ids);
  });

  it('that does not answer is asked again after the timeout, and holds up no stop', async () => {
    let hangs = 1;
    collector.answer = () => (hangs-- > 0 ? 'hang' : 200);
    const ids = await asked(5, await open({}, { timeoutMs: 100 }));
    await until(hasAll(ids));
    expect(collector.sent).toHaveLength(2);
    collector.answer = () => 'hang';
    const log = await open({}, { timeoutMs: 60_000 });
    await asked(1, log);
    await until(() => collector.sent.length === 3);
    const start = Date.now();
    await log.close();
    expect(Date.now() - start).toBeLessThan(2000);
  });

  it('that is away keeps people out where it is required, and only so long', async () => {
    collector.answer = () => 500;
    const log = await open({ isRequired: true, maxEvents: 10 });
    const ids = await asked(10, log);
    expect((await log.ask(true)).status).toBe(503);
    expect((await log.ask(false)).status).toBe(200);
    collector.answer = () => 200;
    await until(hasAll(ids));
    await until(async () => (await log.ask(true)).status === 200);
  });

  describe('with a token', () => {
    let folder = '';
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'pemba-token-'));
    });
    afterEach(() => {
      rmSync(folder, { recursive: true });
    });

    it('gets it as it is in the file at the time, and never elsewhere', async () => {
      const tokenFile = join(folder, 'token');
      writeFileSync(tokenFile, 'first\n');
      const log = await open({}, { tokenFile });
      await until(hasAll(await asked(1, log)));
      writeFileSync(tokenFile, 'second\n');
      await asked(1, log);
      await until(() => collector.ids.length === 2);
      expect(collector.taken.map(({ headers }) => headers.authorization)).toEqual([
        'Bearer first',
        'Bearer second',
      ]);
    });

    it.each(['', 'two words', 'a\nb'])('that is %j stops the start', async (token) => {
      const tokenFile = join(folder, 'token');
      writeFileSync(tokenFile, token);
      await expect(open({}, { tokenFile })).rejects.toMatchObject({ code: 'cannot_start' });
    });
  });
});
