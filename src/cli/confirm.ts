/** Asking a person. Where nobody sits at a terminal nothing is asked, and consent is a flag. */
import { createInterface } from 'node:readline/promises';
import { CommandError, EXIT } from './command-error.js';

/** Resolves if it may be done; throws if not. `why` says what is at stake. */
export async function consent(given: boolean | undefined, why: string): Promise<void> {
  if (given === true) return;
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new CommandError(`${why}; where nobody can be asked, --yes agrees to it`, EXIT.failed);
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${why}. Go on? [y/N] `);
    if (/^y(es)?$/i.test(answer.trim())) return;
  } finally {
    terminal.close();
  }
  throw new CommandError('nothing was written', EXIT.failed);
}
