/** What an OpenFGA server has, page by page. */
import type { Json } from '../../api.js';
import { usageError } from '../../command-error.js';
import type { SourceApi } from './source-api.js';

export interface SourceStore {
  readonly id: string;
  readonly name: string;
}

export interface SourceModel {
  readonly id: string;
  /** As it is written: without its id and what a server says of it. */
  readonly body: Json;
}

/** The most that OpenFGA gives at once. */
const PAGE = 100;
/** Models may be a quarter of a megabyte each. */
const MODELS_PAGE = 20;

const ULID = /^[0-9A-HJKMNP-TV-Z]{26}$/;

/** Those that are named by id or name; all where none is. */
export async function storesOf(
  source: SourceApi,
  wanted: readonly string[] | undefined,
): Promise<readonly SourceStore[]> {
  // A token may be good for a store, and not for the list of them.
  if (wanted?.every((each) => ULID.test(each)) === true) {
    const ids = [...new Set(wanted)];
    return Promise.all(ids.map(async (id) => storeIn(await source.get(`/stores/${id}`))));
  }
  const found: SourceStore[] = [];
  for await (const page of pages((query) => source.get(`/stores?${query}`), PAGE)) {
    found.push(...listIn(page, 'stores').map(storeIn));
  }
  if (wanted === undefined) return found;
  for (const each of wanted) {
    if (found.some(({ id, name }) => id === each || name === each)) continue;
    throw usageError(`--from-store ${each}: ${source.url} has no such store`);
  }
  return found.filter(({ id, name }) => wanted.includes(id) || wanted.includes(name));
}

/** Oldest first. */
export async function modelsOfSource(
  source: SourceApi,
  store: string,
): Promise<readonly SourceModel[]> {
  const found: SourceModel[] = [];
  const path = `/stores/${store}/authorization-models`;
  for await (const page of pages((query) => source.get(`${path}?${query}`), MODELS_PAGE)) {
    for (const wire of listIn(page, 'authorization_models')) {
      found.push({ id: String(wire['id']), body: withoutRecord(wire) });
    }
  }
  return found.reverse();
}

export async function assertionsOf(
  source: SourceApi,
  store: string,
  model: string,
): Promise<readonly Json[]> {
  return listIn(await source.get(`/stores/${store}/assertions/${model}`), 'assertions');
}

/** Tuples as they are written, a page at a time. */
export async function* tuplesOf(
  source: SourceApi,
  store: string,
): AsyncGenerator<readonly Json[], void, undefined> {
  let token = '';
  do {
    const body = { page_size: PAGE, ...(token !== '' && { continuation_token: token }) };
    const page = await source.post(`/stores/${store}/read`, body);
    yield listIn(page, 'tuples').map(tupleIn);
    token = tokenIn(page);
  } while (token !== '');
}

async function* pages(
  read: (query: string) => Promise<Json>,
  size: number,
): AsyncGenerator<Json, void, undefined> {
  const query = new URLSearchParams({ page_size: String(size) });
  for (;;) {
    const page = await read(query.toString());
    yield page;
    const token = tokenIn(page);
    if (token === '') return;
    query.set('continuation_token', token);
  }
}

const OF_THE_RECORD = new Set(['id', 'metadata']);

const withoutRecord = (wire: Json): Json =>
  Object.fromEntries(Object.entries(wire).filter(([member]) => !OF_THE_RECORD.has(member)));

const storeIn = ({ id, name }: Json): SourceStore => ({ id: String(id), name: String(name) });

function tupleIn({ key }: Json): Json {
  const { condition, ...plain } = key as Json;
  return condition === null || condition === undefined ? plain : { ...plain, condition };
}

function listIn(page: Json, member: string): readonly Json[] {
  const list = page[member];
  return Array.isArray(list) ? (list as readonly Json[]) : [];
}

function tokenIn({ continuation_token: token }: Json): string {
  return typeof token === 'string' ? token : '';
}
