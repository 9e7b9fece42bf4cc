/**
 * Relations and permissions to relations of the model.
 *
 * What has no equivalent is left out, so that a relation may have fewer members than in SpiceDB: it
 * is *narrow*, and with it all that refers to it. To subtract something narrow would let subjects
 * in who are kept out in SpiceDB, so nobody has such a permission. Which relations are narrow is a
 * least fixpoint: all are translated again until none is added.
 */
import type { RelationDefinition, Rewrite, SubjectRestriction } from '../../../schema/model.js';
import type { Position } from '../../../schema/positions.js';
import type { Findings } from '../finding.js';
import type { Catalogue, CataloguedType } from './catalogue.js';
import type { Arrow, Expression, Name, Permission, Relation, SubjectType } from './syntax.js';

/** No rewrite: nobody. */
interface Translated {
  readonly rewrite?: Rewrite;
  readonly narrow: boolean;
}

const NOBODY: Translated = { narrow: false };
const LOST: Translated = { narrow: true };

export class Translation {
  readonly #catalogue: Catalogue;
  readonly #findings: Findings;
  readonly #narrow = new Set<string>();

  constructor(catalogue: Catalogue, findings: Findings) {
    this.#catalogue = catalogue;
    this.#findings = findings;
  }

  /** By type; what there is beside the schema's own relations comes last. */
  relations(): ReadonlyMap<string, ReadonlyMap<string, RelationDefinition>> {
    for (;;) {
      const before = this.#narrow.size;
      const all = new Map(
        Array.from(this.#catalogue.types(), (type) => [type.name, this.#relationsOf(type)]),
      );
      if (this.#narrow.size === before) return all;
    }
  }

  #relationsOf(type: CataloguedType): ReadonlyMap<string, RelationDefinition> {
    const relations = new Map<string, RelationDefinition>();
    const add = (name: string, rewrite: Rewrite, restrictions: readonly SubjectRestriction[]) => {
      relations.set(name, { name, rewrite, restrictions });
    };
    for (const member of type.definition.members.values()) {
      const name = this.#catalogue.relationName(member.name.text);
      if (member.kind === 'relation') {
        const restrictions = this.#restrictions(type, member);
        add(name, { kind: 'direct' }, restrictions.length > 0 ? restrictions : [this.#nobody()]);
      } else {
        const { rewrite, narrow } = this.#expression(type, member.expression);
        if (narrow) this.#narrow.add(keyOf(type, member));
        if (rewrite === undefined) add(name, { kind: 'direct' }, [this.#nobody()]);
        else add(name, rewrite, []);
      }
    }
    for (const helper of type.objectRelations) {
      const restrictions = this.#objects(type, helper.of, helper.subjectRelation);
      if (restrictions.length > 0) add(helper.name, { kind: 'direct' }, restrictions);
    }
    if (type.itself !== undefined) {
      add(type.itself, { kind: 'direct' }, [{ type: type.name, kind: 'object', relation: '' }]);
    }
    return relations;
  }

  #nobody(): SubjectRestriction {
    return { type: this.#catalogue.needNobody(), kind: 'object', relation: '' };
  }

  #restrictions(type: CataloguedType, relation: Relation): readonly SubjectRestriction[] {
    const restrictions = new Map<string, SubjectRestriction>();
    for (const subject of relation.subjects) {
      if (this.#isNarrowSubject(subject)) this.#narrow.add(keyOf(type, relation));
      const restriction = this.#restriction(subject);
      if (restriction !== undefined) restrictions.set(JSON.stringify(restriction), restriction);
    }
    return [...restrictions.values()];
  }

  #isNarrowSubject(subject: SubjectType): boolean {
    return (
      this.#restriction(subject) === undefined ||
      (subject.kind === 'userset' && this.#narrow.has(`${subject.type.text}#${subject.relation}`))
    );
  }

  #restriction({ type, kind, relation, caveat }: SubjectType): SubjectRestriction | undefined {
    const target = this.#catalogue.type(type.text);
    if (target === undefined) {
      this.#findings.add('missing', `no definition '${type.text}'`, type.position);
      return undefined;
    }
    if (kind === 'userset' && !target.definition.members.has(relation)) {
      this.#findings.add('missing', `'${type.text}' has no '${relation}'`, type.position);
      return undefined;
    }
    const restriction: SubjectRestriction = {
      type: target.name,
      kind,
      relation: kind === 'userset' ? this.#catalogue.relationName(relation) : '',
    };
    if (caveat === undefined) return restriction;
    const condition = this.#catalogue.conditions.get(caveat.text);
    if (condition !== undefined) return { ...restriction, condition: condition.name };
    const message = `left out with its caveat '${caveat.text}'`;
    this.#findings.add('missing', message, caveat.position);
    return undefined;
  }

  /** Of the usersets with the relation, or of the objects where it is '', the objects. */
  #objects(
    type: CataloguedType,
    { name, subjects }: Relation,
    relation: string,
  ): readonly SubjectRestriction[] {
    const chosen = subjects.filter((subject) => subject.relation === relation);
    return this.#restrictions(type, { kind: 'relation', name, comments: [], subjects: chosen }).map(
      (restriction) => ({ ...restriction, kind: 'object', relation: '' }),
    );
  }

  #expression(type: CataloguedType, expression: Expression): Translated {
    switch (expression.kind) {
      case 'nil':
        return NOBODY;
      case 'self': {
        const relation = this.#catalogue.needItself(type, expression.position);
        return { rewrite: { kind: 'computed', relation }, narrow: true };
      }
      case 'name':
        return this.#name(type, expression.name);
      case 'arrow':
        return this.#arrow(type, expression);
      case 'union':
        return this.#union(type, expression.operands);
      case 'intersection': {
        const operands = expression.operands.map((each) => this.#expression(type, each));
        const rewrites = operands.flatMap(({ rewrite }) => rewrite ?? []);
        const narrow = operands.some((each) => each.narrow);
        if (rewrites.length < operands.length) return { narrow };
        return { rewrite: { kind: 'intersection', operands: rewrites }, narrow };
      }
      case 'exclusion':
        return this.#exclusion(type, expression);
    }
  }

  #name(type: CataloguedType, { text, position }: Name): Translated {
    if (!type.definition.members.has(text)) {
      const message = `'${type.definition.name.text}' has no '${text}'`;
      this.#findings.add('missing', message, position);
      return LOST;
    }
    const narrow = this.#narrow.has(`${type.definition.name.text}#${text}`);
    const relation = this.#catalogue.relationName(text);
    return { rewrite: { kind: 'computed', relation }, narrow };
  }

  #union(type: CataloguedType, expressions: readonly Expression[]): Translated {
    const operands = expressions.map((each) => this.#expression(type, each));
    const narrow = operands.some((each) => each.narrow);
    return { ...unionOf(operands.flatMap(({ rewrite }) => rewrite ?? [])), narrow };
  }

  #exclusion(type: CataloguedType, expression: Expression & { kind: 'exclusion' }): Translated {
    const base = this.#expression(type, expression.base);
    const subtracted = this.#union(type, expression.subtracted);
    if (subtracted.narrow) {
      const message =
        'nobody has this in the model: what is taken away here has fewer members than in ' +
        'SpiceDB, and whoever is missing there would get in';
      this.#findings.add('missing', message, placeOf(expression));
      return LOST;
    }
    if (base.rewrite === undefined || subtracted.rewrite === undefined) return base;
    const rewrite: Rewrite = {
      kind: 'exclusion',
      base: base.rewrite,
      subtract: subtracted.rewrite,
    };
    return { rewrite, narrow: base.narrow };
  }

  #arrow(type: CataloguedType, { left, right, all }: Arrow): Translated {
    const lost = (message: string, { position }: Name): Translated => {
      this.#findings.add('missing', message, position);
      return LOST;
    };
    const tupleset = type.definition.members.get(left.text);
    if (tupleset === undefined) {
      return lost(`'${type.definition.name.text}' has no '${left.text}'`, left);
    }
    if (tupleset.kind === 'permission') {
      return lost(`an arrow starts at a relation; '${left.text}' is a permission`, left);
    }
    if (all) return lost(`no equivalent of '.all(…)': it asks for all of '${left.text}'`, left);
    if (tupleset.subjects.some(({ kind }) => kind === 'wildcard')) {
      return lost(`an arrow cannot go through '${left.text}', which admits everybody`, left);
    }
    const targets = new Set(tupleset.subjects.map((subject) => subject.type.text));
    const holders = [...targets].filter((name) => this.#catalogue.member(name, right.text));
    if (holders.length === 0) {
      const message = `nothing in '${left.text}' has '${right.text}': it leads to nobody`;
      this.#findings.add('dropped', message, right.position);
      return NOBODY;
    }
    return this.#from(type, tupleset, holders, right.text);
  }

  #from(
    type: CataloguedType,
    tupleset: Relation,
    holders: readonly string[],
    right: string,
  ): Translated {
    const narrow =
      this.#narrow.has(keyOf(type, tupleset)) ||
      holders.some((holder) => this.#narrow.has(`${holder}#${right}`));
    const relation = this.#catalogue.relationName(right);
    const isReached = (objects: readonly SubjectRestriction[]): boolean =>
      objects.some((each) =>
        holders.some((holder) => each.type === this.#catalogue.typeName(holder)),
      );
    const through = tupleset.subjects.every(({ kind }) => kind === 'object')
      ? [{ name: this.#catalogue.relationName(tupleset.name.text), subjectRelation: '' }]
      : this.#catalogue.needObjectRelations(type, tupleset);
    const operands = through
      .filter(({ subjectRelation }) => isReached(this.#objects(type, tupleset, subjectRelation)))
      .map(({ name }): Rewrite => ({ kind: 'from', tupleset: name, relation }));
    return { ...unionOf(operands), narrow };
  }
}

/** No rewrite for no operands. */
function unionOf(operands: readonly Rewrite[]): { readonly rewrite?: Rewrite } {
  const [first, second] = operands;
  if (first === undefined) return {};
  return { rewrite: second === undefined ? first : { kind: 'union', operands } };
}

const keyOf = (type: CataloguedType, member: Relation | Permission): string =>
  `${type.definition.name.text}#${member.name.text}`;

function placeOf(expression: Expression): Position | undefined {
  switch (expression.kind) {
    case 'nil':
    case 'self':
      return expression.position;
    case 'name':
      return expression.name.position;
    case 'arrow':
      return expression.left.position;
    case 'union':
    case 'intersection':
      return expression.operands[0] && placeOf(expression.operands[0]);
    case 'exclusion':
      return placeOf(expression.base);
  }
}
