/**
 * What a SpiceDB schema declares, what it is called in the model, and what the model has besides:
 *
 *   nobody          a type of which nobody is: `[nobody]` is what `nil` is
 *   parent_object   the objects of `parent`, where an arrow goes through usersets: SpiceDB walks
 *                   from the group of `group:eng#member`, and `from` walks from objects only
 *   itself          for `self`: holds an object for itself, which takes a tuple an object
 */
import type { ModelCondition } from '../../../schema/model.js';
import type { Position } from '../../../schema/positions.js';
import type { Findings } from '../finding.js';
import { conditionOf } from './caveats.js';
import { Names } from './names.js';
import type { WholeDefinition } from './partials.js';
import type { Caveat, Permission, Relation } from './syntax.js';

interface Type {
  readonly definition: WholeDefinition;
  readonly name: string;
  /** Of relations that arrows go through although they hold usersets. */
  readonly objectsOf: Map<string, string>;
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
        objectsOf: new Map(),
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

  needObjectsOf(type: Type, relation: Relation): string {
    const { text, position } = relation.name;
    const known = type.objectsOf.get(text);
    if (known !== undefined) return known;
    const name = this.#relationNames.invent(`${text}_object`);
    type.objectsOf.set(text, name);
    const message =
      `an arrow goes through '${text}', which holds usersets; in the model it goes through ` +
      `'${name}': whatever is written to '${text}' has to be written there, too, without '#…'`;
    this.#findings.add('changed', message, position);
    return name;
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
