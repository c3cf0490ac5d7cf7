// SPDX-License-Identifier: Apache-2.0
// Shapes: one declaration from which a strict reader, a TypeScript type and a JSON Schema all follow.
import { nearest, type JsonObject } from '@pratique/core';
import type { Place, Problem, YamlNode } from './yaml.ts';

/** Reads one node. `undefined` = a problem was noted, and the whole file will be refused. */
export interface Shape<T> {
  readonly json: JsonObject;
  read(node: YamlNode, path: string, problems: Problem[]): T | undefined;
}

/** The value that a shape reads. */
export type ValueOf<S> = S extends Shape<infer T> ? T : never;

/** One key of a mapping. */
export interface Field<T> {
  readonly json: JsonObject;
  readonly required: boolean;
  readonly shape: Shape<unknown>;
  /** The value when the key is absent; `place` is that of the mapping around it. */
  absent(place: Place, path: string, problems: Problem[]): T | undefined;
}

/** What a mapping of fields holds, and where it stands. */
export type MappingOf<F extends Record<string, Field<unknown>>> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never } & { readonly at: Place };

function note(problems: Problem[], place: Place, path: string, problem: string): undefined {
  problems.push({ file: place.file, line: place.line, column: place.column, path, problem });
  return undefined;
}

function scalar<T>(json: JsonObject, wants: string, convert: (text: string, plain: boolean) => T | undefined): Shape<T> {
  return {
    json,
    read(node, path, problems) {
      if (node.kind !== 'scalar') return note(problems, node.place, path, `must be ${wants}, not a ${node.kind}`);
      const value = convert(node.text, node.plain);
      return value === undefined ? note(problems, node.place, path, `must be ${wants}, not "${node.text.slice(0, 80)}"`) : value;
    },
  };
}

/** Text that is not empty; with `pattern`, all of it must match. `wants` says so in words; `numeric`: editors may take it for a number. */
export function text(options: { wants?: string; pattern?: RegExp; most?: number; numeric?: boolean } = {}): Shape<string> {
  const { wants = 'text', pattern, most = 1024, numeric = false } = options;
  const whole = pattern === undefined ? undefined : new RegExp(`^(?:${pattern.source})$`, 'u');
  return scalar({ type: numeric ? ['string', 'number'] : 'string', minLength: 1, maxLength: most, ...(whole === undefined ? {} : { pattern: whole.source }) }, wants, (given) =>
    given.trim() !== '' && given.length <= most && (whole === undefined || whole.test(given)) ? given : undefined);
}

/** A whole number. */
export function integer(least: number, most: number): Shape<number> {
  return scalar({ type: 'integer', minimum: least, maximum: most }, `a whole number from ${least} to ${most}`, (given, plain) =>
    plain && /^[0-9]{1,9}$/.test(given) && Number(given) >= least && Number(given) <= most ? Number(given) : undefined);
}

/** One word of a closed list. */
export function choice<const C extends readonly string[]>(words: C): Shape<C[number]> {
  return {
    // Written without quotes, true and false are booleans to an editor.
    json: { enum: words.flatMap((word): unknown[] => (word === 'true' || word === 'false' ? [word, word === 'true'] : [word])) },
    read(node, path, problems) {
      if (node.kind !== 'scalar') return note(problems, node.place, path, `must be one of ${words.join(', ')}, not a ${node.kind}`);
      if (words.includes(node.text)) return node.text;
      const near = nearest(node.text, words);
      return note(problems, node.place, path, `must be one of ${words.join(', ')}, not "${node.text.slice(0, 80)}"${near === undefined ? '' : `; did you mean ${near}?`}`);
    },
  };
}

/** A date `2026-12-01` or an instant (RFC 3339). A date alone means the start or the end of that day, UTC. */
export function date(edge: 'start' | 'end'): Shape<Date> {
  const pattern = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?(?:Z|[+-]\d{2}:\d{2}))?$/;
  return scalar({ type: 'string', pattern: pattern.source }, 'a date such as 2026-12-01', (given) => {
    const whole = given.length === 10 ? `${given}T${edge === 'start' ? '00:00:00.000' : '23:59:59.999'}Z` : given;
    const value = new Date(pattern.test(given) ? whole : Number.NaN);
    // Date takes 31 February for 3 March.
    if (Number.isNaN(value.getTime()) || (given.length === 10 && !value.toISOString().startsWith(given))) return undefined;
    return value;
  });
}

/** A list; one bad item does not hide the problems of the others. */
export function list<T>(item: Shape<T>, options: { least?: number; most?: number } = {}): Shape<readonly T[]> {
  const { least = 0, most = 1000 } = options;
  return {
    json: { type: 'array', items: item.json, ...(least > 0 ? { minItems: least } : {}), maxItems: most },
    read(node, path, problems) {
      if (node.kind !== 'list') return note(problems, node.place, path, 'must be a list');
      if (node.items.length < least || node.items.length > most) return note(problems, node.place, path, `must have ${least} to ${most} items`);
      const values = node.items.map((entry, index) => item.read(entry, `${path}[${index}]`, problems));
      return values.every((value) => value !== undefined) ? (values) : undefined;
    },
  };
}

/** A mapping with exactly these keys; another key is a problem that names the nearest one. */
export function mapping<const F extends Record<string, Field<unknown>>>(fields: F, check?: (value: MappingOf<F>) => readonly string[]): Shape<MappingOf<F>> {
  const names = Object.keys(fields);
  const required = names.filter((name) => fields[name]?.required);
  return {
    json: { type: 'object', properties: Object.fromEntries(names.map((name) => [name, fields[name]?.json])), ...(required.length > 0 ? { required } : {}), additionalProperties: false },
    read(node, path, problems) {
      if (node.kind !== 'mapping') return note(problems, node.place, path, `must be a mapping of ${names.join(', ')}`);
      const before = problems.length;
      const under = (name: string): string => (path === '' ? name : `${path}.${name}`);
      for (const entry of node.entries) {
        if (Object.hasOwn(fields, entry.key)) continue;
        const near = nearest(entry.key, names);
        note(problems, entry.place, under(entry.key), `there is no such key${near === undefined ? ` (known: ${names.join(', ')})` : `; did you mean ${near}?`}`);
      }
      const value: Record<string, unknown> = { at: node.place };
      for (const [name, field] of Object.entries(fields)) {
        const entry = node.entries.find(({ key }) => key === name);
        value[name] = entry === undefined ? field.absent(node.place, under(name), problems) : field.shape.read(entry.value, under(name), problems);
      }
      if (problems.length > before) return undefined;
      for (const problem of check?.(value as MappingOf<F>) ?? []) note(problems, node.place, path, problem);
      return value as MappingOf<F>;
    },
  };
}

/** One of two mappings: `first` when the node has the key `marker`, else `second`. */
export function eitherBy<A, B>(marker: string, first: Shape<A>, second: Shape<B>): Shape<A | B> {
  return {
    json: { oneOf: [first.json, second.json] },
    read: (node, path, problems) => (node.kind === 'mapping' && node.entries.some(({ key }) => key === marker) ? first : second).read(node, path, problems),
  };
}

/** A key that must be there. */
export function required<T>(shape: Shape<T>, description: string): Field<T> {
  return { json: { description, ...shape.json }, required: true, shape, absent: (place, path, problems) => note(problems, place, path, 'is missing') };
}

/** A key that may be absent. */
export function optional<T>(shape: Shape<T>, description: string): Field<T | undefined> {
  return { json: { description, ...shape.json }, required: false, shape, absent: () => undefined };
}

/** A key with a default, as it would be written. */
export function withDefault<T>(shape: Shape<T>, fallback: T, description: string): Field<T> {
  return { json: { description, default: fallback, ...shape.json }, required: false, shape, absent: () => fallback };
}

/** A mapping of which every key has a default: leaving it out is the same as leaving it empty. */
export function section<T>(shape: Shape<T>, description: string): Field<T> {
  return { json: { description, ...shape.json }, required: false, shape, absent: (place, path, problems) => shape.read({ kind: 'mapping', entries: [], place }, path, problems) };
}
