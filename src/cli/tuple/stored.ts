/** Tuples of a store: written, deleted and read by its API. */
import type { Json } from '../api.js';
import { usageError } from '../command-error.js';
import { print, table, textOf } from '../print.js';
import type { StoreOption, Surroundings } from '../surroundings.js';

export interface TupleKey {
  readonly user: string;
  readonly relation: string;
  readonly object: string;
}

export interface WriteOptions extends StoreOption {
  readonly condition?: string;
  readonly conditionContext?: string;
  readonly expiresAt?: string;
  readonly onDuplicate: string;
  readonly model?: string;
}

export interface FilterOptions extends StoreOption {
  readonly user?: string;
  readonly relation?: string;
  readonly object?: string;
}

const ON_DUPLICATE = ['ignore', 'replace', 'error'];

export async function writeTuple(
  around: Surroundings,
  key: TupleKey,
  options: WriteOptions,
): Promise<void> {
  const { condition, conditionContext, expiresAt, onDuplicate, model } = options;
  if (!ON_DUPLICATE.includes(onDuplicate)) {
    throw usageError(`--on-duplicate ${onDuplicate}: one of ${ON_DUPLICATE.join(', ')}`);
  }
  if (conditionContext !== undefined && condition === undefined) {
    throw usageError('--condition-context: of which --condition?');
  }
  const tuple = {
    ...key,
    ...(condition !== undefined && {
      condition: { name: condition, ...contextOf(conditionContext) },
    }),
    ...(expiresAt !== undefined && { expires_at: expiresAt }),
  };
  await around.api().post(`/stores/${around.store(options)}/write`, {
    writes: { tuple_keys: [tuple], on_duplicate: onDuplicate },
    ...(model !== undefined && { authorization_model_id: model }),
  });
}

function contextOf(text: string | undefined): { readonly context?: unknown } {
  if (text === undefined) return {};
  try {
    return { context: JSON.parse(text) as unknown };
  } catch {
    throw usageError('--condition-context: is not JSON');
  }
}

export async function deleteTuple(
  around: Surroundings,
  key: TupleKey,
  options: StoreOption & { readonly ifExists?: boolean },
): Promise<void> {
  await around.api().post(`/stores/${around.store(options)}/write`, {
    deletes: {
      tuple_keys: [key],
      on_missing: options.ifExists === true ? 'ignore' : 'error',
    },
  });
}

export async function readTuples(
  around: Surroundings,
  options: FilterOptions & { readonly limit: string },
): Promise<void> {
  if (!/^[1-9]\d{0,6}$/.test(options.limit)) {
    throw usageError(`--limit ${options.limit}: a whole number from 1 to 9999999`);
  }
  const limit = Number(options.limit);
  const path = `/stores/${around.store(options)}/read`;
  const tuple_key = filterOf(options);
  const found: Json[] = [];
  let token = '';
  do {
    const page = await around.api().post(path, {
      ...(Object.keys(tuple_key).length > 0 && { tuple_key }),
      page_size: 100,
      continuation_token: token,
    });
    found.push(...(page['tuples'] as readonly { readonly key: Json }[]).map(({ key }) => key));
    token = String(page['continuation_token']);
  } while (token !== '' && found.length < limit);
  const isWhole = token === '' && found.length <= limit;
  const shown = found.slice(0, limit);
  const rows = shown.map((key) => [
    ...['object', 'relation', 'user'].map((member) => textOf(key[member])),
    conditionText(key['condition']),
    textOf(key['expires_at']),
  ]);
  const head = ['OBJECT', 'RELATION', 'USER', 'CONDITION', 'EXPIRES'];
  print(around.output(), shown, table(head, rows));
  if (!isWhole) around.output().note(`There are more than ${limit}; --limit shows more.`);
}

function conditionText(condition: unknown): string {
  if (condition === null || condition === undefined) return '-';
  const { name, context } = condition as { readonly name: string; readonly context?: object };
  const own = context !== undefined && Object.keys(context).length > 0;
  return own ? `${name} ${JSON.stringify(context)}` : name;
}

const filterOf = ({ user, relation, object }: FilterOptions): Partial<TupleKey> => ({
  ...(user !== undefined && { user }),
  ...(relation !== undefined && { relation }),
  ...(object !== undefined && { object }),
});

export async function deleteMatching(
  around: Surroundings,
  options: FilterOptions & { readonly dryRun?: boolean; readonly yes?: boolean },
): Promise<void> {
  const isDry = options.dryRun === true;
  if (!isDry && options.yes !== true) {
    throw usageError('give --yes to delete what matches, or --dry-run to count it');
  }
  const filter = filterOf(options);
  if (Object.keys(filter).length === 0) {
    throw usageError('name at least one of --user, --relation and --object');
  }
  const path = `/stores/${around.store(options)}/delete-by-filter`;
  const bar = await around.output().progress('deleted');
  const counts = { matched: 0, deleted: 0 };
  let token: unknown;
  do {
    const answer = await around.api().post(path, {
      filter,
      dry_run: isDry,
      ...(token !== undefined && { continuation_token: token }),
    });
    counts.matched += Number(answer['matched']);
    counts.deleted += Number(answer['deleted']);
    bar.update(counts.deleted);
    token = answer['continuation_token'];
  } while (token !== undefined && token !== '');
  bar.stop();
  const text = isDry ? `${counts.matched} tuples match.` : `${counts.deleted} tuples are deleted.`;
  print(around.output(), { dry_run: isDry, ...counts }, text);
}
