// SPDX-License-Identifier: Apache-2.0
// YAML into nodes that know their line. js-yaml's `load` gives plain values without positions, so the tree is built
// from its parser events instead; scalars stay text, because the shape that reads them knows what they must be.
import { EVENT_ID, getScalarValue, parseEvents, SCALAR_STYLE, YAMLException } from 'js-yaml';

/** Where something stands; line and column from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One thing wrong in a file. */
export interface Problem extends Place {
  /** `findings[0].severity`; empty for the file as a whole. */
  readonly path: string;
  readonly problem: string;
}

export interface ScalarNode {
  readonly kind: 'scalar';
  readonly text: string;
  readonly plain: boolean;
  readonly place: Place;
}
export interface ListNode {
  readonly kind: 'list';
  readonly items: readonly YamlNode[];
  readonly place: Place;
}
export interface MappingEntry {
  readonly key: string;
  readonly place: Place;
  readonly value: YamlNode;
}
export interface MappingNode {
  readonly kind: 'mapping';
  readonly entries: readonly MappingEntry[];
  readonly place: Place;
}
export type YamlNode = ScalarNode | ListNode | MappingNode;

const mostCharacters = 262_144;
const deepest = 16;

type YamlEvent = ReturnType<typeof parseEvents>[number];

interface Cursor {
  readonly source: string;
  readonly events: readonly YamlEvent[];
  next: number;
  readonly problems: Problem[];
  placeOf(offset: number, otherwise: Place): Place;
}

/** Reads one document. An empty file is an empty mapping. Never throws: what is wrong is in `problems`. */
export function readYaml(source: string, file: string): { root: YamlNode; problems: Problem[] } {
  const start: Place = { file, line: 1, column: 1 };
  const empty: MappingNode = { kind: 'mapping', entries: [], place: start };
  if (source.length > mostCharacters) return { root: empty, problems: [{ ...start, path: '', problem: `is larger than ${mostCharacters} characters` }] };
  try {
    const events = parseEvents(source, { filename: file, maxDepth: deepest });
    const cursor: Cursor = { source, events, next: 1, problems: [], placeOf: placesIn(source, file) };
    const documents = events.filter((event) => event.type === EVENT_ID.DOCUMENT).length;
    if (documents === 0) return { root: empty, problems: [] };
    if (documents > 1) cursor.problems.push({ ...start, path: '', problem: 'holds more than one document' });
    const root = readNode(cursor, start);
    return { root: root.kind === 'scalar' && root.plain && root.text === '' ? empty : root, problems: cursor.problems };
  } catch (thrown) {
    if (!(thrown instanceof YAMLException)) throw thrown;
    const place = { file, line: (thrown.mark?.line ?? 0) + 1, column: (thrown.mark?.column ?? 0) + 1 };
    return { root: empty, problems: [{ ...place, path: '', problem: `is not YAML: ${thrown.reason}` }] };
  }
}

function placesIn(source: string, file: string): Cursor['placeOf'] {
  const starts = [0, ...[...source.matchAll(/\r\n|\r|\n/g)].map((found) => found.index + found[0].length)];
  return (offset, otherwise) => {
    if (offset < 0) return otherwise;
    let low = 0;
    for (let high = starts.length - 1; low < high; ) {
      const middle = Math.ceil((low + high) / 2);
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { file, line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  };
}

function readNode(cursor: Cursor, otherwise: Place): YamlNode {
  const event = cursor.events[cursor.next];
  cursor.next += 1;
  if (event === undefined || event.type === EVENT_ID.POP || event.type === EVENT_ID.DOCUMENT) return { kind: 'scalar', text: '', plain: true, place: otherwise };
  if (event.type === EVENT_ID.ALIAS) {
    const place = cursor.placeOf(event.anchorStart, otherwise);
    refuse(cursor, place, 'aliases are not used here; write the value out');
    return { kind: 'scalar', text: '', plain: true, place };
  }
  const place = cursor.placeOf(startOf(event), otherwise);
  if (event.anchorStart >= 0) refuse(cursor, cursor.placeOf(event.anchorStart, place), 'anchors are not used here; write the value out');
  if (event.tagStart >= 0) refuse(cursor, cursor.placeOf(event.tagStart, place), 'tags are not used here');
  if (event.type === EVENT_ID.SCALAR) return { kind: 'scalar', text: event.valueStart < 0 ? '' : getScalarValue(cursor.source, event), plain: event.style === SCALAR_STYLE.PLAIN, place };
  return event.type === EVENT_ID.SEQUENCE ? readList(cursor, place) : readMapping(cursor, place);
}

// The range of a quoted scalar starts behind its quote.
function startOf(event: Exclude<YamlEvent, { type: typeof EVENT_ID.POP | typeof EVENT_ID.DOCUMENT | typeof EVENT_ID.ALIAS }>): number {
  if (event.type !== EVENT_ID.SCALAR) return event.start;
  const quoted = event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED;
  return quoted ? event.valueStart - 1 : event.valueStart;
}

function readList(cursor: Cursor, place: Place): ListNode {
  const items: YamlNode[] = [];
  while (!atEnd(cursor)) items.push(readNode(cursor, place));
  cursor.next += 1;
  return { kind: 'list', items, place };
}

function readMapping(cursor: Cursor, place: Place): MappingNode {
  const entries: MappingEntry[] = [];
  while (!atEnd(cursor)) {
    const key = readNode(cursor, place);
    const value = readNode(cursor, key.place);
    if (key.kind !== 'scalar') refuse(cursor, key.place, 'a key must be text');
    else if (entries.some((entry) => entry.key === key.text)) refuse(cursor, key.place, `the key ${key.text} stands here twice`);
    else entries.push({ key: key.text, place: key.place, value });
  }
  cursor.next += 1;
  return { kind: 'mapping', entries, place };
}

function atEnd(cursor: Cursor): boolean {
  const event = cursor.events[cursor.next];
  return event === undefined || event.type === EVENT_ID.POP;
}

function refuse(cursor: Cursor, place: Place, problem: string): void {
  cursor.problems.push({ ...place, path: '', problem });
}
