/** What a question may bring along, as flags. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { formatObject, formatSubject, parseTupleKey } from '../../tuple/tuple.js';
import { usageError } from '../command-error.js';
import { withStore } from '../surroundings.js';
import type { StoreOption } from '../surroundings.js';

export interface QuestionOptions extends StoreOption {
  readonly model?: string;
  readonly param?: readonly string[];
  readonly params?: string;
  readonly tuple?: readonly string[];
  readonly atLeast?: string;
  readonly latest?: boolean;
  readonly subjectTokenFile?: string;
}

export const withQuestion = (command: Command): Command =>
  withStore(command)
    .option('--model <id>', 'in place of the newest')
    .option('-p, --param <name=value...>', 'a parameter of conditions; value as JSON or text')
    .option('--params <json>', 'all of them, as JSON; @file reads it')
    .option('-t, --tuple <tuple...>', 'counts for this question: order:1#owner@user:anne')
    .option('--at-least <token>', 'not older than this consistency token')
    .option('--latest', 'at the newest revision of the database')
    .option('--subject-token-file <file>', "the user's JWT, in place of the user");

export interface WireQuestion {
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
}

/** The members of a request that are alike in all questions. */
export function questionOf(options: QuestionOptions): WireQuestion {
  const { model, atLeast, latest, subjectTokenFile, tuple } = options;
  const context = contextOf(options);
  return {
    body: {
      ...(model !== undefined && { authorization_model_id: model }),
      ...(latest === true && { consistency: 'HIGHER_CONSISTENCY' }),
      ...(context !== undefined && { context }),
      ...(tuple && { contextual_tuples: { tuple_keys: tuple.map((text) => tupleKeyOf(text)) } }),
      ...(subjectTokenFile && { subject_token: textOf(subjectTokenFile).trim() }),
    },
    headers: atLeast === undefined ? {} : { 'pemba-consistency-token': atLeast },
  };
}

/** `-` in place of the user leaves it to the token. */
export function userOf(user: string, { subjectTokenFile }: QuestionOptions): object {
  if ((user === '-') !== (subjectTokenFile !== undefined)) {
    throw usageError('either a user, or - and --subject-token-file');
  }
  return user === '-' ? {} : { user };
}

export interface TupleKeyText {
  readonly object: string;
  readonly relation: string;
  readonly user: string;
}

function tupleKeyOf(text: string): TupleKeyText {
  const key = parseTupleKey(text);
  if (key === undefined) {
    throw usageError(`'${text}' is no tuple: write it as order:1001#customer@user:anne`);
  }
  const { object, relation, subject } = key;
  return { object: formatObject(object), relation, user: formatSubject(subject) };
}

function contextOf({ params, param }: QuestionOptions): Record<string, unknown> | undefined {
  if (params === undefined && param === undefined) return undefined;
  const context = params === undefined ? {} : objectOf(params);
  for (const each of param ?? []) {
    const [, name, value = ''] = /^([^=]+)=(.*)$/s.exec(each) ?? [];
    if (name === undefined) throw usageError(`--param ${each}: write it as name=value`);
    context[name] = valueOf(value);
  }
  return context;
}

function objectOf(params: string): Record<string, unknown> {
  const text = params.startsWith('@') ? textOf(params.slice(1)) : params;
  const value = valueOf(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw usageError('--params: must be a JSON object');
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw usageError(`${path} cannot be read: ${error instanceof Error ? error.message : ''}`);
  }
}
