import type { Command } from 'commander';
import { parseDuration } from '../quantity.js';
import type { Api, Json } from './api.js';
import { CommandError, EXIT } from './command-error.js';
import { print, table, textOf } from './print.js';
import type { Surroundings } from './surroundings.js';

interface CreateOptions {
  readonly role?: readonly string[];
  readonly store?: string;
  readonly module?: string;
  readonly service?: string;
  readonly expiresIn?: string;
}

export function keysCommand(program: Command, around: Surroundings): void {
  const keys = program.command('keys').description('keys of callers');
  keys
    .command('create')
    .description('make a key and show it, once')
    .argument('<name>', 'what the key is for; shown in lists and in the audit log')
    .option('--role <role...>', 'reader, writer, modeller, admin, asserter, creator or observer')
    .option('--store <id>', 'the store that the roles are for; without it, the deployment')
    .option('--module <name>', "write only this module's relations (with --role writer)")
    .option('--service <id>', 'act as service:<id> of the store')
    .option('--expires-in <duration>', 'such as 12h or 90d; without it, the key does not expire')
    .action(async (name: string, options: CreateOptions) => {
      const made = await around.api().post('/admin/keys', {
        name,
        roles: rolesOf(options),
        ...(options.expiresIn !== undefined && {
          expires_at: new Date(around.now() + durationOf(options.expiresIn)).toISOString(),
        }),
      });
      print(around.output(), made, String(made['key']));
      around.output().note('Keep it now: it is not shown again.');
    });
  keys
    .command('list')
    .description('the keys that you made; all of them for administrators')
    .action(async () => {
      const found = await allKeys(around.api());
      print(
        around.output(),
        found,
        table(['ID', 'NAME', 'CREATED BY', 'CREATED', 'EXPIRES', 'REVOKED'], found.map(rowOf)),
      );
    });
  keys
    .command('revoke')
    .description('refuse a key from now on, in every process')
    .argument('<id>', 'the 26 characters between pemba_ and the next _')
    .action(async (id: string) => {
      await around.api().delete(`/admin/keys/${encodeURIComponent(id)}`);
      print(around.output(), { id, revoked: true }, `${id} is revoked.`);
    });
  keys
    .command('recover')
    .description('make an administrator key at the database, for whoever lost theirs')
    .addHelpText('after', '\nUses DATABASE_URL or DATA_DIR, as the server does.')
    .action(async () => {
      const key = await around.recover('recovered');
      print(around.output(), { key }, key);
      around.output().note('Keep it now: it is not shown again.');
    });
}

function rolesOf({ role = [], store, module, service }: CreateOptions): readonly object[] {
  const where = {
    ...(store !== undefined && { store_id: store }),
    ...(module !== undefined && { module }),
  };
  if (role.length === 0 && service === undefined) {
    throw new CommandError('name at least one --role, or a --service', EXIT.usage);
  }
  return [
    ...role.map((each) => ({ role: each, ...where })),
    ...(service === undefined ? [] : [{ role: 'acts_as', store_id: store, service }]),
  ];
}

async function allKeys(api: Api): Promise<readonly Json[]> {
  const found: Json[] = [];
  let token = '';
  do {
    const page = await api.get(`/admin/keys?continuation_token=${encodeURIComponent(token)}`);
    found.push(...(page['keys'] as readonly Json[]));
    token = String(page['continuation_token']);
  } while (token !== '');
  return found;
}

const rowOf = (key: Json): readonly string[] =>
  ['id', 'name', 'created_by', 'created_at', 'expires_at', 'revoked_at'].map((member) =>
    textOf(key[member]),
  );

function durationOf(text: string): number {
  const duration = parseDuration(text);
  if (Number.isNaN(duration)) {
    throw new CommandError(`--expires-in ${text}: write it as 12h or 90d`, EXIT.usage);
  }
  return duration;
}
