/** What Pemba answers about a SpiceDB world once that is converted, next to what SpiceDB answers. */
import { Findings } from '../../src/cli/convert/finding.js';
import { parseRelationship } from '../../src/cli/convert/spicedb/relationship-text.js';
import { RelationshipConversion } from '../../src/cli/convert/spicedb/relationships.js';
import { convertSchema } from '../../src/cli/convert/spicedb/schema.js';
import type { Finding } from '../../src/cli/convert/finding.js';
import { PembaError } from '../../src/errors.js';
import { check } from '../../src/query/check.js';
import { modelFromDsl, modelToDsl } from '../../src/schema/dsl.js';
import { compilePlan } from '../../src/schema/plan.js';
import { SmallStore } from '../query/small-store.js';
import type { SpiceWorld } from './spicedb-world.js';

/** `+` has it, `-` has it not, `?` more context is needed, `!` failed: one for each question. */
export type Answers = string;

export interface Question {
  readonly resource: string;
  readonly member: string;
  readonly subject: string;
  readonly context: SpiceWorld['contexts'][number];
}

export function* questionsOf(world: SpiceWorld): Generator<Question> {
  for (const context of world.contexts) {
    for (const resource of world.resources) {
      for (const member of world.members[resource.slice(0, resource.indexOf(':'))] ?? []) {
        for (const subject of world.subjects) yield { resource, member, subject, context };
      }
    }
  }
}

export interface PembaAnswers {
  readonly answers: Answers;
  readonly dsl: string;
  readonly findings: readonly Finding[];
}

const PLACE = { line: 1, column: 1 };

export function pembaAnswers(world: SpiceWorld): PembaAnswers {
  const findings = new Findings();
  const { model, catalogue } = convertSchema(world.schema, findings);
  // Through the text, as people will have it.
  const dsl = modelToDsl(model);
  const plan = compilePlan(modelFromDsl(dsl).model);
  const conversion = new RelationshipConversion(catalogue, findings, plan);
  const tuples = world.relationships.flatMap((text) =>
    conversion.tuples(parseRelationship(text, PLACE)),
  );
  const store = new SmallStore(plan, tuples);
  const answers = Array.from(questionsOf(world), ({ resource, member, subject, context }) => {
    const asked = parseRelationship(`${resource}#${member}@${subject}`, PLACE);
    const key = {
      object: { type: catalogue.typeName(asked.resource.type), id: asked.resource.id },
      relation: catalogue.relationName(member),
      subject: conversion.subject(asked.subject),
    };
    return answerOf(() => check(store.scope({ context }), key));
  });
  return { answers: answers.join(''), dsl, findings: findings.all() };
}

function answerOf(ask: () => boolean): string {
  try {
    return ask() ? '+' : '-';
  } catch (error) {
    if (!(error instanceof PembaError)) throw error;
    return 'missing_parameters' in error.facts ? '?' : '!';
  }
}

export interface Leeway {
  /** Something has no equivalent: that may take members away, never add any. */
  readonly isNarrow: boolean;
  /** A condition wants all its parameters, where SpiceDB looks whether it can do without. */
  readonly isPartial: boolean;
}

/** Whether Pemba's answer is another than SpiceDB's; where that gives up, there is none. */
export function disagree(pemba: string, spice: string, { isNarrow, isPartial }: Leeway): boolean {
  if (spice === '!' || pemba === spice) return false;
  return !(isNarrow && pemba === '-') && !(isPartial && pemba === '?');
}
