/**
 * The parse tree of one DSL text → what it declares, with the place of every word that a problem
 * may be about. Only trees without syntax errors come here: what the grammar demands is there.
 */
import type { ParameterType, ScalarType } from '../condition/parameter.js';
import type {
  ConditionNode,
  DefinitionNode,
  DirectNode,
  MainNode,
  Node,
  ParameterNode,
  ParenthesesNode,
  PartialsNode,
  ReferenceNode,
  RelationNode,
  RestrictionNode,
  TypeNode,
} from './dsl-grammar.js';
import type { ModelCondition, RelationDefinition, Rewrite, SubjectRestriction } from './model.js';
import type { Part, Position, Positions } from './positions.js';
import { quote } from './problem.js';
import type { ModelProblem } from './problem.js';
import type { SourceText } from './source-text.js';

/** What one text declares, not yet put together: duplicates and extensions are still in it. */
export interface DslDocument {
  readonly header: DslHeader;
  readonly types: readonly TypeDeclaration[];
  readonly conditions: readonly ModelCondition[];
}

export type DslHeader =
  | { readonly kind: 'model'; readonly schemaVersion: string; readonly position: Position }
  | { readonly kind: 'module'; readonly name: string; readonly position: Position };

export interface TypeDeclaration {
  readonly name: string;
  /** `extend type`: adds to a type that another module declares. */
  readonly extend: boolean;
  readonly relations: readonly RelationDefinition[];
  readonly position: Position;
}

export class TreeReader {
  readonly problems: ModelProblem[] = [];
  readonly #source: SourceText;
  readonly #positions: Positions;

  constructor(source: SourceText, positions: Positions) {
    this.#source = source;
    this.#positions = positions;
  }

  document(main: MainNode): DslDocument {
    const types = main.typeDefs().typeDef_list();
    const conditions = main.conditions().condition_list();
    return {
      header: this.#header(main),
      types: types.map((type) => this.#type(type)),
      conditions: conditions.map((condition) => this.#condition(condition)),
    };
  }

  #header(main: MainNode): DslHeader {
    const module = main.moduleHeader()?._moduleName;
    if (module !== undefined) {
      return { kind: 'module', name: module.getText(), position: this.#positionOf(module) };
    }
    const version = required(main.modelHeader())._schemaVersion;
    const position = this.#source.positionAt(version.start);
    return { kind: 'model', schemaVersion: version.text, position };
  }

  #type(node: TypeNode): TypeDeclaration {
    return {
      name: node._typeName.getText(),
      extend: node.EXTEND() !== null,
      relations: node.relationDeclaration_list().map((relation) => this.#relation(relation)),
      position: this.#positionOf(node._typeName),
    };
  }

  #relation(node: RelationNode): RelationDefinition {
    const name = node.relationName();
    const restrictions: SubjectRestriction[] = [];
    const rewrite = this.#definition(node.relationDef(), restrictions);
    return this.#placed({ name: name.getText(), rewrite, restrictions }, { name });
  }

  /** The restrictions are collected beside the rewrite: the grammar has `[…]` once at most. */
  #definition(node: DefinitionNode, restrictions: SubjectRestriction[]): Rewrite {
    const first = this.#firstOperand(node, restrictions);
    const partials = node.relationDefPartials();
    return partials === null ? first : this.#combination(first, partials, restrictions);
  }

  #firstOperand(node: DefinitionNode, restrictions: SubjectRestriction[]): Rewrite {
    const grouping = node.relationDefGrouping();
    if (grouping !== null) return this.#reference(grouping.relationDefRewrite());
    const direct = node.relationDefDirectAssignment?.() ?? null;
    if (direct !== null) return this.#direct(direct, restrictions);
    const parentheses = node.relationRecurse?.() ?? node.relationRecurseNoDirect?.();
    return this.#parentheses(required(parentheses), restrictions);
  }

  /** One operator in a chain, and `but not` only once; the grammar wants parentheses for more. */
  #combination(first: Rewrite, node: PartialsNode, restrictions: SubjectRestriction[]): Rewrite {
    const others = [...node.relationDefGrouping_list(), ...node.relationRecurseNoDirect_list()]
      .sort((a, b) => a.start.start - b.start.start)
      .map((operand) =>
        'relationDefRewrite' in operand
          ? this.#reference(operand.relationDefRewrite())
          : this.#parentheses(operand, restrictions),
      );
    const operands = [first, ...others];
    if (node.OR_list().length > 0) return { kind: 'union', operands };
    if (node.AND_list().length > 0) return { kind: 'intersection', operands };
    return { kind: 'exclusion', base: first, subtract: required(others[0]) };
  }

  #parentheses(node: ParenthesesNode, restrictions: SubjectRestriction[]): Rewrite {
    const inner = node.relationRecurseNoDirect();
    if (inner !== null) return this.#parentheses(inner, restrictions);
    const definition = node.relationDef?.() ?? node.relationDefNoDirect?.();
    return this.#definition(required(definition), restrictions);
  }

  #reference(node: ReferenceNode): Rewrite {
    const relation = node._rewriteComputedusersetName;
    const tupleset = node._rewriteTuplesetName;
    if (tupleset === undefined) {
      return this.#placed({ kind: 'computed', relation: relation.getText() }, { relation });
    }
    return this.#placed(
      { kind: 'from', tupleset: tupleset.getText(), relation: relation.getText() },
      { relation, tupleset },
    );
  }

  #direct(node: DirectNode, restrictions: SubjectRestriction[]): Rewrite {
    for (const restriction of node.relationDefTypeRestriction_list()) {
      restrictions.push(this.#restriction(restriction));
    }
    return { kind: 'direct' };
  }

  #restriction(node: RestrictionNode): SubjectRestriction {
    const base = node.relationDefTypeRestrictionBase();
    const name = base._relationDefTypeRestrictionType;
    const relation = base._relationDefTypeRestrictionRelation;
    const condition = node.conditionName();
    const isWildcard = base._relationDefTypeRestrictionWildcard !== undefined;
    return this.#placed<SubjectRestriction>(
      {
        type: name.getText(),
        kind: isWildcard ? 'wildcard' : relation === undefined ? 'object' : 'userset',
        relation: relation?.getText() ?? '',
        ...(condition !== null && { condition: condition.getText() }),
      },
      { name, relation, condition },
    );
  }

  #condition(node: ConditionNode): ModelCondition {
    const name = node.conditionName();
    const parameters = Object.create(null) as Record<string, ParameterType>;
    for (const parameter of node.conditionParameter_list()) {
      const parameterName = parameter.parameterName();
      if (Object.hasOwn(parameters, parameterName.getText())) {
        this.problems.push({
          message: `parameter ${quote(parameterName.getText())} is already defined`,
          condition: name.getText(),
          position: this.#positionOf(parameterName),
        });
      }
      const type = parameterType(parameter);
      parameters[parameterName.getText()] = this.#placed(type, { name: parameterName });
    }
    const { text: expression, offset } = this.#source.excerpt(
      node.LBRACE().symbol.stop + 1,
      node.RBRACE().symbol.start,
    );
    const condition = { name: name.getText(), expression, parameters };
    this.#positions.record(condition, 'expression', this.#source.positionAt(offset));
    return this.#placed(condition, { name });
  }

  /** The node of the model, with the places of its words recorded. */
  #placed<T extends object>(node: T, words: Partial<Record<Part, Node | null | undefined>>): T {
    for (const [part, word] of Object.entries(words)) {
      if (word) this.#positions.record(node, part as Part, this.#positionOf(word));
    }
    return node;
  }

  #positionOf(node: Node): Position {
    return this.#source.positionAt(node.start.start);
  }
}

/** For what the grammar demands, where the node's type cannot say which alternative it is. */
function required<T>(part: T | null | undefined): T {
  if (part === null || part === undefined) throw new Error('a part that the grammar demands');
  return part;
}

function parameterType(node: ParameterNode): ParameterType {
  const type = node.parameterType();
  const container = type.CONDITION_PARAM_CONTAINER()?.getText();
  // The lexer makes these tokens of the names of ScalarType, and of 'list' and 'map', only.
  const kind = type.CONDITION_PARAM_TYPE().getText() as ScalarType;
  if (container === undefined) return { kind };
  return { kind: container === 'list' ? 'list' : 'map', of: { kind } };
}
