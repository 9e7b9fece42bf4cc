/** The CEL library, set up once with the types, functions and operators of conditions. */
import { Environment } from '@marcbachmann/cel-js';
import type { RegisteredFunctionHandler } from '@marcbachmann/cel-js';
import { unreachable } from '../errors.js';
import { IpAddress } from './address.js';
import { signature } from './charge.js';
import { OVERLOADS, REPLACED, TEXT_FUNCTIONS } from './functions.js';
import type { Overload, TextFunction } from './functions.js';
import type { ParameterType } from './parameter.js';
import { Duration, Timestamp } from './time.js';

/** What an expression may hold; the API allows 512 bytes, which never come near. */
const PARSER_LIMITS = { maxAstNodes: 1_000, maxDepth: 100 };

/**
 * A name that no CEL source can spell. The library refuses to replace a function of its own or to
 * declare a variable called `type` or `cel`, so ours live under marked names and `lower.ts`
 * rewrites what refers to them.
 */
const MARK = '\u0001';
export const marked = (name: string): string => MARK + name;
export const withoutMarks = (message: string): string => message.replaceAll(MARK, '');

/** A literal argument of a `TextFunction`, read. Messages show its type as the string it was. */
export class Literal {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }
}
const LITERAL_TYPE = marked('string');

/** No fields: otherwise `timestamp.nanoseconds` would be an expression. */
const opaque = (ctor: abstract new (...facts: never[]) => object) => ({ ctor, fields: {} });

interface Span {
  readonly nanoseconds: bigint;
}

function registerOrder(environment: Environment, type: string): void {
  environment
    .registerOperator(`${type} == ${type}`, (a: Span, b: Span) => a.nanoseconds === b.nanoseconds)
    .registerOperator(`${type} < ${type}`, (a: Span, b: Span) => a.nanoseconds < b.nanoseconds)
    .registerOperator(`${type} <= ${type}`, (a: Span, b: Span) => a.nanoseconds <= b.nanoseconds)
    .registerOperator(`${type} > ${type}`, (a: Span, b: Span) => a.nanoseconds > b.nanoseconds)
    .registerOperator(`${type} >= ${type}`, (a: Span, b: Span) => a.nanoseconds >= b.nanoseconds);
}

const added =
  <T>(Result: new (nanoseconds: bigint) => T) =>
  (a: Span, b: Span): T =>
    new Result(a.nanoseconds + b.nanoseconds);

const subtracted =
  <T>(Result: new (nanoseconds: bigint) => T) =>
  (a: Span, b: Span): T =>
    new Result(a.nanoseconds - b.nanoseconds);

function registerOperators(environment: Environment): void {
  environment
    .registerOperator('timestamp + duration: timestamp', added(Timestamp))
    .registerOperator('duration + timestamp: timestamp', added(Timestamp))
    .registerOperator('duration + duration: duration', added(Duration))
    .registerOperator('timestamp - duration: timestamp', subtracted(Timestamp))
    .registerOperator('timestamp - timestamp: duration', subtracted(Duration))
    .registerOperator('duration - duration: duration', subtracted(Duration))
    .registerOperator('ipaddress == ipaddress', (a: IpAddress, b: IpAddress) => a.equals(b));
  registerOrder(environment, 'timestamp');
  registerOrder(environment, 'duration');
}

function registerFunctions(environment: Environment): void {
  const register = ({ name, receiver, parameters, result, run }: Overload): void => {
    const replaces = REPLACED.has(signature(name, receiver !== undefined, parameters.length));
    environment.registerFunction({
      name: replaces ? marked(name) : name,
      ...(receiver !== undefined && { receiverType: receiver }),
      params: parameters.map((type) => ({ type })),
      returnType: result,
      handler: run as RegisteredFunctionHandler,
      async: false,
    });
  };
  OVERLOADS.forEach(register);
  TEXT_FUNCTIONS.flatMap(overloadsOf).forEach(register);
}

/** One overload for text that is computed, one for a literal that has been read. */
function overloadsOf(entry: TextFunction): readonly Overload[] {
  const { name, method, subject, result } = entry;
  const receiver = method ? subject : undefined;
  const before = subject === undefined || method ? [] : [subject];
  const overload = (type: string, read: (operand: unknown) => unknown): Overload => ({
    name,
    ...(receiver !== undefined && { receiver }),
    parameters: [...before, type],
    result,
    run:
      subject === undefined
        ? (operand: unknown) => entry.run(read(operand), undefined)
        : (first: unknown, operand: unknown) => entry.run(read(operand), first),
  });
  return [
    overload('string', (text) => entry.read(text as string)),
    overload(LITERAL_TYPE, (literal) => (literal as Literal).value),
  ];
}

const base = new Environment({ homogeneousAggregateLiterals: false, limits: PARSER_LIMITS })
  .registerType('timestamp', opaque(Timestamp))
  .registerType('duration', opaque(Duration))
  .registerType('ipaddress', opaque(IpAddress))
  .registerType(LITERAL_TYPE, opaque(Literal));
registerOperators(base);
registerFunctions(base);

export interface Variable {
  readonly variable: string;
  readonly type: ParameterType;
}

export function environmentFor(variables: readonly Variable[]): Environment {
  const environment = base.clone();
  for (const { variable, type } of variables) {
    environment.registerVariable(variable, celType(type));
  }
  return environment;
}

function celType(type: ParameterType): string {
  switch (type.kind) {
    case 'bool':
    case 'string':
    case 'int':
    case 'uint':
    case 'double':
    case 'duration':
    case 'timestamp':
    case 'ipaddress':
      return type.kind;
    case 'any':
      return 'dyn';
    case 'list':
      return `list<${celType(type.of)}>`;
    case 'map':
      return `map<string, ${celType(type.of)}>`;
    default:
      return unreachable(type);
  }
}
