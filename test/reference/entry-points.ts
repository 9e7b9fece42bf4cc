/**
 * A relation has an entry point if some set of tuples can put a subject into it. One without is
 * refused by validation, so random models are mended: each such relation is given plain users.
 */
import { isDeepStrictEqual } from 'node:util';

import type { RelationDefinition, Rewrite, TypeDefinition } from '../../src/schema/model.js';

type Types = ReadonlyMap<string, TypeDefinition>;

export function withEntryPoints(types: Types): Types {
  let mended = types;
  for (;;) {
    const entered = relationsWithEntry(mended);
    const closed = [...mended.values()].flatMap((type) =>
      [...type.relations.values()]
        .filter((relation) => !entered.has(`${type.name}#${relation.name}`))
        .map((relation) => ({ type, relation })),
    );
    const first = closed[0];
    if (first === undefined) return mended;
    const relations = new Map(first.type.relations);
    relations.set(first.relation.name, opened(first.relation));
    mended = new Map(mended).set(first.type.name, { ...first.type, relations });
  }
}

/** Users beside what there is; as an operand of `or`, since elsewhere they need not open it. */
function opened(relation: RelationDefinition): RelationDefinition {
  const plain = { type: 'user', kind: 'object', relation: '' } as const;
  const { rewrite } = relation;
  const operands = rewrite.kind === 'union' ? rewrite.operands : [rewrite];
  const isDirect = operands.some((each) => each.kind === 'direct');
  const others = relation.restrictions.filter((each) => !isDeepStrictEqual(each, plain));
  return {
    ...relation,
    rewrite: isDirect ? rewrite : { kind: 'union', operands: [{ kind: 'direct' }, ...operands] },
    restrictions: [plain, ...others],
  };
}

/** The least set that is closed under "an operand of it enters". */
function relationsWithEntry(types: Types): ReadonlySet<string> {
  const entered = new Set<string>();
  let grew = true;
  while (grew) {
    grew = false;
    for (const type of types.values()) {
      for (const relation of type.relations.values()) {
        const name = `${type.name}#${relation.name}`;
        if (entered.has(name) || !enters(relation.rewrite, relation, type, entered)) continue;
        entered.add(name);
        grew = true;
      }
    }
  }
  return entered;
}

function enters(
  rewrite: Rewrite,
  relation: RelationDefinition,
  type: TypeDefinition,
  entered: ReadonlySet<string>,
): boolean {
  const inner = (each: Rewrite): boolean => enters(each, relation, type, entered);
  switch (rewrite.kind) {
    case 'direct':
      return relation.restrictions.some(
        (each) => each.kind !== 'userset' || entered.has(`${each.type}#${each.relation}`),
      );
    case 'computed':
      return entered.has(`${type.name}#${rewrite.relation}`);
    case 'from': {
      const parents = type.relations.get(rewrite.tupleset)?.restrictions ?? [];
      return parents.some((each) => entered.has(`${each.type}#${rewrite.relation}`));
    }
    case 'union':
      return rewrite.operands.some(inner);
    case 'intersection':
      return rewrite.operands.every(inner);
    case 'exclusion':
      return inner(rewrite.base) && inner(rewrite.subtract);
  }
}
