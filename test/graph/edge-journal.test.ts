import { describe, expect, it } from '@jest/globals';
import { EdgeJournal } from '../../src/graph/edge-journal.js';
import { OverlayGraph } from '../../src/graph/overlay.js';
import type { GraphReader } from '../../src/graph/reader.js';
import { ResidentGraph } from '../../src/graph/resident.js';
import { asRevision } from '../../src/ids.js';
import { parseTupleKey } from '../../src/tuple/tuple.js';
import type { TupleChange, TupleKey } from '../../src/tuple/tuple.js';

type Entry = readonly [kind: number, subject: number];

/** What is read from a place on; undefined where it is held no longer. */
function read(journal: EdgeJournal, place: number): Entry[] | undefined {
  const entries: Entry[] = [];
  const isHeld = journal.since(place, (kind, subject) => entries.push([kind, subject]));
  return isHeld ? entries : undefined;
}

function key(text: string): TupleKey {
  const parsed = parseTupleKey(text);
  if (parsed === undefined) throw new Error(`no tuple: ${text}`);
  return parsed;
}

describe('EdgeJournal', () => {
  it('holds changes to watched kinds only, from when they are watched', () => {
    const journal = new EdgeJournal();
    journal.note(20, 1);
    journal.watch(20);
    journal.note(20, 2);
    journal.note(3, 3);
    journal.note(20, 4);
    expect(read(journal, 0)).toEqual([
      [20, 2],
      [20, 4],
    ]);
    expect(read(journal, 1)).toEqual([[20, 4]]);
    expect(read(journal, journal.end)).toEqual([]);
  });

  it('tells a reader that is too far behind, and no other', () => {
    const journal = new EdgeJournal();
    journal.watch(0);
    for (let subject = 0; subject < 3000; subject++) journal.note(0, subject);
    expect(read(journal, 3000 - 1025)).toBeUndefined();
    const held = read(journal, 3000 - 1024);
    expect(held).toEqual(Array.from({ length: 1024 }, (_, i) => [0, 3000 - 1024 + i]));
  });

  it('hears of writes, deletes and of what takes the place of another edge', () => {
    const graph = new ResidentGraph(asRevision(0));
    const kind = graph.kinds.kind('group', 'member', 'group', 'member');
    graph.journal.watch(kind);
    const nested = key('group:a#member@group:b#member');
    const changes: TupleChange[] = [
      { operation: 'write', tuple: nested },
      { operation: 'write', tuple: key('group:b#member@user:anne') },
      { operation: 'write', tuple: { ...nested, expiresAt: 5 } },
      { operation: 'delete', tuple: nested },
    ];
    graph.apply(asRevision(1), changes);
    const b = graph.node(graph.kinds.type('group'), 'b');
    expect(read(graph.journal, 0)).toEqual([
      [kind, b],
      [kind, b],
      [kind, b],
    ]);
  });

  it('is found below an overlay, which tells of which kinds it adds edges', () => {
    const graph = new ResidentGraph(asRevision(0));
    const nesting = graph.kinds.kind('group', 'member', 'group', 'member');
    const joining = graph.kinds.kind('group', 'member', 'user', '');
    const lower = new OverlayGraph(graph, graph.kinds, [key('group:a#member@group:b#member')]);
    const upper = new OverlayGraph(lower, graph.kinds, [key('group:a#member@user:anne')]);
    expect(upper.stored).toBe(graph);
    const readers: readonly GraphReader[] = [graph, lower, upper];
    expect(readers.map((reader) => reader.isOverlaid(nesting))).toEqual([false, true, true]);
    expect(readers.map((reader) => reader.isOverlaid(joining))).toEqual([false, false, true]);
  });
});
