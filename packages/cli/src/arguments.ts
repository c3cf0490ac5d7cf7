// SPDX-License-Identifier: Apache-2.0
// argv as words and flags. Pure.
import { Failure, nearest } from '@pratique/core';

export interface Arguments {
  /** Words before, between and after flags. */
  readonly words: readonly string[];
  /** Flag name without dashes -> value; given more than once, the values are lines. A flag without value is `true`. */
  readonly flags: Readonly<Record<string, string>>;
}

/** Flags that take no value; so does --version, but after the name of a step it is an input. */
const switches = new Set(['help', 'json', 'http', 'anonymous', 'keep', 'cluster']);

/** Reads `--name value`, `--name=value`, `--name` for switches, and words. `--` ends the flags. Fails with `INPUT_INVALID`. */
export function parseArguments(argv: readonly string[]): Arguments {
  const words: string[] = [];
  const flags: Record<string, string> = {};
  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') {
      words.push(...rest.splice(0));
    } else if (word === '-h') flags['help'] = 'true';
    else if (!word.startsWith('--')) words.push(word);
    else {
      const [name = '', ...tail] = word.slice(2).split('=');
      const value = tail.length > 0 ? tail.join('=') : switches.has(name) || (name === 'version' && words.length === 0) ? 'true' : rest.shift();
      if (value === undefined) throw new Failure({ code: 'INPUT_INVALID', message: `the flag --${name} has no value` });
      flags[name] = flags[name] === undefined ? value : `${flags[name]}\n${value}`;
    }
  }
  return { words, flags };
}

/** Fails with `INPUT_UNKNOWN` when a flag is not among `known`. */
export function requireKnown(flags: Readonly<Record<string, string>>, known: readonly string[]): void {
  for (const name of Object.keys(flags)) {
    if (known.includes(name)) continue;
    const near = nearest(name, known);
    throw new Failure({ code: 'INPUT_UNKNOWN', message: `there is no flag --${name}${near ? `; did you mean --${near}?` : ''}`, hint: `Flags: ${known.map((one) => `--${one}`).join(' ')}` });
  }
}
