// SPDX-License-Identifier: Apache-2.0
// The kinds of input: each reads one string into one value, and says what it wants in one phrase.
import {
  Failure, parsePinnedImage, parsePlatform, parseRepositoryName,
  type PinnedImage, type Platform, type RepositoryName,
} from '@pratique/core';

/** How one input is read. `T` is what the step receives. */
export interface InputKind<T> {
  /** One word or phrase for tables: `text`, `lines`, `seconds`, `one of a, b`. */
  readonly shape: string;
  readonly description: string;
  /** Written as in a workflow; absent = no default. */
  readonly default?: string;
  readonly required: boolean;
  /** JSON Schema of the string as written. */
  readonly schema: Readonly<Record<string, unknown>>;
  /** Throws an `Error` or `Failure` whose message says what is wrong. `undefined` = absent and no default. */
  read(text: string | undefined): T;
}

interface Common {
  readonly description: string;
}
interface Optional extends Common {
  readonly required?: false;
  readonly default?: string;
}
interface Required extends Common {
  readonly required: true;
}
interface Defaulted extends Common {
  readonly default: string;
}

type Reader<T> = (text: string) => T;

function kind<T>(shape: string, schema: Readonly<Record<string, unknown>>, read: Reader<T>) {
  function make(options: Required | Defaulted): InputKind<T>;
  function make(options: Optional): InputKind<T | undefined>;
  function make(options: Required | Defaulted | Optional): InputKind<T | undefined> {
    const fallback = 'default' in options ? options.default : undefined;
    const required = 'required' in options && options.required;
    return {
      shape, schema, required, description: options.description,
      ...(fallback === undefined ? {} : { default: fallback }),
      read(text) {
        const value = text ?? fallback;
        if (value !== undefined) return read(value);
        if (required) throw new Error('is required');
        return undefined;
      },
    };
  }
  return make;
}

function readInteger(text: string, least: number, most: number): number {
  if (!/^[0-9]+$/.test(text) || Number(text) < least || Number(text) > most) throw new Error(`must be a whole number from ${least} to ${most}, not "${text}"`);
  return Number(text);
}

function readLines(text: string): readonly string[] {
  return text.split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== '');
}

const string = { type: 'string' };

/** The input kinds. Empty string = absent. Each takes `{ description, required: true }`, `{ description, default }` or `{ description }` (then the value may be `undefined`). */
export const input = {
  /** Any text. */
  text: kind<string>('text', string, (text) => text),
  /** A list, one item a line; empty lines are dropped. */
  lines: kind<readonly string[]>('lines', string, readLines),
  /** `true` or `false`. */
  flag: kind<boolean>('true or false', { enum: ['true', 'false'] }, (text) => {
    if (text !== 'true' && text !== 'false') throw new Error(`must be true or false, not "${text}"`);
    return text === 'true';
  }),
  /** Whole seconds, 1 to 86400. */
  seconds: kind<number>('seconds', { type: 'string', pattern: '^[0-9]+$' }, (text) => readInteger(text, 1, 86_400)),
  /** Whole hours, 1 to 8760. */
  hours: kind<number>('hours', { type: 'string', pattern: '^[0-9]+$' }, (text) => readInteger(text, 1, 8760)),
  /** Whole days, 0 to 3650. */
  days: kind<number>('days', { type: 'string', pattern: '^[0-9]+$' }, (text) => readInteger(text, 0, 3650)),
  /** `registry/repository@sha256:…`. */
  image: kind<PinnedImage>('registry/repository@digest', string, parsePinnedImage),
  /** `registry/repository`. */
  repository: kind<RepositoryName>('registry/repository', string, parseRepositoryName),
  /** Platforms, one a line. */
  platforms: kind<readonly Platform[]>('platforms, one a line', string, (text) => {
    const platforms = readLines(text.replaceAll(',', '\n')).map(parsePlatform);
    if (platforms.length === 0) throw new Error('names no platform');
    return platforms;
  }),
  /** Text of a form of its own; `read` throws an `Error` that says how it is written. */
  form<T>(shape: string, read: (text: string) => T) {
    return kind<T>(shape, string, read);
  },
  /** One word of a closed list. */
  choice<const C extends readonly string[]>(choices: C) {
    return kind<C[number]>(`one of ${choices.join(', ')}`, { enum: choices }, (text) => {
      if (!choices.includes(text)) throw new Error(`must be one of ${choices.join(', ')}, not "${text}"`);
      return text;
    });
  },
} as const;

/** The message of what a kind threw. */
export function problemOf(thrown: unknown): string {
  if (thrown instanceof Failure) return thrown.hint ? `${thrown.message}. ${thrown.hint}` : thrown.message;
  return thrown instanceof Error ? thrown.message : String(thrown);
}
