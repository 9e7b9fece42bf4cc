/**
 * What a SpiceDB schema declares, what it is called in the model, and what the model has besides:
 *
 *   nobody          a type of which nobody is: `[nobody]` is what `nil` is
 *   parent_object   the objects of `parent`, where an arrow goes through a relation that holds
 *                   usersets: `from` walks from objects only
 *   parent_member_object   the groups of its `group:eng#member`, from which SpiceDB walks; apart,
 *                   so that a relationship makes one tuple, with its own condition
 *   itself          for `self`: holds an object for itself, which takes a tuple an object
 */
import type { ModelCondition } from '../../../schema/model.js';
import type { Position } from '../../../schema/positions.js';
import type { Findings } from '../finding.js';
import { conditionOf } from './caveats.js';
import { Names } from './names.js';
import type { WholeDefinition } from './partials.js';
import type { Caveat, Permission, Relation } from './syntax.js';

/** Of a relation that an arrow goes through although it holds usersets. */
export interface ObjectRelation {
  readonly name: string;
  readonly of: Relation;
  /** Of the usersets whose objects it holds, or '' for objects. */
  readonly subjectRelation: string;
}

interface Type {
  readonly definition: WholeDefinition;
  readonly name: string;
  readonly objectRelations: ObjectRelation[];
  itself?: string;
}

export class Catalogue {
  readonly conditions = new Map<string, ModelCondition>();
  readonly #types = new Map<string, Type>();
  readonly #typeNames: Names;
  /** One for all types: 'view from parent' asks parents of several types by one name. */
  readonly #relationNames: Names;
  readonly #findings: Findings;
  #nobody: string | undefined;

  constructor(
    definitions: readonly WholeDefinition[],
    caveats: readonly Caveat[],
    findings: Findings,
  ) {
    this.#findings = findings;
    this.#typeNames = new Names('type', namesOf(definitions), findings);
    const members = definitions.flatMap((definition) => [...definition.members.values()]);
    this.#relationNames = new Names('relation', namesOf(members), findings);
    for (const definition of definitions) {
      const { text } = definition.name;
      this.#types.set(text, {
        definition,
        name: this.#typeNames.of(text) ?? text,
        objectRelations: [],
      });
    }
    const names = new Names('condition', namesOf(caveats), findings);
    for (const caveat of caveats) {
      const name = names.of(caveat.name.text);
      const condition = name === undefined ? undefined : conditionOf(caveat, name, findings);
      if (condition !== undefined) this.conditions.set(caveat.name.text, condition);
    }
  }

  types(): Iterable<Type> {
    return this.#types.values();
  }

  type(name: string): Type | undefined {
    return this.#types.get(name);
  }

  member(type: string, name: string): Relation | Permission | undefined {
    return this.#types.get(type)?.definition.members.get(name);
  }

  relationName(name: string): string {
    return this.#relationNames.of(name) ?? name;
  }

  typeName(name: string): string {
    return this.#types.get(name)?.name ?? name;
  }

  /** The type of nobody, if the model has come to need it. */
  get nobody(): string | undefined {
    return this.#nobody;
  }

  needNobody(): string {
    this.#nobody ??= this.#typeNames.invent('nobody');
    return this.#nobody;
  }

  /** One for each subject relation that the relation admits. */
  needObjectRelations(type: Type, relation: Relation): readonly ObjectRelation[] {
    const known = type.objectRelations.filter((each) => each.of === relation);
    if (known.length > 0) return known;
    const { text, position } = relation.name;
    const made = [...new Set(relation.subjects.map((subject) => subject.relation))].map(
      (subjectRelation): ObjectRelation => {
        const from = subjectRelation === '' ? text : `${text}_${subjectRelation}`;
        return {
          name: this.#relationNames.invent(`${from}_object`),
          of: relation,
          subjectRelation,
        };
      },
    );
    type.objectRelations.push(...made);
    const message =
      `an arrow goes through '${text}', which holds usersets; in the model it goes through ` +
      `${made.map(({ name }) => `'${name}'`).join(' and ')}: what is written to '${text}' has ` +
      "to be written there, too, without '#…'";
    this.#findings.add('changed', message, position);
    return made;
  }

  needItself(type: Type, position: Position): string {
    type.itself ??= this.#relationNames.invent('itself');
    const message =
      `no equivalent of 'self': it is '${type.itself}' in the model, which takes ` +
      `a tuple for each object, such as ${type.name}:1#${type.itself}@${type.name}:1`;
    this.#findings.add('missing', message, position);
    return type.itself;
  }
}

export type { Type as CataloguedType };

const namesOf = <N>(named: Iterable<{ readonly name: N }>): readonly N[] =>
  Array.from(named, ({ name }) => name);
