/**
 * Clients that are many and impatient, in a process of their own: each asks without a pause, gives
 * up when an answer takes too long, and asks again on a new connection.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpConnection, requestOf } from './http-connection.js';
import { timingOf } from './measure.js';
import type { Timing } from './measure.js';
import { answerCalls } from './program.js';

export interface Crowd {
  readonly url: string;
  readonly path: string;
  readonly body: string;
  readonly clients: number;
  readonly patienceMs: number;
  /** Before one that was refused asks again. */
  readonly pauseMs: number;
  readonly warmUpMs: number;
  readonly forMs: number;
}

export interface CrowdResult {
  readonly seconds: number;
  /** Of the requests that were answered in time. */
  readonly timing: Timing;
  readonly answered: number;
  readonly refused: number;
  readonly givenUp: number;
}

const GAVE_UP = Symbol('gave up');

async function run(crowd: Crowd): Promise<CrowdResult> {
  const url = new URL(crowd.url);
  const request = requestOf(url, crowd.path, crowd.body);
  const samples: number[] = [];
  let refused = 0;
  let givenUp = 0;
  const begin = performance.now() + crowd.warmUpMs;
  const end = begin + crowd.forMs;
  const ask = async (connection: HttpConnection): Promise<HttpConnection> => {
    const start = performance.now();
    const patience = new AbortController();
    const giveUp = sleep(crowd.patienceMs, GAVE_UP, { signal: patience.signal }).catch(
      () => GAVE_UP,
    );
    const outcome = await Promise.race([
      connection.exchange(request).then(
        () => 'answered' as const,
        () => 'refused' as const,
      ),
      giveUp,
    ]);
    patience.abort();
    const isCounted = start >= begin;
    if (outcome === 'answered') {
      if (isCounted) samples.push((performance.now() - start) * 1e6);
      return connection;
    }
    if (outcome === 'refused') {
      if (isCounted) refused++;
      await sleep(crowd.pauseMs);
      return connection;
    }
    if (isCounted) givenUp++;
    connection.close();
    return HttpConnection.open(url);
  };
  const client = async (): Promise<void> => {
    let connection = await HttpConnection.open(url);
    while (performance.now() < end) connection = await ask(connection);
    connection.close();
  };
  await Promise.all(Array.from({ length: crowd.clients }, client));
  return {
    seconds: crowd.forMs / 1000,
    timing: timingOf(samples, (crowd.forMs * 1e6) / samples.length),
    answered: samples.length,
    refused,
    givenUp,
  };
}

answerCalls({ run });
