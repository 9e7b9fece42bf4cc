import { nameOf, objectOf, objectRefOf, serviceOf, subjectOf } from './read-values.js';
import type { Assertion, Expected, Question } from './store-file.js';
import type { SubjectForm } from '../../query/list-users.js';
import type { YamlItem } from './yaml-item.js';

type Kind = Question['kind'];

const CHECK = ['user', 'users', 'object', 'objects', 'context', 'assertions'] as const;
const DELEGATED = [...CHECK, 'actor', 'through'] as const;
const LIST_OBJECTS = ['user', 'type', 'context', 'assertions'] as const;
const LIST_USERS = ['object', 'user_filter', 'context', 'assertions'] as const;

/** Of every user with every object that is named, one for each relation. */
export function readAssertions(kind: Kind, list: YamlItem): readonly Assertion[] {
  return list.list(kind).flatMap((item) => {
    switch (kind) {
      case 'check':
        return checksOf(item, CHECK);
      case 'delegated_check':
        return delegatedChecksOf(item);
      case 'list_objects':
        return objectListsOf(item);
      case 'list_users':
        return userListsOf(item);
    }
  });
}

type CheckMembers = Partial<Record<(typeof DELEGATED)[number], YamlItem>>;

function checksOf(item: YamlItem, names: readonly (keyof CheckMembers)[]): readonly Assertion[] {
  const members: CheckMembers = item.members('a check', names);
  const subjects = oneOrMany(item, members, 'user', 'users').map(subjectOf);
  const objects = oneOrMany(item, members, 'object', 'objects').map(objectRefOf);
  return subjects.flatMap((subject) =>
    objects.flatMap((object) =>
      asserted(item, members, flagOf, (relation) => ({ kind: 'check', subject, object, relation })),
    ),
  );
}

function delegatedChecksOf(item: YamlItem): readonly Assertion[] {
  const { actor, through }: CheckMembers = item.members('a delegated check', DELEGATED);
  if (actor === undefined) throw item.problem("a delegated check has an 'actor'");
  const acting = {
    kind: 'delegated_check' as const,
    actor: serviceOf(actor, 'actor'),
    through: (through?.list('through') ?? []).map((each) => serviceOf(each, 'through')),
  };
  return checksOf(item, DELEGATED).map(({ question, ...rest }) => {
    // Read as a check: that is what it is, but for who asks.
    if (question.kind !== 'check') return { question, ...rest };
    return { ...rest, question: { ...question, ...acting } };
  });
}

function objectListsOf(item: YamlItem): readonly Assertion[] {
  const members = item.members('list_objects', LIST_OBJECTS);
  const subject = subjectOf(required(item, members.user, 'user'));
  const type = nameOf(required(item, members.type, 'type'), 'type');
  return asserted(item, members, textsOf, (relation) => ({
    kind: 'list_objects',
    subject,
    type,
    relation,
  }));
}

function userListsOf(item: YamlItem): readonly Assertion[] {
  const members = item.members('list_users', LIST_USERS);
  const object = objectRefOf(required(item, members.object, 'object'));
  const filter = required(item, members.user_filter, 'user_filter');
  const forms = filter.list('user_filter').map(formOf);
  if (forms.length === 0) throw filter.problem('user_filter names no type');
  return asserted(item, members, usersOf, (relation) => ({
    kind: 'list_users',
    object,
    relation,
    forms,
  }));
}

function asserted(
  item: YamlItem,
  members: Partial<Record<'context' | 'assertions', YamlItem>>,
  expectedOf: (item: YamlItem) => Expected,
  questionOf: (relation: string) => Question,
): readonly Assertion[] {
  const context = members.context === undefined ? {} : objectOf(members.context, 'context');
  return required(item, members.assertions, 'assertions')
    .entries('assertions')
    .map(([relation, expected]) => ({
      place: expected.place,
      question: questionOf(relation),
      context,
      expected: expectedOf(expected),
    }));
}

const flagOf = (item: YamlItem): boolean => item.flag('what a check answers');

const textsOf = (item: YamlItem): readonly string[] =>
  item.isEmpty ? [] : item.list('what is listed').map((each) => each.text('what is listed'));

function usersOf(item: YamlItem): readonly string[] {
  const { users } = item.members('an assertion on users', ['users']);
  return users === undefined ? [] : textsOf(users);
}

function formOf(item: YamlItem): SubjectForm {
  const { type, relation } = item.members('a user_filter', ['type', 'relation']);
  return {
    type: nameOf(required(item, type, 'type'), 'type'),
    ...(relation !== undefined && { relation: nameOf(relation, 'relation') }),
  };
}

function oneOrMany<One extends string, Many extends string>(
  item: YamlItem,
  members: Partial<Record<One | Many, YamlItem>>,
  one: One,
  many: Many,
): readonly YamlItem[] {
  const single = members[one];
  const several = members[many];
  if (single !== undefined && several !== undefined) {
    throw several.problem(`there is '${one}' already: give one of them`);
  }
  if (several === undefined) return [required(item, single, one)];
  return several.list(many);
}

function required(item: YamlItem, member: YamlItem | undefined, name: string): YamlItem {
  if (member === undefined) throw item.problem(`'${name}' is missing`);
  return member;
}
