import { Command } from 'commander';
import { describe, expect, it } from '@jest/globals';
import { completionsOf } from '../../src/cli/completion.js';

const program = new Command('pemba').option('--url <url>', 'the server').option('--json', 'JSON');
const keys = program.command('keys');
keys.command('create').option('--role <role>', 'a role').option('-q, --quiet', 'say less');
keys.command('list');
program.command('secret', { hidden: true });

describe('completion', () => {
  it.each([
    [['k'], ['keys']],
    [[''], ['keys']],
    [
      ['keys', ''],
      ['create', 'list'],
    ],
    [['--url', 'http://x', 'keys', 'c'], ['create']],
    [['--url', ''], []],
    [['keys', 'create', '--r'], ['--role']],
    [
      ['keys', 'create', '--'],
      ['--url', '--json', '--role', '--quiet', '--help'],
    ],
    [['keys', 'list', '--r'], []],
  ])('of %j', (words, expected) => {
    expect(completionsOf(program, words)).toEqual(expected);
  });
});
