/** `pemba schema test`: the assertions of store files. */
import type { Command } from 'commander';
import type { TestOptions } from '../store-file/test-run.js';
import type { Surroundings } from '../surroundings.js';

const HELP = `
A store file has a model, tuples, and tests of what follows from them, in the
format of OpenFGA's tools. It is tested in this process, without a server:

  pemba schema test 'schema/**/*.fga.yaml'
  pemba schema test shop.fga.yaml --watch
  pemba schema test shop.fga.yaml --coverage-min 90 --junit report.xml

Pemba reads some more than OpenFGA's tools do: 'now' of a file or a test, the
'expires_at' of tuples, 'attributes' by entity or an 'attributes_file', and
tests of services that act for users:

  delegated_check:
    - user: user:anne
      actor: service:orders
      through: [service:web]     # who called it, the latest one first
      object: item:teapot
      assertions: { can_reserve: true }

Coverage counts the branches of relations by which tests have let somebody in,
or kept somebody out; what was never reached is listed with its line. --watch
goes on until it is interrupted: then the exit code is 130.`;

export function testCommand(schema: Command, around: Surroundings): void {
  schema
    .command('test')
    .description('run the tests of store files')
    .argument('<files...>', 'store files, or patterns of them')
    .option('--filter <text>', 'only tests with this in their name')
    .option('--coverage', 'tell what no test reached')
    .option('--coverage-min <percent>', 'fail below this coverage of any model')
    .option('--junit <file>', 'write a report that CI systems read')
    .option('--server', 'ask the server, in a store made for it and deleted at the end')
    .option('--watch', 'run again whenever a file changes')
    .addHelpText('after', HELP)
    .action(async (files: readonly string[], options: TestOptions) => {
      const { testStoreFiles } = await import('../store-file/test-run.js');
      await testStoreFiles(files, options, around);
    });
}
