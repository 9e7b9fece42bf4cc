/** What a command says instead of a stack trace; nothing where all has been said. */
export class CommandError extends Error {
  readonly exitCode: number;
  /** The server's, where it refused. */
  readonly code: string | undefined;

  constructor(message: string, exitCode: number, code?: string) {
    super(message);
    this.name = 'CommandError';
    this.exitCode = exitCode;
    this.code = code;
  }
}

/** For scripts: what kind of failure it was. */
export const EXIT = {
  /** What was asked for was done, and found something: a test failed, a file has mistakes. */
  failed: 1,
  /** Flags or files are not as they should be. */
  usage: 2,
  unreachable: 3,
  refused: 4,
  /** By a signal, as shells say it. */
  interrupted: 130,
} as const;

export const usageError = (message: string): CommandError => new CommandError(message, EXIT.usage);
