/** Caveats to conditions. Both are CEL with typed parameters; the functions are not all the same. */
import { compileCondition } from '../../../condition/compile.js';
import { ConditionProblem } from '../../../condition/problem.js';
import { SCALAR_TYPES } from '../../../condition/parameter.js';
import type { ParameterType, ScalarType } from '../../../condition/parameter.js';
import { DEFAULT_MODEL_LIMITS } from '../../../schema/limits.js';
import type { ModelCondition } from '../../../schema/model.js';
import { within } from '../../../schema/positions.js';
import type { Position } from '../../../schema/positions.js';
import type { Findings } from '../finding.js';
import type { Caveat, CaveatType } from './syntax.js';

/** Undefined, and told, where there is no equivalent. */
export function conditionOf(
  caveat: Caveat,
  name: string,
  findings: Findings,
): ModelCondition | undefined {
  const converted = convert(caveat, name);
  if (!('message' in converted)) return converted;
  const message = `caveat '${caveat.name.text}': ${converted.message}`;
  findings.add('missing', message, converted.position);
  return undefined;
}

interface Problem {
  readonly message: string;
  readonly position: Position;
}

const { expressionBytesMax, parametersMax } = DEFAULT_MODEL_LIMITS;

function convert(caveat: Caveat, name: string): ModelCondition | Problem {
  const { text: expression, position } = caveat.expression;
  const parameters: [string, ParameterType][] = [];
  for (const parameter of caveat.parameters) {
    const type = parameterType(parameter.type);
    if (type === undefined) {
      const message = `no type like '${typeText(parameter.type)}'`;
      return { message, position: parameter.type.name.position };
    }
    parameters.push([parameter.name.text, type]);
  }
  const bytes = Buffer.byteLength(expression);
  if (bytes > expressionBytesMax) {
    const message = `a condition can have ${expressionBytesMax} bytes, this has ${bytes}`;
    return { message, position };
  }
  if (parameters.length > parametersMax) {
    const message = `a condition can have ${parametersMax} parameters`;
    return { message, position: caveat.name.position };
  }
  const condition = { name, expression, parameters: Object.fromEntries(parameters) };
  try {
    compileCondition(condition);
  } catch (error) {
    if (!(error instanceof ConditionProblem)) throw error;
    return { message: error.message, position: within(position, error.line, error.column) };
  }
  return condition;
}

const isScalar = (name: string): name is ScalarType => SCALAR_TYPES.some((type) => type === name);

/** `bytes` is the one that is not there. */
function parameterType({ name: { text }, of }: CaveatType): ParameterType | undefined {
  if (of.length === 0) return isScalar(text) ? { kind: text } : undefined;
  const [inner, second] = of;
  if ((text !== 'list' && text !== 'map') || inner === undefined || second !== undefined) {
    return undefined;
  }
  const type = parameterType(inner);
  return type && { kind: text, of: type };
}

const typeText = ({ name, of }: CaveatType): string =>
  of.length === 0 ? name.text : `${name.text}<${of.map(typeText).join(', ')}>`;
