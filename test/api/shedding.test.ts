/** On a bare Fastify, with handlers that do what none of Pemba's does. */
import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { fastify } from 'fastify';
import type { FastifyInstance } from 'fastify';
import { shedOverload } from '../../src/api/shedding.js';
import type { ShedReason } from '../../src/api/shedding.js';
import { systemClock } from '../../src/clock.js';
import { exchange, head } from './hostile/raw-http.js';

interface Served {
  readonly url: string;
  readonly shed: readonly ShedReason[];
  readonly inFlight: () => number;
}

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function serve(
  config: { readonly maxInFlight: number; readonly maxLoopDelayMs: number },
  register: (instance: FastifyInstance) => void,
): Promise<Served> {
  const instance = fastify({ forceCloseConnections: true });
  const shed: ShedReason[] = [];
  let inFlight = (): number => NaN;
  shedOverload(instance, {
    config,
    clock: systemClock,
    metrics: {
      shed: (reason) => shed.push(reason),
      watchInFlight: (read) => {
        inFlight = read;
      },
    },
  });
  instance.setErrorHandler((error, _request, reply) =>
    reply.code(Reflect.get(Object(error), 'code') === 'overloaded' ? 503 : 500).send('refused'),
  );
  register(instance);
  closers.push(() => instance.close());
  const url = await instance.listen({ port: 0, host: '127.0.0.1' });
  return { url, shed, inFlight: () => inFlight() };
}

const statusOf = async (url: string): Promise<number> => {
  const answer = await fetch(url);
  await answer.arrayBuffer();
  return answer.status;
};

const statusBy = (agent: Agent, url: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const request = get(url, { agent }, (answer) => {
      answer.resume().once('end', () => {
        resolve(answer.statusCode ?? 0);
      });
    });
    request.once('error', reject);
  });

describe('a place for work', () => {
  const ONE = { maxInFlight: 1, maxLoopDelayMs: 0 };

  it('is given back when a handler throws, answers twice, or streams', async () => {
    const served = await serve(ONE, (instance) => {
      instance.get('/throws', () => {
        throw new Error('on purpose');
      });
      instance.get('/rejects', () => Promise.reject(new Error('on purpose')));
      instance.get('/ends', (_request, reply) => {
        reply.raw.end('past the framework');
      });
      instance.get('/streams', (_request, reply) => reply.send(new Blob(['a', 'b']).stream()));
    });
    for (const [path, status] of [
      ['throws', 500],
      ['rejects', 500],
      ['ends', 200],
      ['streams', 200],
      ['none', 404],
    ] as const) {
      expect([path, await statusOf(`${served.url}/${path}`)]).toEqual([path, status]);
      expect(served.inFlight()).toBe(0);
    }
    expect(served.shed).toEqual([]);
  });

  it('is given back by a reply that a handler took over, whoever ends it', async () => {
    let goOn = (): void => undefined;
    const told = (): Promise<void> =>
      new Promise((resolve) => {
        goOn = resolve;
      });
    const served = await serve(ONE, (instance) => {
      instance.get('/finishes', (_request, reply) => {
        reply.hijack();
        reply.raw.end('x');
      });
      instance.get('/waits', async (_request, reply) => {
        reply.hijack();
        reply.raw.write('x');
        await told();
      });
      instance.get('/late', async (_request, reply) => {
        await told();
        reply.hijack();
        reply.raw.end('x');
      });
    });
    expect(await statusOf(`${served.url}/finishes`)).toBe(200);
    expect(served.inFlight()).toBe(0);

    const waiting = exchange(served.url, head('GET /waits'), 200);
    await sleep(100);
    expect(served.inFlight()).toBe(1);
    expect(await statusOf(`${served.url}/finishes`)).toBe(503);
    await waiting;
    await sleep(50);
    expect(await statusOf(`${served.url}/finishes`)).toBe(200);

    await exchange(served.url, head('GET /late'), 100);
    expect(served.inFlight()).toBe(1);
    goOn();
    await sleep(50);
    expect(served.inFlight()).toBe(0);
    expect(served.shed).toEqual(['in_flight']);
  });
});

describe('a loop that is late', () => {
  const SPIN_MS = 30;
  const CROWD = 100;

  it('refuses what it could not answer in time, and nothing when the crowd has gone', async () => {
    const served = await serve({ maxInFlight: 1000, maxLoopDelayMs: 100 }, (instance) => {
      const spin = (): string => {
        const end = performance.now() + SPIN_MS;
        while (performance.now() < end);
        return 'done';
      };
      instance.get('/spins', spin);
      instance.get('/livez', () => 'alive');
    });
    // New connections are accepted one a turn, so the crowd is there before it asks.
    const agent = new Agent({ keepAlive: true, maxSockets: CROWD + 1 });
    const ask = (path: string): Promise<number> => statusBy(agent, `${served.url}${path}`);
    await Promise.all(Array.from({ length: CROWD + 1 }, () => ask('/livez')));
    const start = performance.now();
    const crowd = Array.from({ length: CROWD }, () => ask('/spins'));
    const health = ask('/livez');
    const statuses = await Promise.all(crowd);
    expect(await health).toBe(200);
    const answered = statuses.filter((status) => status === 200).length;
    expect(answered).toBeGreaterThan(0);
    expect(statuses.filter((status) => status === 503)).toHaveLength(CROWD - answered);
    expect(served.shed).toHaveLength(CROWD - answered);
    expect(served.shed).toContain('loop_delay');
    expect(performance.now() - start).toBeLessThan(CROWD * SPIN_MS);
    await sleep(100);
    expect(await ask('/spins')).toBe(200);
    agent.destroy();
  });
});
