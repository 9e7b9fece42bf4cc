/** Waiting until every process of the server answers with a model. */
import { setTimeout as sleep } from 'node:timers/promises';
import { formatDuration, parseDuration } from '../../quantity.js';
import type { Api } from '../api.js';
import { CommandError, usageError } from '../command-error.js';

export interface Rollout {
  readonly processes: number;
  readonly ready: number;
  readonly complete: boolean;
}

const ASK_AGAIN_MS = 200;

export function rolloutTimeout(text: string): number {
  const ms = parseDuration(text);
  if (Number.isNaN(ms)) throw usageError(`--timeout is no duration such as 30s: ${text}`);
  return ms;
}

/** As it was found last: complete, or not so when the time was over. */
export async function awaitRollout(
  api: Api,
  path: string,
  waiting: { readonly timeoutMs: number; readonly now: () => number },
): Promise<Rollout> {
  const until = waiting.now() + waiting.timeoutMs;
  for (;;) {
    const { processes, ready, complete } = await api.get(`${path}/rollout`).catch(isWritten);
    const found = {
      processes: Number(processes),
      ready: Number(ready),
      complete: complete === true,
    };
    const left = until - waiting.now();
    if (found.complete || left <= 0) return found;
    await sleep(Math.min(ASK_AGAIN_MS, left));
  }
}

function isWritten(error: unknown): never {
  if (!(error instanceof CommandError)) throw error;
  const message = `the model is written; whether all processes have it is not known: ${error.message}`;
  throw new CommandError(message, error.exitCode, error.code);
}

export const laggingText = ({ processes, ready }: Rollout, timeoutMs: number): string =>
  processes === 0
    ? 'the model is written, but no process of the server says that it serves'
    : `the model is written, but ${processes - ready} of ${processes} processes ` +
      `did not have it within ${formatDuration(timeoutMs)}`;
