/**
 * A client of one request's own. It begins with what the process has been told and with what came
 * with the request, and what it has been told in the end goes back with the response.
 *
 * What comes may be made up. Of a text that is no session nothing is taken; of one that Pemba
 * refuses, its sender alone would suffer, and `protection` asks once more without it.
 */
import type { PembaClient } from '../client.js';
import { headerOf } from './http-request.js';
import type { HttpRequest } from './http-request.js';
import type { PembaModuleOptions } from './options.js';

export type SessionOption = NonNullable<PembaModuleOptions['session']>;

export interface RequestSession {
  readonly client: PembaClient;
  /** '' where nothing came. */
  readonly imported: string;
}

/** As the client itself takes them, and not longer than what a few stores need. */
const IMPORTED_LENGTH_MAX = 2048;

export function openSession(
  client: PembaClient,
  option: SessionOption,
  request: HttpRequest,
): RequestSession {
  const known = client.exportSession();
  const imported = receivedWith(request, option) ?? '';
  if (imported === '' || imported.length > IMPORTED_LENGTH_MAX) return freshSession(client);
  try {
    return { client: client.session([known, imported].filter(Boolean).join('~')), imported };
  } catch {
    return freshSession(client);
  }
}

/** As if nothing had come. */
export const freshSession = (client: PembaClient): RequestSession => ({
  client: client.session(client.exportSession()),
  imported: '',
});

function receivedWith(request: HttpRequest, option: SessionOption): string | undefined {
  if ('header' in option) return headerOf(request, option.header);
  const start = `${option.cookie}=`;
  const cookies = headerOf(request, 'cookie')?.split(/; */) ?? [];
  return cookies.find((cookie) => cookie.startsWith(start))?.slice(start.length);
}

/** The header that brings it back. */
export function exportHeader(option: SessionOption, exported: string): readonly [string, string] {
  if ('header' in option) return [option.header, exported];
  const attributes = 'Path=/; HttpOnly; Secure; SameSite=Lax';
  return ['Set-Cookie', `${option.cookie}=${exported}; ${attributes}`];
}
