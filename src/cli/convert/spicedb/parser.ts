/** SpiceDB's schema language, by recursive descent; it stops at the first mistake. */
import type { Position } from '../../../schema/positions.js';
import { UnreadableInput } from '../finding.js';
import { parseExpression } from './expressions.js';
import type { Caveat, CaveatType, Definition, Member, Name, Schema } from './syntax.js';
import type { Permission, Relation, SubjectType } from './syntax.js';
import { Tokens } from './tokens.js';

export const parseSchema = (text: string, file?: string): Schema =>
  new SchemaParser(new Tokens(text, file)).schema();

/** Types inside types, such as `list<map<string>>`. */
const TYPE_DEPTH_MAX = 8;

class SchemaParser {
  readonly #tokens: Tokens;
  readonly #uses = new Set<string>();
  readonly #annotations: Position[] = [];

  constructor(tokens: Tokens) {
    this.#tokens = tokens;
  }

  schema(): Schema {
    const tokens = this.#tokens;
    const definitions: Definition[] = [];
    const partials: Definition[] = [];
    const caveats: Caveat[] = [];
    const imports: Name[] = [];
    while (tokens.next.kind !== 'end') {
      const { comments } = tokens.next;
      this.#skipAnnotations();
      if (tokens.skip(';')) continue;
      if (tokens.skip('use')) this.#uses.add(tokens.take().text);
      else if (tokens.skip('definition')) definitions.push(this.#definition(comments));
      else if (tokens.skip('partial')) partials.push(this.#definition(comments));
      else if (tokens.skip('caveat')) caveats.push(this.#caveat(comments));
      else if (tokens.skip('import')) imports.push(tokens.take());
      else tokens.unexpected("'definition' or 'caveat'");
    }
    return { definitions, partials, caveats, imports, annotations: this.#annotations };
  }

  #definition(comments: readonly string[]): Definition {
    const tokens = this.#tokens;
    const name = tokens.path('a name');
    tokens.expect('{');
    const members: Member[] = [];
    while (!tokens.skip('}')) {
      if (!tokens.skip(';')) members.push(this.#member());
    }
    return { name, comments, members };
  }

  #member(): Member {
    const tokens = this.#tokens;
    const { comments } = tokens.next;
    this.#skipAnnotations();
    if (tokens.skip('...')) return { kind: 'partial', name: tokens.path("a partial's name") };
    if (tokens.skip('relation')) return this.#relation(comments);
    if (tokens.skip('permission')) return this.#permission(comments);
    return tokens.unexpected("'relation', 'permission' or '}'");
  }

  #relation(comments: readonly string[]): Relation {
    const tokens = this.#tokens;
    const name = tokens.name("a relation's name");
    tokens.expect(':');
    const subjects: SubjectType[] = [];
    do {
      this.#skipAnnotations();
      subjects.push(this.#subjectType());
    } while (tokens.skip('|'));
    return { kind: 'relation', name, comments, subjects };
  }

  #subjectType(): SubjectType {
    const tokens = this.#tokens;
    const type = tokens.path('a type');
    let kind: SubjectType['kind'] = 'object';
    let relation = '';
    if (tokens.skip(':')) {
      tokens.expect('*');
      kind = 'wildcard';
    } else if (tokens.skip('#') && !tokens.skip('...')) {
      relation = tokens.name('a relation').text;
      kind = 'userset';
    }
    if (!tokens.skip('with')) return { type, kind, relation, expires: false };
    const known = this.#uses.has('expiration');
    if (known && tokens.skip('expiration')) return { type, kind, relation, expires: true };
    const caveat = tokens.path("a caveat's name");
    const expires = tokens.skip('and');
    if (expires) tokens.expect('expiration');
    return { type, kind, relation, caveat, expires };
  }

  #permission(comments: readonly string[]): Permission {
    const tokens = this.#tokens;
    const name = tokens.name("a permission's name");
    if (tokens.at(':')) {
      this.#annotations.push(tokens.take().position);
      do tokens.path('a type');
      while (tokens.skip('|'));
    }
    tokens.expect('=');
    const expression = parseExpression(tokens, { self: this.#uses.has('self') });
    return { kind: 'permission', name, comments, expression };
  }

  #caveat(comments: readonly string[]): Caveat {
    const tokens = this.#tokens;
    const name = tokens.path("a caveat's name");
    tokens.expect('(');
    const parameters: Caveat['parameters'][number][] = [];
    do {
      const parameter = tokens.name("a parameter's name");
      parameters.push({ name: parameter, type: this.#caveatType(0) });
    } while (tokens.skip(','));
    tokens.expect(')');
    return { name, comments, parameters, expression: tokens.celBody() };
  }

  #caveatType(depth: number): CaveatType {
    const tokens = this.#tokens;
    const name = tokens.name('a type');
    if (depth > TYPE_DEPTH_MAX) {
      const message = `types can be nested ${TYPE_DEPTH_MAX} levels deep at most`;
      throw new UnreadableInput(message, name.position);
    }
    const of: CaveatType[] = [];
    if (!tokens.skip('<')) return { name, of };
    do of.push(this.#caveatType(depth + 1));
    while (tokens.skip(','));
    tokens.expect('>');
    return { name, of };
  }

  /** `@name(…)`, any number of them. */
  #skipAnnotations(): void {
    const tokens = this.#tokens;
    while (tokens.at('@')) {
      this.#annotations.push(tokens.take().position);
      tokens.name("an annotation's name");
      if (!tokens.skip('(')) continue;
      for (let depth = 1; depth > 0; tokens.take()) {
        if (tokens.next.kind === 'end') tokens.unexpected("')'");
        if (tokens.at('(')) depth += 1;
        if (tokens.at(')')) depth -= 1;
      }
    }
  }
}
