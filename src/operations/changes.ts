import { PembaError } from '../errors.js';
import type { StoreId } from '../ids.js';
import { positionBefore, readChanges as readLog } from '../storage/changes.js';
import type { LogEntry, LogPosition } from '../storage/changes.js';
import type { Engine } from './engine.js';
import { headOfStore } from './head.js';
import { decodePageToken, encodePageToken, invalidPageToken, pageSize } from './page-token.js';

export interface ChangesRequest {
  readonly storeId: StoreId;
  /** Only changes of objects of this type. */
  readonly type?: string;
  readonly pageSize?: number;
  readonly continuationToken: string;
  /** Milliseconds since 1970; a token has precedence. */
  readonly startTime?: number;
}

export interface ChangeList {
  readonly entries: readonly LogEntry[];
  /** Where to go on; at the end of the log, the token that was asked with. */
  readonly continuationToken: string;
}

export async function readChanges(engine: Engine, request: ChangesRequest): Promise<ChangeList> {
  const { storeId, type } = request;
  const limit = pageSize(request.pageSize, engine.config.maxPageSize);
  const { tokenKey } = await headOfStore(engine, storeId);
  const fromToken = placeOf(request, tokenKey);
  const after = fromToken ?? (await startOf(engine, request));
  if (after === undefined) return { entries: [], continuationToken: request.continuationToken };
  const { entries, position } = await walk(engine, request, { after, limit });
  return {
    entries,
    continuationToken:
      position === undefined
        ? request.continuationToken
        : encodePageToken(tokenKey, identityOf(storeId), [
            position.revision,
            position.ordinal,
            type ?? '',
          ]),
  };
}

/** Of one request; where nothing of the type is in all of them, the page is empty and its token new. */
const WALKS = 20;

/** A page that is short because of what lies between is handed out as soon as there is one. */
async function walk(
  { database }: Engine,
  { storeId, type }: ChangesRequest,
  start: { readonly after: LogPosition; readonly limit: number },
): Promise<{ readonly entries: readonly LogEntry[]; readonly position: LogPosition | undefined }> {
  let walkedTo: LogPosition | undefined;
  for (let walks = 0; walks < WALKS; walks++) {
    const page = await readLog(database, storeId, {
      limit: start.limit,
      after: walkedTo ?? start.after,
      ...(type !== undefined && { objectType: type }),
    });
    const position = page.walkedTo ?? page.entries.at(-1) ?? walkedTo;
    if (page.entries.length > 0 || page.walkedTo === undefined) {
      return { entries: page.entries, position };
    }
    walkedTo = page.walkedTo;
  }
  return { entries: [], position: walkedTo };
}

const identityOf = (storeId: StoreId): readonly string[] => ['changes', storeId];

/** The type stands in the token in clear: asking with another type has an error of its own. */
function placeOf(
  { storeId, type = '', continuationToken }: ChangesRequest,
  tokenKey: Uint8Array,
): LogPosition | undefined {
  const position = decodePageToken(tokenKey, identityOf(storeId), continuationToken);
  if (position === undefined) return undefined;
  const [revision, ordinal, boundType] = position;
  if (!isCount(revision) || !isOrdinal(ordinal)) throw invalidPageToken();
  if (boundType !== type) {
    throw new PembaError(
      'page_token_mismatch',
      `The type in the querystring and the continuation token don't match`,
      { facts: { field: 'type' } },
    );
  }
  return { revision, ordinal };
}

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

/** The column is a PostgreSQL integer. */
const isOrdinal = (value: unknown): value is number => isCount(value) && value < 2 ** 31;

async function startOf(
  engine: Engine,
  { storeId, startTime }: ChangesRequest,
): Promise<LogPosition | undefined> {
  if (startTime === undefined) return { revision: 0, ordinal: 0 };
  if (startTime > engine.clock.now()) {
    throw new PembaError('invalid_start_time', 'start_time: must be in the past', {
      facts: { field: 'start_time' },
    });
  }
  return positionBefore(engine.database, storeId, new Date(startTime));
}
