import { pino } from 'pino';
import type { Logger } from 'pino';

export type { Logger };

/**
 * JSON lines on standard output. Nothing logged at info or above names a subject or holds a token;
 * `redact` is the last line of defence for headers that someone logs at debug.
 */
export function createLog(level: string): Logger {
  return pino({
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: ['*.authorization', '*.cookie', 'headers', 'password'], remove: true },
  });
}
