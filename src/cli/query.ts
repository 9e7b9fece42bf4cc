/** `pemba check`, `explain`, `expand`, `list-objects`, `list-users`: questions to a store. */
import type { Command } from 'commander';
import { CommandError, EXIT } from './command-error.js';
import { print } from './print.js';
import { withQuestion } from './query/question-options.js';
import type { QuestionOptions } from './query/question-options.js';
import type { Surroundings } from './surroundings.js';

interface ActingOptions extends QuestionOptions {
  readonly as?: string;
}

interface ListOptions extends QuestionOptions {
  readonly limit: string;
}

interface ExpandOptions extends QuestionOptions {
  readonly depth: string;
}

interface ListUsersOptions extends ListOptions {
  readonly type: string;
}

const USER = 'such as user:anne, group:eng#member or user:*; - for the token';
const OBJECT = 'such as order:1001';

export function queryCommands(program: Command, around: Surroundings): void {
  const question = (name: string): Command => withQuestion(program.command(name));
  question('check')
    .description('may this user do this? Exit code 0 if so, 1 if not')
    .argument('<user>', USER)
    .argument('<relation>')
    .argument('<object>', OBJECT)
    .option('--as <service>', 'ask for a service that acts for the user')
    .addHelpText('after', '\nExample: pemba check user:anne can_view order:1001')
    .action(async (user: string, relation: string, object: string, options: ActingOptions) => {
      const { check } = await import('./query/ask.js');
      const answer = await check(around, { user, relation, object }, options);
      const verdict = answer.allowed ? 'allowed' : 'denied';
      print(around.output(), answer, around.output().paint(colourOf(answer.allowed), verdict));
      if (!answer.allowed) throw new CommandError('', EXIT.failed);
    });
  question('explain')
    .description('why may this user do this, or why not?')
    .argument('<user>', USER)
    .argument('<relation>')
    .argument('<object>', OBJECT)
    .option('--as <service>', 'ask for a service that acts for the user')
    .addHelpText('after', '\nExample: pemba explain user:dave can_view order:1001')
    .action(async (user: string, relation: string, object: string, options: ActingOptions) => {
      const { explain } = await import('./query/ask.js');
      const { explanationText } = await import('./query/explanation-text.js');
      const answer = await explain(around, { user, relation, object }, options);
      const output = around.output();
      print(output, answer, explanationText(answer, `${user} ${relation} ${object}`, output.paint));
    });
  question('expand')
    .description('what a relation of an object is made of, as a tree')
    .argument('<relation>')
    .argument('<object>', OBJECT)
    .option('--depth <levels>', 'how far usersets are opened', '10')
    .action(async (relation: string, object: string, options: ExpandOptions) => {
      const { expand } = await import('./query/ask.js');
      const { treeText } = await import('./query/tree-text.js');
      const tree = await expand(around, { relation, object }, options);
      print(around.output(), tree, treeText(tree));
    });
  question('list-objects')
    .description('what may this user do this to?')
    .argument('<user>', USER)
    .argument('<relation>')
    .argument('<type>', 'of the objects')
    .option('--limit <count>', 'how many at most', '10000')
    .addHelpText('after', '\nExample: pemba list-objects user:anne can_view order')
    .action(async (user: string, relation: string, type: string, options: ListOptions) => {
      const { listObjects } = await import('./query/lists.js');
      await listObjects(around, { user, relation, type }, options);
    });
  question('list-users')
    .description('who may do this to the object?')
    .argument('<relation>')
    .argument('<object>', OBJECT)
    .option('--type <type>', 'user, or a userset such as group#member', 'user')
    .option('--limit <count>', 'how many at most', '10000')
    .addHelpText('after', '\nExample: pemba list-users can_view order:1001')
    .action(async (relation: string, object: string, options: ListUsersOptions) => {
      const { listUsers } = await import('./query/lists.js');
      await listUsers(around, { relation, object }, options);
    });
}

const colourOf = (allowed: boolean): 'green' | 'red' => (allowed ? 'green' : 'red');
