/**
 * Completion by the shell: the script that a shell reads asks `pemba complete` at each Tab, which
 * answers from the commands themselves. So it never is out of date.
 */
import type { Command, Option } from 'commander';
import { usageError } from './command-error.js';
import type { Surroundings } from './surroundings.js';

const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `_pemba() {
  COMPREPLY=($(compgen -W "$(pemba complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _pemba pemba
`,
  zsh: `#compdef pemba
_pemba() {
  local -a found
  found=(\${(f)"$(pemba complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)"})
  if (( \${#found} )); then compadd -a found; else _files; fi
}
compdef _pemba pemba
`,
  fish: `complete -c pemba -f -a '(pemba complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
complete -c pemba -F -n 'test (count (pemba complete -- (commandline -opc)[2..] "" 2>/dev/null)) -eq 0'
`,
};

export function completionCommand(program: Command, around: Surroundings): void {
  program
    .command('completion')
    .description('a script for your shell, to be read at its start')
    .argument('<shell>', Object.keys(SCRIPTS).join(', '))
    .addHelpText('after', "\nFor bash: echo 'source <(pemba completion bash)' >> ~/.bashrc")
    .action((shell: string) => {
      const script = SCRIPTS[shell];
      if (script === undefined) {
        throw usageError(`completion ${shell}: one of ${Object.keys(SCRIPTS).join(', ')}`);
      }
      around.output().write(script);
    });
  program
    .command('complete', { hidden: true })
    .argument('[words...]')
    .action((words: readonly string[]) => {
      around.output().write(
        completionsOf(program, words)
          .map((word) => `${word}\n`)
          .join(''),
      );
    });
}

/** What can stand in place of the last word, after those before it. */
export function completionsOf(program: Command, words: readonly string[]): readonly string[] {
  const start = words.at(-1) ?? '';
  let command = program;
  const flags = [...program.options];
  let open: Option | undefined;
  for (const word of words.slice(0, -1)) {
    if (open !== undefined) {
      open = undefined;
      continue;
    }
    if (word.startsWith('-')) {
      open = flags.find(
        (option) => (option.long === word || option.short === word) && takesValue(option),
      );
      continue;
    }
    const next = visible(command).find((each) => each.name() === word);
    if (next === undefined) continue;
    command = next;
    flags.push(...next.options);
  }
  if (open !== undefined)
    return [...(open.argChoices ?? [])].filter((each) => each.startsWith(start));
  const names = start.startsWith('-')
    ? [
        ...flags.filter(({ hidden }) => !hidden).map(({ long, short }) => long ?? short ?? ''),
        '--help',
      ]
    : visible(command).map((each) => each.name());
  return names.filter((name) => name.startsWith(start));
}

const takesValue = ({ long, required, optional }: Option): boolean =>
  long?.includes('=') !== true && (required || optional);

const visible = (command: Command): readonly Command[] =>
  command
    .createHelp()
    .visibleCommands(command)
    .filter((each) => each.name() !== 'help');
