/** One DSL text, a model's or a module's, to what it declares or what is wrong with it. */
import { antlr, Lexer, Parser } from './dsl-grammar.js';
import type { MainNode, Token } from './dsl-grammar.js';
import { SyntaxErrors, TooManyErrors } from './dsl-syntax.js';
import { TreeReader } from './dsl-tree.js';
import type { DslDocument } from './dsl-tree.js';
import { DSL_LENGTH_MAX, REWRITE_DEPTH_MAX } from './limits.js';
import type { Positions } from './positions.js';
import type { ModelProblem } from './problem.js';
import { SourceText } from './source-text.js';

export type ParsedDsl =
  | { readonly ok: true; readonly document: DslDocument }
  | { readonly ok: false; readonly problems: readonly ModelProblem[] };

/** A text without syntax errors. */
export interface ParsedText {
  readonly ok: true;
  readonly source: SourceText;
  readonly tree: MainNode;
  /** Of the whole text, white space too, in its order. */
  readonly tokens: readonly Token[];
}

interface Refused {
  readonly ok: false;
  readonly problems: readonly ModelProblem[];
}

/** Places go into `positions`; `file` names the text in them. */
export function parseDsl(text: string, positions: Positions, file?: string): ParsedDsl {
  const parsed = parseText(text, file);
  if (!parsed.ok) return parsed;
  const reader = new TreeReader(parsed.source, positions);
  const document = reader.document(parsed.tree);
  return reader.problems.length > 0
    ? { ok: false, problems: reader.problems }
    : { ok: true, document };
}

export function parseText(text: string, file?: string): ParsedText | Refused {
  if (text.length > DSL_LENGTH_MAX) {
    const message = `a text can have ${DSL_LENGTH_MAX} characters at most, not ${text.length}`;
    return { ok: false, problems: [{ message }] };
  }
  const source = new SourceText(text, file);
  const { depth, offset } = source.deepest;
  if (depth > REWRITE_DEPTH_MAX) {
    const message = `parentheses can be nested ${REWRITE_DEPTH_MAX} levels deep at most`;
    return { ok: false, problems: [{ message, position: source.positionAt(offset) }] };
  }
  const errors = new SyntaxErrors(source);
  const parsed = parseTree(source, errors);
  const problems = errors.problems();
  if (parsed === undefined || problems.length > 0) return { ok: false, problems };
  return { ok: true, source, ...parsed };
}

function parseTree(
  source: SourceText,
  errors: SyntaxErrors,
): Pick<ParsedText, 'tree' | 'tokens'> | undefined {
  const lexer = new Lexer(new antlr.CharStream(source.forGrammar));
  lexer.removeErrorListeners();
  lexer.addErrorListener(errors);
  const parser = new Parser(new antlr.CommonTokenStream(lexer));
  parser.removeErrorListeners();
  parser.addErrorListener(errors);
  try {
    return { tree: parser.main(), tokens: parser.getTokenStream().tokens };
  } catch (error) {
    if (error instanceof TooManyErrors) return undefined;
    throw error;
  }
}
