import type { Command } from 'commander';
import type { Json } from './api.js';
import { CommandError, EXIT } from './command-error.js';
import { print, table, textOf } from './print.js';
import { withStore } from './surroundings.js';
import type { StoreOption, Surroundings } from './surroundings.js';

interface ListOptions extends StoreOption {
  readonly action?: string;
  readonly principal?: string;
  readonly since?: string;
  readonly until?: string;
  readonly limit: string;
}

interface VerifyOptions extends StoreOption {
  readonly after?: string;
  readonly hash?: string;
}

export function auditCommand(program: Command, around: Surroundings): void {
  const audit = program.command('audit').description('who changed what in a store');
  withStore(audit.command('list'))
    .description('the newest entries first')
    .option('--action <action>', 'such as tuples.write or key.create')
    .option('--principal <name>', 'such as key:01J… or user:corp/anne')
    .option('--since <time>', 'RFC 3339')
    .option('--until <time>', 'RFC 3339')
    .option('--limit <count>', 'how many at most', '50')
    .action(async ({ store, limit, ...filters }: ListOptions) => {
      const query = new URLSearchParams(filters);
      const entries = await entriesOf(around, around.store({ store }), query, countOf(limit));
      print(
        around.output(),
        entries,
        table(['SEQ', 'TIME', 'ACTION', 'PRINCIPAL', 'FROM', 'DETAILS'], entries.map(rowOf)),
      );
    });
  withStore(audit.command('verify'))
    .description('find entries that were changed or are missing')
    .option('--after <sequence>', 'go on from a head that was noted before, with --hash')
    .option('--hash <hash>', "that head's hash")
    .action(async ({ store, after, hash }: VerifyOptions) => {
      const verified = await verify(around, around.store({ store }), after, hash);
      print(around.output(), verified, summaryOf(verified));
      if (verified.problems.length > 0) throw new CommandError('the log was changed', EXIT.failed);
    });
}

async function entriesOf(
  around: Surroundings,
  store: string,
  query: URLSearchParams,
  limit: number,
): Promise<readonly Json[]> {
  const entries: Json[] = [];
  for (;;) {
    const page = await around.api().get(`/stores/${store}/audit?${query.toString()}`);
    entries.push(...(page['entries'] as readonly Json[]));
    const cursor = page['cursor'];
    if (cursor === null || entries.length >= limit) return entries.slice(0, limit);
    query.set('cursor', textOf(cursor));
  }
}

interface Verified {
  readonly entries: number;
  readonly head: { readonly sequence: number; readonly hash: string };
  readonly problems: readonly { readonly sequence: number; readonly problem: string }[];
}

async function verify(
  around: Surroundings,
  store: string,
  after = '0',
  hash = '',
): Promise<Verified> {
  let entries = 0;
  let query = hash === '' ? '' : `?after=${encodeURIComponent(after)}&hash=${hash}`;
  if ((hash === '') !== (after === '0')) {
    throw new CommandError('--after and --hash go together: both of a noted head', EXIT.usage);
  }
  for (;;) {
    const path = `/stores/${store}/audit/verification${query}`;
    const step = (await around.api().get(path)) as unknown as Verified & {
      readonly complete: boolean;
    };
    entries += step.entries;
    if (step.complete || step.problems.length > 0) {
      return { entries, head: step.head, problems: step.problems };
    }
    query = `?after=${step.head.sequence}&hash=${step.head.hash}`;
  }
}

function summaryOf({ entries, head, problems }: Verified): string {
  if (problems.length > 0) {
    return problems.map(({ sequence, problem }) => `entry ${sequence}: ${problem}`).join('\n');
  }
  if (head.sequence === 0) return 'The log is empty.';
  return (
    `${entries} entries, none changed and none missing. To find out later whether the last ones\n` +
    `are still there, note the head and give it the next time:\n` +
    `  --after ${head.sequence} --hash ${head.hash}`
  );
}

const rowOf = (entry: Json): readonly string[] => [
  ...['sequence', 'time', 'action', 'principal', 'address'].map((name) => textOf(entry[name])),
  JSON.stringify(entry['details']),
];

function countOf(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new CommandError(`--limit ${text}: a whole number from 1 to 999999`, EXIT.usage);
}
