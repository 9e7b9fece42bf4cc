import type { Command } from 'commander';
import type { Json } from './api.js';
import type { Surroundings } from './surroundings.js';
import { print, table, textOf } from './print.js';
import type { Output } from './print.js';

const MEMBERS = ['kid', 'alg', 'state', 'created_at', 'active_from'] as const;
const HEAD = ['KID', 'ALG', 'STATE', 'CREATED', 'SIGNS FROM'] as const;

type Around = Pick<Surroundings, 'api' | 'output' | 'resetSigningKeys'>;

export function signingKeysCommand(program: Command, around: Around): void {
  const keys = program
    .command('signing-keys')
    .description('keys that permits and transaction tokens are signed with');
  keys
    .command('list')
    .description('all of them, in the order in which they sign')
    .action(async () => {
      show(around.output(), await around.api().get('/admin/signing-keys'));
    });
  keys
    .command('rotate')
    .description('let the next key sign as soon as verifiers know it')
    .addHelpText('after', '\nThat is now, or an hour after that key was made.')
    .action(async () => {
      show(around.output(), await around.api().post('/admin/signing-keys/rotate', {}));
    });
  keys
    .command('drop')
    .description('refuse what a key has signed from now on, in an emergency')
    .argument('<kid>', 'as `list` shows it')
    .addHelpText('after', '\nVerifiers follow when they ask for the keys again: in 5 minutes.')
    .action(async (kid: string) => {
      const path = `/admin/signing-keys/${encodeURIComponent(kid)}/drop`;
      show(around.output(), await around.api().post(path, {}));
    });
  keys
    .command('reset')
    .description('remove all of them at the database, when their master key is lost')
    .addHelpText('after', '\nUses DATABASE_URL or DATA_DIR, as the server does.')
    .action(async () => {
      const removed = await around.resetSigningKeys();
      print(around.output(), { removed }, `${removed.length} keys are removed.`);
      around.output().note('Others are made at the next start, or by the servers that run.');
    });
}

function show(output: Output, answer: Json): void {
  const keys = answer['signing_keys'] as readonly Json[];
  const rows = keys.map((key) => MEMBERS.map((member) => textOf(key[member])));
  print(output, keys, table(HEAD, rows));
}
