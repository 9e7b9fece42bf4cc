/** `pemba store`: tenants, each with its tuples, models and log. */
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import type { Json } from './api.js';
import { usageError } from './command-error.js';
import { print, table, textOf } from './print.js';
import type { Surroundings } from './surroundings.js';

interface CreateOptions {
  readonly model?: string;
}

interface DeleteOptions {
  readonly yes?: boolean;
}

export function storeCommand(program: Command, around: Surroundings): void {
  const store = program.command('store').description('stores, each a tenant of its own');
  store
    .command('list')
    .description('those that you may see, oldest first')
    .option('--name <name>', 'only those of this name')
    .action(async ({ name }: { readonly name?: string }) => {
      const found = await allStores(around, name);
      print(
        around.output(),
        found,
        table(
          ['ID', 'NAME', 'CREATED'],
          found.map((each) => ['id', 'name', 'created_at'].map((member) => textOf(each[member]))),
        ),
      );
    });
  store
    .command('create')
    .description('make a store and print its id')
    .argument('<name>')
    .option('--model <file>', 'its first schema: .fga, fga.mod or JSON')
    .action(async (name: string, { model: file }: CreateOptions) => {
      // A file that is no schema leaves no empty store behind.
      const model = file === undefined ? undefined : await wireModelOf(around, file);
      const made = await around.api().post('/stores', { name });
      const path = `/stores/${textOf(made['id'])}/authorization-models`;
      const written = model && (await around.api().post(path, model));
      print(around.output(), { ...made, ...written }, textOf(made['id']));
    });
  store
    .command('show')
    .description('one store')
    .argument('[id]', 'else PEMBA_STORE, or that of the context')
    .action(async (id?: string) => {
      const found = await around.api().get(`/stores/${around.store({ store: id })}`);
      const rows = ['id', 'name', 'created_at', 'updated_at'].map((member) => [
        member,
        textOf(found[member]),
      ]);
      print(around.output(), found, rows.map(([name, value]) => `${name}: ${value}`).join('\n'));
    });
  store
    .command('delete')
    .description('delete a store, with all that is in it')
    .argument('<id>')
    .option('--yes', 'do not ask')
    .action(async (id: string, { yes }: DeleteOptions) => {
      const path = `/stores/${encodeURIComponent(id)}`;
      const { name } = await around.api().get(path);
      if (yes !== true) await confirm(textOf(name));
      await around.api().delete(path);
      print(around.output(), { id, deleted: true }, `${id} (${textOf(name)}) is deleted.`);
    });
}

export async function allStores(around: Surroundings, name?: string): Promise<readonly Json[]> {
  const found: Json[] = [];
  let token = '';
  do {
    const query = new URLSearchParams({
      page_size: '100',
      continuation_token: token,
      ...(name !== undefined && { name }),
    });
    const page = await around.api().get(`/stores?${query.toString()}`);
    found.push(...(page['stores'] as readonly Json[]));
    token = String(page['continuation_token']);
  } while (token !== '');
  return found;
}

async function wireModelOf(around: Surroundings, file: string): Promise<object> {
  const { readSchema } = await import('./schema/read-schema.js');
  const { modelToWire } = await import('../schema/wire.js');
  return modelToWire((await readSchema(file, around)).model);
}

async function confirm(name: string): Promise<void> {
  if (!process.stdin.isTTY) throw usageError('give --yes to delete it: there is nobody to ask');
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await prompt.question(`To delete it, type the store's name (${name}): `);
  prompt.close();
  if (answer !== name) throw usageError('that is not its name; nothing is deleted');
}
