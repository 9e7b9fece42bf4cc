/**
 * Makes a parsed expression ours before the library checks its types:
 *
 * - refuses what no condition may hold: unknown names, functions outside CEL's standard library,
 *   constructs that the library evaluates wrongly, nesting beyond the limits;
 * - rewrites the library's syntax tree: parameters and our functions get their marked names,
 *   literal patterns, timestamps and the like are replaced by the values they stand for;
 * - returns the term from which the cost is bounded.
 *
 * The library has expanded macros while parsing; their expansions share the nodes of the
 * arguments, so rewriting the tree rewrites them too.
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import * as charges from './charge.js';
import type { Charge } from './charge.js';
import { INT64, inRange } from './decimal.js';
import { Literal, marked } from './environment.js';
import { SCALAR, stringExtent } from './extent.js';
import type { Extent } from './extent.js';
import { REPLACED, TEXT_FUNCTION } from './functions.js';
import type { TextFunction } from './functions.js';
import type { Macro, Term } from './term.js';
import { ValueError } from './value-error.js';

/** Left-leaning chains nest one level per operator; checking and evaluating recurse. */
const DEPTH_MAX = 250;
/** The library never forgets a type, and each depth of lists and maps in lists is one. */
const AGGREGATE_DEPTH_MAX = 5;

/** Something in the expression is not allowed; `offset` is where, in UTF-16 units. */
export class ExpressionError extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.name = 'ExpressionError';
    this.offset = offset;
  }
}

interface Scope {
  /** The parameters, by name, with their indices. */
  readonly parameters: ReadonlyMap<string, number>;
  /** The variables of the macros around the node, with their slots. */
  readonly variables: ReadonlyMap<string, number>;
  readonly depth: number;
  /** Lists and maps being built around the node. */
  readonly aggregates: number;
}

export function lowerExpression(root: ASTNode, parameters: readonly string[]): Term {
  const indices = new Map(parameters.map((name, index) => [name, index]));
  return lower(root, { parameters: indices, variables: new Map(), depth: 0, aggregates: 0 });
}

const operation = (charge: Charge, operands: readonly Term[]): Term => ({
  kind: 'operation',
  charge,
  operands,
});

function lower(node: ASTNode, outer: Scope): Term {
  if (outer.depth === DEPTH_MAX) {
    throw new ExpressionError(`the expression nests deeper than ${DEPTH_MAX} levels`, node.pos);
  }
  const scope = { ...outer, depth: outer.depth + 1 };
  switch (node.op) {
    case 'value':
      return lowerLiteral(node);
    case 'id':
      return lowerName(node, scope);
    case '.':
      return operation(charges.access, [lower(node.args[0], scope)]);
    case '[]':
      return operation(
        charges.access,
        node.args.map((arg) => lower(arg, scope)),
      );
    case 'call':
      return lowerCall(node, scope);
    case 'rcall':
      return lowerMethod(node, scope);
    case 'list': {
      const inner = withinAggregate(node, scope);
      return operation(
        charges.listLiteral,
        node.args.map((item) => lower(item, inner)),
      );
    }
    case 'map':
      return lowerMap(node, withinAggregate(node, scope));
    case '?:': {
      const [test, then, otherwise] = node.args;
      return {
        kind: 'choice',
        test: lower(test, scope),
        then: lower(then, scope),
        else: lower(otherwise, scope),
      };
    }
    case '!_':
      return operation(charges.single, [lower(node.args, scope)]);
    case '-_':
      if (node.args.op === 'value' && node.args.args === -INT64.min) return literal(SCALAR);
      return operation(charges.single, [lower(node.args, scope)]);
    case '.?':
    case '[?]':
      throw new ExpressionError('optional values are not supported', node.pos);
    default: {
      const [left, right] = node.args;
      return operation(charges.OPERATOR_CHARGES[node.op], [
        lower(left, scope),
        lower(right, scope),
      ]);
    }
  }
}

const TYPE_NAMES: ReadonlySet<string> = new Set([
  'bool',
  'double',
  'int',
  'list',
  'map',
  'null_type',
  'string',
  'type',
  'uint',
]);

function lowerName(node: NodeOf<'id'>, scope: Scope): Term {
  const name = node.args;
  const slot = scope.variables.get(name);
  if (slot !== undefined) return { kind: 'variable', slot };
  const index = scope.parameters.get(name);
  if (index !== undefined) {
    rewrite(node, marked(name));
    return { kind: 'parameter', index };
  }
  if (TYPE_NAMES.has(name)) return literal(SCALAR);
  throw new ExpressionError(`unknown name '${name}'`, node.pos);
}

const literal = (extent: Extent): Term => ({ kind: 'literal', extent });

function lowerLiteral(node: NodeOf<'value'>): Term {
  const value = node.args;
  if (typeof value === 'bigint' && !inRange(value, INT64)) {
    throw new ExpressionError(`${value} does not fit into 64 bits`, node.pos);
  }
  if (value instanceof Uint8Array) {
    throw new ExpressionError('bytes are not supported', node.pos);
  }
  return literal(typeof value === 'string' ? stringExtent(value.length) : SCALAR);
}

function withinAggregate(node: ASTNode, scope: Scope): Scope {
  if (scope.aggregates === AGGREGATE_DEPTH_MAX) {
    const problem = `lists and maps nest deeper than ${AGGREGATE_DEPTH_MAX} levels`;
    throw new ExpressionError(problem, node.pos);
  }
  return { ...scope, aggregates: scope.aggregates + 1 };
}

/** The library drops entries of these keys. */
const LOST_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** The library turns keys of all types into strings, so that no others are let in. */
function lowerMap(node: NodeOf<'map'>, scope: Scope): Term {
  const keys = new Set<string>();
  const values: Term[] = [];
  let keyLengthMax = 0;
  for (const [keyNode, valueNode] of node.args) {
    const key = keyNode.op === 'value' ? keyNode.args : undefined;
    if (typeof key !== 'string') {
      throw new ExpressionError('the key of a map has to be a literal string', keyNode.pos);
    }
    if (LOST_KEYS.has(key)) {
      throw new ExpressionError(`a map cannot be written with the key '${key}'`, keyNode.pos);
    }
    if (keys.has(key)) throw new ExpressionError(`the key '${key}' is repeated`, keyNode.pos);
    keys.add(key);
    keyLengthMax = Math.max(keyLengthMax, key.length);
    values.push(lower(valueNode, scope));
  }
  return operation(charges.mapLiteral(keyLengthMax), values);
}

function lowerCall(node: NodeOf<'call'>, scope: Scope): Term {
  const [name, args] = node.args;
  const [only] = args;
  if (name === 'has' && args.length === 1 && only !== undefined) {
    return operation(charges.single, [lower(only, scope)]);
  }
  const charge = lowerFunction(node, false, args);
  return operation(
    charge,
    args.map((arg) => lower(arg, scope)),
  );
}

const MACROS: ReadonlyMap<string, Macro> = new Map([
  ['all/2', 'all'],
  ['exists/2', 'exists'],
  ['exists_one/2', 'exists_one'],
  ['filter/2', 'filter'],
  ['map/2', 'map'],
  ['map/3', 'map'],
]);

function lowerMethod(node: NodeOf<'rcall'>, scope: Scope): Term {
  const [name, receiver, args] = node.args;
  const macro = MACROS.get(`${name}/${args.length}`);
  if (macro !== undefined) return lowerMacro(macro, node, scope);
  const charge = lowerFunction(node, true, args);
  return operation(
    charge,
    [receiver, ...args].map((arg) => lower(arg, scope)),
  );
}

function lowerMacro(macro: Macro, node: NodeOf<'rcall'>, outer: Scope): Term {
  const [, receiver, [variable, ...body]] = node.args;
  // The parser has seen to it that the first argument of a macro is a name.
  if (variable?.op !== 'id') throw new ExpressionError('a macro needs a variable', node.pos);
  const scope = macro === 'map' ? withinAggregate(node, outer) : outer;
  const slot = scope.variables.size;
  const inner = { ...scope, variables: new Map(scope.variables).set(variable.args, slot) };
  return {
    kind: 'loop',
    macro,
    range: lower(receiver, scope),
    slot,
    body: body.map((term) => lower(term, inner)),
  };
}

/** Sends the call to our function, if there is one, and says what it costs. */
function lowerFunction(
  node: NodeOf<'call'> | NodeOf<'rcall'>,
  method: boolean,
  args: readonly ASTNode[],
): Charge {
  const name = node.args[0];
  const called = charges.signature(name, method, args.length);
  const charge = charges.FUNCTION_CHARGES.get(called);
  if (charge === undefined) {
    const what = method ? 'method' : 'function';
    const count = args.length === 1 ? '1 argument' : `${args.length} arguments`;
    throw new ExpressionError(`unknown ${what} '${name}' of ${count}`, node.pos);
  }
  if (REPLACED.has(called)) node.args[0] = marked(name);
  const text = TEXT_FUNCTION.get(called);
  const last = args.at(-1);
  if (text === undefined || last?.op !== 'value' || typeof last.args !== 'string') return charge;
  const value = readLiteral(text, last.args, last.pos);
  rewrite(last, new Literal(value));
  return text.literalCharge?.(value) ?? charge;
}

function readLiteral(entry: TextFunction, text: string, offset: number): unknown {
  try {
    return (entry.readLiteral ?? entry.read)(text);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw new ExpressionError(error.message, offset);
  }
}

type NodeOf<Op extends ASTNode['op']> = Extract<ASTNode, { readonly op: Op }>;

/** The library declares its nodes readonly, and leaves them alone until they are checked. */
function rewrite(node: NodeOf<'id'> | NodeOf<'value'>, args: string | Literal): void {
  (node as { args: unknown }).args = args;
}
