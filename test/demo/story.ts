// SPDX-License-Identifier: Apache-2.0
// How the demo is told: acts, steps with their times, claims that must hold, and the table at the end.
import { styleText } from 'node:util';
import type { Claim } from '../fixtures/attacks/attack.ts';

type Style = Parameters<typeof styleText>[0];

const paint = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout });

/** A line of the table at the end. */
export interface Row {
  readonly name: string;
  readonly tried: string;
  readonly answer: string;
  readonly code: string;
  readonly seconds: number;
}

/** How an act is repeated; a row of its own when it tried one thing. */
export interface ActResult extends Partial<Row> {
  readonly name: string;
  readonly seconds: number;
  readonly repeat: string;
}

/** Prints as it goes and keeps what the end needs. */
export class Story {
  readonly claims: (Claim & { readonly act: string })[] = [];
  readonly acts: ActResult[] = [];
  readonly attacks: Row[] = [];
  /** What an act tried, when it tried several things. */
  readonly rows: Row[] = [];
  /** Address of the report of the release. */
  report = '';
  #act = '';

  say(text = ''): void {
    process.stdout.write(`${text}\n`);
  }

  act(name: string, text: string): void {
    this.#act = name;
    this.say(`\n${paint('bold', name)}  ${paint('dim', text)}`);
  }

  /** Runs `work`, prints one line with its time, and before that one that it is waited for. What `work` returns may refine the line by `note`. */
  async step<T>(title: string, work: () => Promise<T>, note: (value: T) => string = () => ''): Promise<T> {
    const started = performance.now();
    const waiting = setTimeout(() => this.detail(`waiting for: ${title}`), 2000);
    const value = await work().finally(() => clearTimeout(waiting));
    this.line(title, (performance.now() - started) / 1000, note(value));
    return value;
  }

  /** Something on the way, in small letters. */
  detail(text: string): void {
    this.say(paint('dim', `      ${text}`));
  }

  /** An act that this machine cannot play: one line, and one of the table. */
  skip({ name, why, code, repeat }: { readonly name: string; readonly why: string; readonly code: string; readonly repeat: string }): void {
    this.say(`  ${paint('yellow', 'Not played:')} ${why}`);
    this.rows.push({ name, tried: 'deployments', answer: 'skipped', code, seconds: 0 });
    this.acts.push({ name, seconds: 0, repeat });
  }

  line(title: string, seconds: number, note = '', mark = paint('green', '✓')): void {
    this.say(`  ${mark} ${title.padEnd(46)} ${paint('dim', `${seconds.toFixed(1).padStart(6)} s`)}  ${note}`);
  }

  refused(title: string, seconds: number, note: string): void {
    this.line(title, seconds, note, paint('yellow', '⛔'));
  }

  quote(lines: readonly string[]): void {
    for (const text of lines) this.say(`      ${paint('yellow', text)}`);
  }

  /** A claim of the demo: it is printed when it breaks, and counted always. */
  claim(text: string, held: boolean, detail = ''): void {
    this.claims.push({ act: this.#act, text, held, detail });
    this.say(`    ${held ? paint('green', '·') : paint('red', '✗')} ${text}${held || detail === '' ? '' : paint('red', `: ${detail}`)}`);
  }

  /** Claims that are told only when they break; whether all of them hold. */
  check(claims: readonly Claim[]): boolean {
    for (const { text, held, detail = '' } of claims) {
      if (held) this.claims.push({ act: this.#act, text, held });
      else this.claim(text, held, detail);
    }
    return claims.every(({ held }) => held);
  }

  /** One line for an attack. */
  attack(row: Row): void {
    this.attacks.push(row);
    const held = row.answer === 'refused';
    this.say(`  ${held ? paint('yellow', '⛔') : paint('red', '✗ ')} ${row.name}  ${row.tried.padEnd(49)} ${row.code.padEnd(24)} ${paint('dim', `${row.seconds.toFixed(1).padStart(5)} s`)}`);
  }

  /** The same answer to several questions. */
  answered(code: string, note: string, { letters, held }: { readonly letters: readonly string[]; readonly held: boolean }): void {
    this.say(`  ${held ? paint('yellow', '⛔') : paint('red', '✗ ')} ${code.padEnd(18)} ${note.padEnd(14)}  ${paint('dim', letters.join(' '))}`);
  }

  /** With the public database the world decides: nothing is asserted. */
  endWithoutClaims(): number {
    this.#table();
    return 0;
  }

  /** The table, and the line that CI reads. Returns the exit status. */
  end(): number {
    const broken = this.claims.filter((claim) => !claim.held);
    this.#table();
    for (const claim of broken) this.say(paint('red', `  broken: ${claim.act}: ${claim.text} ${claim.detail ?? ''}`));
    this.say(`\ndemo: ${this.claims.length - broken.length} claims held, ${broken.length} broken`);
    return broken.length === 0 && this.claims.length > 0 ? 0 : 1;
  }

  #table(): void {
    const rows = [...this.acts.flatMap((act) => (act.tried === undefined ? [] : [{ answer: '', code: '', ...act, tried: act.tried }])), ...this.attacks, ...this.rows];
    const width = Math.max(...rows.map((row) => row.tried.length), 'tried'.length);
    const line = (name: string, tried: string, cells: readonly string[]): string => `  ${name.padEnd(5)} ${tried.padEnd(width)} ${cells.join(' ')}`;
    this.say(`\n${paint('bold', line('', 'tried', ['answer'.padEnd(11), 'code'.padEnd(24), 'time'.padStart(7)]))}`);
    for (const row of rows) this.say(line(row.name, row.tried, [row.answer.padEnd(11), row.code.padEnd(24), `${row.seconds.toFixed(1).padStart(5)} s`]));
    if (this.report !== '') this.say(`\n  Report of the release, to open in a browser:\n  ${paint('cyan', this.report)}`);
    this.say('\n  Repeat by hand:');
    for (const act of this.acts) this.say(`  ${act.name}  ${act.repeat}`);
  }
}
