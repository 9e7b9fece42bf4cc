/** `pemba tuple`: the relation tuples of a store. */
import type { Command } from 'commander';
import { print } from './print.js';
import { withStore } from './surroundings.js';
import type { StoreOption, Surroundings } from './surroundings.js';
import type { ExportOptions } from './tuple/export.js';
import type { ImportOptions } from './tuple/import.js';
import type { FilterOptions, WriteOptions } from './tuple/stored.js';

const FORMATS = 'jsonl, csv, json or yaml; else as the name ends';

export function tupleCommand(program: Command, around: Surroundings): void {
  const tuple = program.command('tuple').description('relation tuples');
  single(tuple, around);
  many(tuple, around);
}

function single(tuple: Command, around: Surroundings): void {
  withKey(tuple.command('write'))
    .description('write one tuple')
    .option('--condition <name>', 'that has to hold')
    .option('--condition-context <json>', 'parameters that the tuple itself brings')
    .option('--expires-at <time>', 'RFC 3339; then it counts for nothing')
    .option('--on-duplicate <what>', 'ignore, replace or error', 'error')
    .option('--model <id>', 'in place of the newest')
    .addHelpText('after', '\nExample: pemba tuple write user:anne customer order:1001')
    .action(async (user: string, relation: string, object: string, options: WriteOptions) => {
      const { writeTuple } = await import('./tuple/stored.js');
      const key = { user, relation, object };
      await writeTuple(around, key, options);
      print(around.output(), key, `${object}#${relation}@${user} is written.`);
    });
  withKey(tuple.command('delete'))
    .description('delete one tuple')
    .option('--if-exists', 'it does no harm if there is none')
    .action(
      async (
        user: string,
        relation: string,
        object: string,
        options: StoreOption & { readonly ifExists?: boolean },
      ) => {
        const { deleteTuple } = await import('./tuple/stored.js');
        const key = { user, relation, object };
        await deleteTuple(around, key, options);
        print(around.output(), key, `${object}#${relation}@${user} is deleted.`);
      },
    );
}

const withKey = (command: Command): Command =>
  withStore(command)
    .argument('<user>', 'such as user:anne, group:eng#member or user:*')
    .argument('<relation>')
    .argument('<object>', 'such as order:1001');

const withFilter = (command: Command): Command =>
  withStore(command)
    .option('--user <user>', 'of this user; `user:` is the whole type')
    .option('--relation <relation>', 'of this relation')
    .option('--object <object>', 'of this object; `order:` is the whole type');

function many(tuple: Command, around: Surroundings): void {
  withFilter(tuple.command('read'))
    .description('read the tuples that match')
    .option('--limit <count>', 'how many at most', '1000')
    .addHelpText('after', '\nExample: pemba tuple read --object order:1001')
    .action(async (options: FilterOptions & { readonly limit: string }) => {
      const { readTuples } = await import('./tuple/stored.js');
      await readTuples(around, options);
    });
  withFilter(tuple.command('delete-matching'))
    .description('delete all that match, in batches')
    .option('--dry-run', 'only count them')
    .option('--yes', 'delete them; without it nothing is deleted')
    .addHelpText('after', '\nExample: pemba tuple delete-matching --user user:anne --dry-run')
    .action(
      async (options: FilterOptions & { readonly dryRun?: boolean; readonly yes?: boolean }) => {
        const { deleteMatching } = await import('./tuple/stored.js');
        await deleteMatching(around, options);
      },
    );
  withStore(tuple.command('import'))
    .description('store the tuples of a file, many at a time; those stored already stay')
    .argument('<file>', '- for standard input')
    .option('--format <format>', FORMATS)
    .option('--rejects <file>', 'where those go that cannot be stored, as JSON lines')
    .option('--from-line <line>', 'go on from there')
    .option('--model <id>', 'in place of the newest')
    .addHelpText(
      'after',
      '\nHow far it is stands in FILE.import while it lasts: interrupted, run it again.\n' +
        'Exit code 1 if some were rejected; the others are stored. Attributes of\n' +
        'entities, as `export` writes them, are taken from JSON lines.',
    )
    .action(async (file: string, options: ImportOptions) => {
      const { importFile } = await import('./tuple/import.js');
      await importFile(around, file, options);
    });
  withStore(tuple.command('export'))
    .description('all tuples and attributes of a store, as they are at one revision')
    .argument('[file]', '- for standard output', '-')
    .option('--format <format>', FORMATS)
    .addHelpText(
      'after',
      '\nOnly JSON lines hold all there is; they end with counts and a checksum, and\n' +
        '`import` takes them as they are.',
    )
    .action(async (file: string, options: ExportOptions) => {
      const { exportStore } = await import('./tuple/export.js');
      await exportStore(around, file, options);
    });
}
