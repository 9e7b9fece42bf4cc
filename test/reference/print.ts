/** Worlds and questions in words: models as DSL, tuples as `object#relation@subject`. */
import type {
  Model,
  RelationDefinition,
  Rewrite,
  SubjectRestriction,
} from '../../src/schema/model.js';
import { formatObject, formatSubject, formatTupleKey } from '../../src/tuple/tuple.js';
import type { StoreChange } from '../../src/tuple/attributes.js';
import type { RelationTuple } from '../../src/tuple/tuple.js';
import type { Surroundings } from './engine.js';
import type { Check, Query } from './queries.js';

export function printModel(model: Model): string {
  const types = [...model.types.values()].map((type) => {
    const relations = [...type.relations.values()].map(
      (relation) => `    define ${relation.name}: ${printRewrite(relation.rewrite, relation)}`,
    );
    const header = relations.length === 0 ? [] : ['  relations'];
    return [`type ${type.name}`, ...header, ...relations].join('\n');
  });
  const conditions = [...model.conditions.values()].map((condition) => {
    const parameters = Object.entries(condition.parameters).map(
      ([name, { kind }]) => `${name}: ${kind}`,
    );
    return `condition ${condition.name}(${parameters.join(', ')}) { ${condition.expression} }`;
  });
  return [`model\n  schema ${model.schemaVersion}`, ...types, ...conditions].join('\n');
}

function printRewrite(rewrite: Rewrite, relation: RelationDefinition): string {
  const inner = (operand: Rewrite): string => {
    const text = printRewrite(operand, relation);
    const isLeaf = ['direct', 'computed', 'from'].includes(operand.kind);
    return isLeaf ? text : `(${text})`;
  };
  switch (rewrite.kind) {
    case 'direct':
      return `[${relation.restrictions.map(printRestriction).join(', ')}]`;
    case 'computed':
      return rewrite.relation;
    case 'from':
      return `${rewrite.relation} from ${rewrite.tupleset}`;
    case 'union':
      return rewrite.operands.map(inner).join(' or ');
    case 'intersection':
      return rewrite.operands.map(inner).join(' and ');
    case 'exclusion':
      return `${inner(rewrite.base)} but not ${inner(rewrite.subtract)}`;
  }
}

function printRestriction(restriction: SubjectRestriction): string {
  const subject = {
    object: restriction.type,
    wildcard: `${restriction.type}:*`,
    userset: `${restriction.type}#${restriction.relation}`,
  }[restriction.kind];
  return restriction.condition === undefined ? subject : `${subject} with ${restriction.condition}`;
}

export function printTuple(tuple: RelationTuple): string {
  const condition =
    tuple.condition === undefined
      ? ''
      : ` with ${tuple.condition.name} ${JSON.stringify(tuple.condition.context)}`;
  const expiry = tuple.expiresAt === undefined ? '' : ` until ${tuple.expiresAt}`;
  return `${formatTupleKey(tuple)}${condition}${expiry}`;
}

export function printChange(change: StoreChange): string {
  switch (change.operation) {
    case 'write':
      return `+ ${printTuple(change.tuple)}`;
    case 'delete':
      return `- ${formatTupleKey(change.tuple)}`;
    case 'attributes':
      return `${formatObject(change.entity)} is ${JSON.stringify(change.attributes)}`;
  }
}

/** Nothing for a request that brings nothing along. */
function printSurroundings({ context, contextualTuples }: Surroundings): readonly string[] {
  return [
    ...(Object.keys(context).length === 0 ? [] : [`context ${JSON.stringify(context)}`]),
    ...contextualTuples.map((tuple) => `contextual ${printTuple(tuple)}`),
  ];
}

/** Line by line. */
export function printQuery(query: Query): readonly string[] {
  switch (query.kind) {
    case 'check':
      return [...printSurroundings(query.at), printCheck(query)];
    case 'batch':
      return query.checks.flatMap((each) => [...printSurroundings(each.at), printCheck(each)]);
    case 'listObjects':
      return [
        ...printSurroundings(query.at),
        `list objects: ${query.type} #${query.relation} @ ${formatSubject(query.subject)}`,
      ];
    case 'listUsers': {
      const { type, relation } = query.filter;
      const filter = relation === undefined ? type : `${type}#${relation}`;
      return [...printSurroundings(query.at), `list users: ${printNode(query)} @ ${filter}`];
    }
    case 'expand':
      return [`${formatSubject(query.subject)} in expand: ${printNode(query)}`];
  }
}

const printNode = ({ object, relation }: Pick<Check, 'object' | 'relation'>): string =>
  `${formatObject(object)}#${relation}`;

const printCheck = (check: Check): string =>
  `check: ${printNode(check)}@${formatSubject(check.subject)}`;
