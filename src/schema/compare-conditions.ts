/** What differs between the conditions of two models. */
import type { ParameterType } from '../condition/parameter.js';
import type { LocalChange } from './change.js';
import type { Model, ModelCondition } from './model.js';
import { EITHER_WAY, NARROWS, NO_EFFECT } from './normal-form.js';

export function* changesOfConditions(before: Model, after: Model): Generator<LocalChange> {
  for (const condition of before.conditions.values()) {
    const { name } = condition;
    if (after.conditions.has(name)) continue;
    yield {
      kind: 'condition_removed',
      place: placeOf(condition),
      message: `condition '${name}' is gone`,
      effect: NARROWS,
      before: condition.expression.trim(),
      breaks: { condition: name },
    };
  }
  for (const condition of after.conditions.values()) {
    const old = before.conditions.get(condition.name);
    if (old !== undefined) {
      yield* changesOfCondition(old, condition);
      continue;
    }
    yield {
      kind: 'condition_added',
      place: placeOf(condition),
      message: `condition '${condition.name}' is new`,
      effect: NO_EFFECT,
      after: condition.expression.trim(),
    };
  }
}

function* changesOfCondition(
  before: ModelCondition,
  after: ModelCondition,
): Generator<LocalChange> {
  const { name } = after;
  const place = placeOf(after);
  if (before.source?.module !== after.source?.module) {
    yield {
      kind: 'module',
      place,
      message:
        `condition '${name}' moves from ${before.source?.module ?? 'no module'} ` +
        `to ${after.source?.module ?? 'no module'}`,
      effect: NO_EFFECT,
    };
  }
  const texts = [before, after].map(({ expression }) => expression.trim());
  const [old, young] = texts;
  if (old !== young) {
    yield {
      kind: 'condition_expression',
      place,
      // Whether one expression implies another is not for a comparison to find out.
      message: `condition '${name}' asks for something else`,
      effect: EITHER_WAY,
      ...(old !== undefined && { before: old }),
      ...(young !== undefined && { after: young }),
    };
  }
  for (const [parameter, type] of Object.entries(before.parameters)) {
    const now = ownValue(after.parameters, parameter);
    const from = parameterText(type);
    if (now !== undefined && parameterText(now) === from) continue;
    yield {
      kind: 'condition_parameter',
      place,
      message:
        now === undefined
          ? `condition '${name}' has no parameter '${parameter}' any more`
          : `parameter '${parameter}' of condition '${name}' is of another type`,
      effect: EITHER_WAY,
      before: `${parameter}: ${from}`,
      ...(now !== undefined && { after: `${parameter}: ${parameterText(now)}` }),
      breaks: { condition: name },
    };
  }
  for (const [parameter, type] of Object.entries(after.parameters)) {
    if (ownValue(before.parameters, parameter) !== undefined) continue;
    yield {
      kind: 'condition_parameter',
      place,
      message: `condition '${name}' has a new parameter '${parameter}'`,
      effect: NO_EFFECT,
      after: `${parameter}: ${parameterText(type)}`,
    };
  }
}

const placeOf = ({ name, source }: ModelCondition): LocalChange['place'] => ({
  condition: name,
  module: source?.module,
});

const parameterText = (type: ParameterType): string =>
  'of' in type ? `${type.kind}<${parameterText(type.of)}>` : type.kind;

const ownValue = (
  parameters: ModelCondition['parameters'],
  name: string,
): ParameterType | undefined => (Object.hasOwn(parameters, name) ? parameters[name] : undefined);

/** Whether tuples under it mean the same in both models. */
export function isSameCondition(
  before: ModelCondition | undefined,
  after: ModelCondition | undefined,
): boolean {
  if (before === undefined || after === undefined) return before === after;
  return changesOfCondition({ ...before, source: after.source ?? {} }, after).next().done === true;
}
