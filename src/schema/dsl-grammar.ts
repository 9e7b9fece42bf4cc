/**
 * The grammar of the DSL: OpenFGA's own generated ANTLR parser, from inside its language package.
 * The package's transformer, which stands on it, gives no positions, takes `constructor` for a
 * relation defined twice, and cuts CEL strings at ` #`.
 *
 * Loaded by `require` in either module system, and the ANTLR runtime from where the package finds
 * it: an import would bring a second copy, whose classes the generated code does not know. The
 * types say what is used of both. (Those that come with them do not resolve under `nodenext`, and
 * hide that an absent part is null.)
 */
import { createRequire } from 'node:module';

export interface Token {
  readonly type: number;
  readonly text: string;
  readonly tokenIndex: number;
  /** Offsets of the first and the last character. */
  readonly start: number;
  readonly stop: number;
}

export interface Recognizer {
  removeErrorListeners(): void;
  addErrorListener(listener: ErrorListener): void;
}

export interface Lexer extends Recognizer {
  readonly _tokenStartCharIndex: number;
}

export interface Parser extends Recognizer {
  main(): MainNode;
  getTokenStream(): { get(index: number): Token; readonly tokens: readonly Token[] };
  /** Half-open intervals of token types. */
  getExpectedTokens(): {
    readonly intervals: readonly { readonly start: number; readonly stop: number }[];
  };
}

export interface ErrorListener {
  /** From the parser with the token that it did not expect, from the lexer without. */
  syntaxError(
    recognizer: Recognizer,
    token: Token | null,
    line: number,
    column: number,
    message: string,
  ): void;
}

/** A rule's node in the parse tree. */
export interface Node {
  readonly start: Token;
  getText(): string;
}

interface Terminal {
  readonly symbol: Token;
  getText(): string;
}

export interface MainNode extends Node {
  modelHeader():
    (Node & { readonly _schemaVersion: Token; MODEL(): Terminal; SCHEMA(): Terminal }) | null;
  moduleHeader(): (Node & { readonly _moduleName: Node; MODULE(): Terminal }) | null;
  typeDefs(): { typeDef_list(): TypeNode[] };
  conditions(): { condition_list(): ConditionNode[] };
}

export interface TypeNode extends Node {
  readonly _typeName: Node;
  EXTEND(): Terminal | null;
  TYPE(): Terminal;
  RELATIONS(): Terminal | null;
  relationDeclaration_list(): RelationNode[];
}

export interface RelationNode extends Node {
  DEFINE(): Terminal;
  relationName(): Node;
  relationDef(): DefinitionNode;
}

/** `relationDef` and, where a direct part may not stand, `relationDefNoDirect`. */
export interface DefinitionNode extends Node {
  relationDefDirectAssignment?(): DirectNode | null;
  relationDefGrouping(): GroupingNode | null;
  relationRecurse?(): ParenthesesNode | null;
  relationRecurseNoDirect?(): ParenthesesNode | null;
  relationDefPartials(): PartialsNode | null;
}

/** `relationRecurse` and `relationRecurseNoDirect`. */
export interface ParenthesesNode extends Node {
  relationDef?(): DefinitionNode | null;
  relationDefNoDirect?(): DefinitionNode | null;
  relationRecurseNoDirect(): ParenthesesNode | null;
}

/** The operands after the first. */
export interface PartialsNode extends Node {
  OR_list(): Terminal[];
  AND_list(): Terminal[];
  relationDefGrouping_list(): GroupingNode[];
  relationRecurseNoDirect_list(): ParenthesesNode[];
}

export interface GroupingNode extends Node {
  relationDefRewrite(): ReferenceNode;
}

export interface ReferenceNode extends Node {
  readonly _rewriteComputedusersetName: Node;
  readonly _rewriteTuplesetName?: Node;
}

export interface DirectNode extends Node {
  relationDefTypeRestriction_list(): RestrictionNode[];
}

export interface RestrictionNode extends Node {
  relationDefTypeRestrictionBase(): Node & {
    readonly _relationDefTypeRestrictionType: Node;
    readonly _relationDefTypeRestrictionWildcard?: Token;
    readonly _relationDefTypeRestrictionRelation?: Node;
  };
  conditionName(): Node | null;
}

export interface ConditionNode extends Node {
  CONDITION(): Terminal;
  conditionName(): Node;
  conditionParameter_list(): ParameterNode[];
  LBRACE(): Terminal;
  RBRACE(): Terminal;
}

export interface ParameterNode extends Node {
  parameterName(): Node;
  parameterType(): Node & {
    CONDITION_PARAM_CONTAINER(): Terminal | null;
    CONDITION_PARAM_TYPE(): Terminal;
  };
}

type TokenName =
  | ('AND' | 'OR' | 'BUT_NOT' | 'TYPE' | 'MODEL' | 'MODULE' | 'SCHEMA' | 'SCHEMA_VERSION')
  | ('COLON' | 'COMMA' | 'HASH' | 'LESS' | 'GREATER' | 'LBRACKET' | 'RPRACKET' | 'LPAREN')
  | ('RPAREN' | 'LBRACE' | 'RBRACE' | 'WHITESPACE' | 'NEWLINE' | 'IDENTIFIER' | 'EOF')
  | 'RELATIONS'
  | ('CONDITION_PARAM_CONTAINER' | 'CONDITION_PARAM_TYPE');

interface Antlr {
  readonly CharStream: new (text: string) => object;
  readonly CommonTokenStream: new (lexer: Lexer) => object;
  readonly ErrorListener: new () => object;
}

interface Grammar {
  readonly Lexer: new (characters: object) => Lexer;
  readonly Parser: (new (tokens: object) => Parser) & {
    /** `'and'` with its quotes; null for tokens that are not always the same text. */
    readonly literalNames: readonly (string | null)[];
  };
  readonly TOKEN: Readonly<Record<TokenName, number>>;
}

const LANGUAGE = '@openfga/syntax-transformer';
const ours = createRequire(import.meta.url);
const generated = (name: string): unknown =>
  (ours(`${LANGUAGE}/dist/gen/${name}.js`) as { readonly default: unknown }).default;

export const antlr = createRequire(ours.resolve(LANGUAGE))('antlr4') as Antlr;

export const Lexer = generated('OpenFGALexer') as Grammar['Lexer'];

/** Also has the numbers of the tokens, as static members. */
export const Parser = generated('OpenFGAParser') as Grammar['Parser'] & Grammar['TOKEN'];
