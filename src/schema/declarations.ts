/**
 * Puts the declarations of one text or of several modules together: each name is declared once, and
 * `extend type` adds its relations to the type of another module.
 */
import type { DslDocument, TypeDeclaration } from './dsl-tree.js';
import type {
  Model,
  ModelCondition,
  RelationDefinition,
  SourceInfo,
  TypeDefinition,
} from './model.js';
import { didYouMean } from './nearest.js';
import { formatPosition } from './positions.js';
import type { Position, Positions } from './positions.js';
import { quote } from './problem.js';
import type { ModelProblem } from './problem.js';

/** A document and, when it is a module, what of the model is said to come from it. */
export interface Contribution {
  readonly document: DslDocument;
  readonly source?: SourceInfo;
}

export type Declared = Pick<Model, 'types' | 'conditions'> & {
  readonly problems: readonly ModelProblem[];
};

export function declare(contributions: readonly Contribution[], positions: Positions): Declared {
  const declarations = new Declarations(positions);
  // All types first: a module may extend one of a later file.
  for (const extend of [false, true]) {
    for (const { document, source } of contributions) {
      for (const type of document.types) {
        if (type.extend !== extend) continue;
        if (extend) declarations.extendType(type, source);
        else declarations.addType(type, source);
      }
    }
  }
  for (const { document, source } of contributions) {
    for (const condition of document.conditions) declarations.addCondition(condition, source);
  }
  return declarations;
}

interface OpenType {
  readonly name: string;
  readonly relations: Map<string, RelationDefinition>;
  readonly source?: SourceInfo;
}

class Declarations implements Declared {
  readonly types = new Map<string, TypeDefinition>();
  readonly conditions = new Map<string, ModelCondition>();
  readonly problems: ModelProblem[] = [];
  readonly #open = new Map<string, OpenType>();
  readonly #extended = new Map<SourceInfo | undefined, Set<string>>();
  readonly #positions: Positions;

  constructor(positions: Positions) {
    this.#positions = positions;
  }

  addType(declaration: TypeDeclaration, source: SourceInfo | undefined): void {
    const { name, position } = declaration;
    const known = this.#open.get(name);
    if (known !== undefined) {
      const message = `type ${quote(name)} is already defined${this.#placeOf(known)}`;
      this.problems.push({ message, position });
      return;
    }
    const type: OpenType = { name, relations: new Map(), ...(source && { source }) };
    this.#open.set(name, type);
    this.types.set(name, type);
    this.#positions.record(type, 'name', position);
    this.#addRelations(type, declaration, undefined);
  }

  extendType(declaration: TypeDeclaration, source: SourceInfo | undefined): void {
    const { name, position } = declaration;
    const type = this.#open.get(name);
    const extended = this.#extended.get(source) ?? new Set();
    if (source === undefined) {
      const message =
        "'extend type' is for modules only; in a model, write all relations at one type";
      this.problems.push({ message, position });
    } else if (type === undefined) {
      const hint = didYouMean(name, this.#open.keys());
      const message = `type ${quote(name)} cannot be extended, it is not defined${hint}`;
      this.problems.push({ message, position });
    } else if (extended.has(name)) {
      const message = `type ${quote(name)} is already extended in this file`;
      this.problems.push({ message, position });
    } else {
      this.#extended.set(source, extended.add(name));
      this.#addRelations(type, declaration, source);
    }
  }

  addCondition(declared: ModelCondition, source: SourceInfo | undefined): void {
    const { name } = declared;
    const known = this.conditions.get(name);
    if (known !== undefined) {
      const position = this.#positions.of(declared, 'name');
      const message = `condition ${quote(name)} is already defined${this.#placeOf(known)}`;
      this.problems.push({ message, position });
      return;
    }
    const condition: ModelCondition = source === undefined ? declared : { ...declared, source };
    this.#copyPlaces(declared, condition);
    this.conditions.set(name, condition);
  }

  #addRelations(
    type: OpenType,
    { relations }: TypeDeclaration,
    source: SourceInfo | undefined,
  ): void {
    for (const declared of relations) {
      const known = type.relations.get(declared.name);
      if (known !== undefined) {
        this.problems.push({
          message: `relation ${quote(declared.name)} is already defined${this.#placeOf(known)}`,
          type: type.name,
          position: this.#positions.of(declared, 'name'),
        });
        continue;
      }
      const relation = source === undefined ? declared : { ...declared, source };
      this.#copyPlaces(declared, relation);
      type.relations.set(relation.name, relation);
    }
  }

  /** Places belong to a node's identity, so a copy needs them given. */
  #copyPlaces(from: object, to: object): void {
    for (const part of ['name', 'expression'] as const) {
      const position = this.#positions.of(from, part);
      if (position !== undefined) this.#positions.record(to, part, position);
    }
  }

  #placeOf(node: object): string {
    const position: Position | undefined = this.#positions.of(node, 'name');
    return position === undefined ? '' : `, at ${formatPosition(position)}`;
  }
}
