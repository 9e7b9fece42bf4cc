/**
 * Random SpiceDB schemas with relationships, from a seed. They are such that SpiceDB takes them: a
 * permission uses what stands above it, and arrows go through relations without wildcards.
 * Relationships lead from one object to a later one: in circles SpiceDB has no answer, and takes
 * minutes to find that out.
 */
import type { JsonObject } from '../../src/tuple/tuple.js';
import { Random } from '../reference/random.js';

export interface SpiceWorld {
  readonly schema: string;
  readonly relationships: readonly string[];
  /** `document:1`, by type the names of relations and permissions, `user:1` or `group:1#member`. */
  readonly resources: readonly string[];
  readonly members: Readonly<Record<string, readonly string[]>>;
  readonly subjects: readonly string[];
  readonly contexts: readonly JsonObject[];
}

const TYPES = ['group', 'folder', 'acme/doc'] as const;
const OBJECTS = 4;
const USERS = ['user:ann', 'user:bob', 'user:cyd'];

const CAVEATS = `
caveat hours(hour int, zone string) { hour >= 9 && hour < 17 && zone == "utc" }
caveat clearance(level int, floor int) {
  // { not a brace
  level >= floor || "}" == "{"
}
caveat listed(names list<string>, name string, extra map<string>) { name in names && !("no" in extra) }
`;

const CONTEXTS: Readonly<Record<string, readonly JsonObject[]>> = {
  hours: [{}, { hour: 10 }, { hour: 20, zone: 'utc' }, { zone: 'cet' }],
  clearance: [{}, { floor: 3 }, { floor: 9 }, { level: 5 }],
  listed: [{}, { names: ['ann', 'bob'] }, { names: [], extra: {} }, { extra: { no: '1' } }],
};

const ASKED: readonly JsonObject[] = [
  { hour: 12, zone: 'utc', level: 4, floor: 2, names: ['ann'], name: 'ann', extra: {} },
  { hour: 3, zone: 'utc', level: 7, floor: 8, names: [], name: 'bob', extra: { a: 'b' } },
  { hour: 12, zone: 'utc', name: 'cyd' },
];

interface Allowed {
  /** `user`, `user:*` or `group#member`. */
  readonly text: string;
  readonly caveat?: string;
  readonly expires?: boolean;
}

interface MadeRelation {
  readonly name: string;
  readonly allowed: readonly Allowed[];
}

interface MadeType {
  readonly name: string;
  readonly relations: readonly MadeRelation[];
  readonly permissions: readonly { readonly name: string; readonly text: string }[];
}

/** `from` and `define` are words of the model's language. */
const NAMES = ['own', 'edit', 'view', 'ban', 'define', 'from', 'member', 'with_all'];

export function randomSpiceWorld(seed: number): SpiceWorld {
  const random = new Random(seed);
  const types = new Maker(random).types();
  const relationships = relationshipsOf(types, random);
  const members = Object.fromEntries(
    types.map(({ name, relations, permissions }) => [
      name,
      [...relations, ...permissions].map((each) => each.name),
    ]),
  );
  const resources = types.flatMap(({ name }) => objectsOf(name));
  const usersets = resources.flatMap((resource) =>
    (members[typeOf(resource)] ?? []).map((name) => `${resource}#${name}`),
  );
  return {
    schema: schemaText(types),
    relationships,
    resources,
    members,
    subjects: [...USERS, 'user:nobody', 'group:2', ...random.sample(usersets, 4)],
    contexts: relationships.some((each) => /\[(?!expiration)/.test(each)) ? ASKED : [{}],
  };
}

const typeOf = (object: string): string => object.slice(0, object.indexOf(':'));

const objectsOf = (type: string): readonly string[] =>
  Array.from({ length: OBJECTS }, (_, index) => `${type}:${index + 1}`);

class Maker {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  types(): readonly MadeType[] {
    const random = this.#random;
    const relations = new Map<string, MadeRelation[]>();
    for (const type of TYPES) {
      const own: MadeRelation[] = [];
      relations.set(type, own);
      for (const name of random.sample(NAMES, random.between(1, 3))) {
        own.push(this.#withItself(type, { name, allowed: this.#allowed(relations) }));
      }
      own.push({ name: 'parent', allowed: this.#path(relations) });
    }
    return TYPES.map((name) => {
      const own = relations.get(name) ?? [];
      return { name, relations: own, permissions: this.#permissions(own) };
    });
  }

  #allowed(known: ReadonlyMap<string, readonly MadeRelation[]>): readonly Allowed[] {
    const random = this.#random;
    const usersets = usersetsOf(known);
    const one = (): Allowed => {
      const text =
        usersets.length > 0 && random.chance(0.4)
          ? random.pick(usersets)
          : random.pick(['user', 'user', 'user', 'user:*', 'group']);
      return {
        text,
        ...(random.chance(0.25) && { caveat: random.pick(Object.keys(CONTEXTS)) }),
        ...(random.chance(0.1) && { expires: true }),
      };
    };
    return distinct(Array.from({ length: random.between(1, 3) }, one));
  }

  /** Groups in groups. */
  #withItself(type: string, relation: MadeRelation): MadeRelation {
    if (hasWildcard(relation) || this.#random.chance(0.6)) return relation;
    const nested = { text: `${type}#${relation.name}` };
    return { ...relation, allowed: distinct([...relation.allowed, nested]) };
  }

  #path(known: ReadonlyMap<string, readonly MadeRelation[]>): readonly Allowed[] {
    const random = this.#random;
    const usersets = usersetsOf(known);
    const one = (): Allowed => {
      const text =
        usersets.length > 0 && random.chance(0.2) ? random.pick(usersets) : random.pick(TYPES);
      return { text, ...(random.chance(0.15) && { caveat: 'clearance' }) };
    };
    return distinct(Array.from({ length: random.between(1, 2) }, one));
  }

  #permissions(relations: readonly MadeRelation[]): MadeType['permissions'] {
    const random = this.#random;
    const known = relations.map(({ name }) => name);
    const permissions: { name: string; text: string }[] = [];
    for (const name of ['can_one', 'can_two', 'can_all'].slice(0, random.between(1, 3))) {
      permissions.push({ name, text: this.#expression(known, 2) });
      known.push(name);
    }
    return permissions;
  }

  #expression(known: readonly string[], depth: number): string {
    const random = this.#random;
    const count = random.pick([1, 2, 2, 3, 4]);
    const operand = (): string =>
      depth > 0 && random.chance(0.2)
        ? `(${this.#expression(known, depth - 1)})`
        : this.#leaf(known);
    let text = operand();
    for (let index = 1; index < count; index += 1) {
      text += ` ${random.pick(['+', '+', '&', '-'])} ${operand()}`;
    }
    return text;
  }

  #leaf(known: readonly string[]): string {
    const random = this.#random;
    if (random.chance(0.05)) return 'nil';
    if (random.chance(0.02)) return 'self';
    if (random.chance(0.65)) return random.pick(known);
    const right = random.pick([...NAMES, 'can_one', 'can_two', 'can_all']);
    return random.pick([
      ...Array<string>(6).fill(`parent->${right}`),
      `parent.any(${right})`,
      `parent.all(${right})`,
    ]);
  }
}

const hasWildcard = ({ allowed }: MadeRelation): boolean =>
  allowed.some(({ text }) => text.endsWith(':*'));

/** SpiceDB wants no wildcards behind a userset. */
const usersetsOf = (known: ReadonlyMap<string, readonly MadeRelation[]>): readonly string[] =>
  [...known].flatMap(([type, relations]) =>
    relations.filter((relation) => !hasWildcard(relation)).map(({ name }) => `${type}#${name}`),
  );

/**
 * Each once. Where a relation admits a type both as objects and as usersets, and not all of them
 * with the caveat, SpiceDB 1.54 does not find `group:1[caveat]` for `group:1`; no such relations.
 */
function distinct(all: readonly Allowed[]): readonly Allowed[] {
  const typeOfAllowed = ({ text }: Allowed): string => text.split(/[:#]/)[0] ?? '';
  const forms = (type: string): number =>
    new Set(
      all
        .filter((each) => typeOfAllowed(each) === type)
        .map(({ text }) => (text.includes('#') ? 'userset' : 'object')),
    ).size;
  const clear = all.map(({ caveat, ...each }) =>
    caveat === undefined || forms(typeOfAllowed(each)) > 1 ? each : { ...each, caveat },
  );
  return [...new Map(clear.map((each) => [JSON.stringify(each), each])).values()];
}

function schemaText(types: readonly MadeType[]): string {
  const allowedText = ({ text, caveat, expires }: Allowed): string => {
    const traits = [...(caveat === undefined ? [] : [caveat]), ...(expires ? ['expiration'] : [])];
    return traits.length === 0 ? text : `${text} with ${traits.join(' and ')}`;
  };
  const definitions = types.map(({ name, relations, permissions }) => {
    const lines = [
      ...relations.map(
        (each) => `relation ${each.name}: ${each.allowed.map(allowedText).join(' | ')}`,
      ),
      ...permissions.map((each) => `permission ${each.name} = ${each.text}`),
    ];
    return `definition ${name} {\n${lines.map((line) => `  ${line}\n`).join('')}}\n`;
  });
  return `use expiration\nuse self\n\ndefinition user {}\n${CAVEATS}\n${definitions.join('\n')}`;
}

function relationshipsOf(types: readonly MadeType[], random: Random): readonly string[] {
  const order = types.flatMap(({ name }) => objectsOf(name)).reverse();
  const made = new Map<string, string>();
  for (const type of types) {
    for (const resource of objectsOf(type.name)) {
      for (const relation of type.relations) {
        for (let count = random.between(0, 2); count > 0; count -= 1) {
          const allowed = random.pick(relation.allowed);
          const later = order.slice(order.indexOf(resource) + 1);
          const subject = subjectOf(allowed.text, later, random);
          if (subject === undefined) continue;
          const key = `${resource}#${relation.name}@${subject}`;
          made.set(key, key + traitsOf(allowed, random));
        }
      }
    }
  }
  return [...made.values()];
}

function subjectOf(
  allowed: string,
  objects: readonly string[],
  random: Random,
): string | undefined {
  if (allowed === 'user') return random.pick(USERS);
  if (allowed.endsWith(':*')) return allowed;
  const [type = '', relation] = allowed.split('#');
  const candidates = objects.filter((object) => typeOf(object) === type);
  if (candidates.length === 0) return undefined;
  const object = random.pick(candidates);
  return relation === undefined ? object : `${object}#${relation}`;
}

function traitsOf({ caveat, expires }: Allowed, random: Random): string {
  const context = caveat === undefined ? {} : random.pick(CONTEXTS[caveat] ?? []);
  const json = Object.keys(context).length === 0 ? '' : `:${JSON.stringify(context)}`;
  return (
    (caveat === undefined ? '' : `[${caveat}${json}]`) +
    (expires === true ? '[expiration:2100-01-01T00:00:00Z]' : '')
  );
}
