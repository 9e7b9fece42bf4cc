/** The cases that checks are measured by, each a list of questions of one kind. */
import type { TupleKey } from '../src/tuple/tuple.js';
import type { Asker } from './asker.js';
import { subjectOf } from './asker.js';
import { Random, documentId, user } from './data.js';
import {
  CHAIN_LENGTH,
  FAN_OUT,
  approvalKey,
  chainKey,
  documentKey,
  fanOutKey,
  parentKey,
  wideKey,
} from './landmarks.js';
import type { Scale } from './scale.js';
import type { Survey } from './survey.js';

export interface CheckCase {
  readonly name: string;
  readonly questions: readonly TupleKey[];
}

export class Questions {
  readonly #asker: Asker;
  readonly #survey: Survey;
  readonly #count: number;
  readonly #many: number;
  readonly #random = new Random(7);

  constructor(asker: Asker, survey: Survey, { questions, many }: Scale) {
    this.#asker = asker;
    this.#survey = survey;
    this.#count = questions;
    this.#many = many;
  }

  /** Needs the landmarks in the graph. */
  cases(): readonly CheckCase[] {
    const { size } = this.#survey;
    const random = this.#random;
    return [
      this.#case('direct', this.#allowed(this.#directKeys())),
      this.#case('group, 1 level', this.#allowed(this.#memberKeys(1))),
      this.#case('group, 3 levels', this.#allowed(this.#memberKeys(3))),
      this.#case(`group, chain of ${CHAIN_LENGTH}`, this.#times(chainKey)),
      this.#case('parents, 5 up', this.#times(parentKey(5))),
      this.#case('parents, 20 up', this.#times(parentKey(20))),
      this.#case(
        `group of ${this.#many.toLocaleString('en-GB')}`,
        this.#times(() => wideKey(random, this.#many)),
      ),
      this.#case(
        `object with ${FAN_OUT} groups`,
        this.#times(() => fanOutKey(random, size)),
      ),
      this.#case('exclusion', this.#bannedKeys()),
      this.#case(
        'intersection',
        this.#times(() => approvalKey(random)),
      ),
      this.#case('random, mostly no', this.random()),
      this.#case('mixed, half yes', this.mixed()),
    ];
  }

  random(): readonly TupleKey[] {
    const { documents, users } = this.#survey.size;
    return this.#times(() =>
      documentKey(this.#random.below(documents), 'view', user(this.#random.zipf(users))),
    );
  }

  /** Random ones, every other replaced by one that is answered yes. */
  mixed(): readonly TupleKey[] {
    return this.random().map((key, i) => (i % 2 === 0 ? key : this.#yes()));
  }

  #yes(): TupleKey {
    for (;;) {
      const document = this.#random.below(this.#survey.size.documents);
      const viewers = this.#asker.viewersOf(documentId(document));
      const viewer = viewers[this.#random.below(viewers.length || 1)];
      if (viewer !== undefined) return documentKey(document, 'view', subjectOf(viewer));
    }
  }

  #case(name: string, questions: Iterable<TupleKey>): CheckCase {
    const list = [...questions];
    if (list.length === 0) throw new Error(`no question for the case "${name}"`);
    return { name, questions: list };
  }

  #times(key: (n: number) => TupleKey): readonly TupleKey[] {
    return Array.from({ length: this.#count }, (_, n) => key(n));
  }

  *#allowed(keys: Iterable<TupleKey>): Generator<TupleKey> {
    let count = 0;
    for (const key of keys) {
      if (!this.#asker.check(key)) continue;
      yield key;
      if (++count === this.#count) return;
    }
  }

  *#directKeys(): Generator<TupleKey> {
    for (const [document, viewer] of this.#survey.viewers) {
      yield documentKey(document, 'view', user(viewer));
    }
  }

  /** Users who are members of a viewing group by so many steps. */
  *#memberKeys(levels: number): Generator<TupleKey> {
    const { groupUsers, groupGroups, viewerGroups } = this.#survey;
    for (const [document, first] of viewerGroups) {
      let group: number | undefined = first;
      for (let level = 1; level < levels && group !== undefined; level++) {
        group = this.#oneOf(groupGroups.get(group));
      }
      const member = group === undefined ? undefined : this.#oneOf(groupUsers.get(group));
      if (member !== undefined) yield documentKey(document, 'view', user(member));
    }
  }

  /** Viewers of documents that somebody is banned from; some of them themselves. */
  *#bannedKeys(): Generator<TupleKey> {
    let count = 0;
    for (const [document, viewer] of this.#survey.viewers) {
      if (!this.#survey.banned.has(document)) continue;
      yield documentKey(document, 'view', user(viewer));
      if (++count === this.#count) return;
    }
  }

  #oneOf(list: readonly number[] | undefined): number | undefined {
    return list?.[this.#random.below(list.length)];
  }
}
