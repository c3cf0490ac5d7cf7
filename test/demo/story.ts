// SPDX-License-Identifier: Apache-2.0
// How the demo is told: acts, steps with their times, claims that must hold, and the table at the end.
import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

const paint = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout });

export interface Claim {
  readonly act: string;
  readonly text: string;
  readonly held: boolean;
  readonly detail: string;
}

export interface ActResult {
  readonly name: string;
  readonly tried: string;
  readonly answer: string;
  readonly code: string;
  readonly seconds: number;
  readonly repeat: string;
}

/** Prints as it goes and keeps what the end needs. */
export class Story {
  readonly claims: Claim[] = [];
  readonly acts: ActResult[] = [];
  #act = '';

  say(text = ''): void {
    process.stdout.write(`${text}\n`);
  }

  act(name: string, text: string): void {
    this.#act = name;
    this.say(`\n${paint('bold', name)}  ${paint('dim', text)}`);
  }

  /** Runs `work`, prints one line with its time. What `work` returns may refine the line by `note`. */
  async step<T>(title: string, work: () => Promise<T>, note: (value: T) => string = () => ''): Promise<T> {
    const started = performance.now();
    const value = await work();
    this.line(title, (performance.now() - started) / 1000, note(value));
    return value;
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

  /** With the public database the world decides: nothing is asserted. */
  endWithoutClaims(): number {
    this.#table();
    return 0;
  }

  /** The table, and the line that CI reads. Returns the exit status. */
  end(): number {
    const broken = this.claims.filter((claim) => !claim.held);
    this.#table();
    for (const claim of broken) this.say(paint('red', `  broken: ${claim.act}: ${claim.text} ${claim.detail}`));
    this.say(`\ndemo: ${this.claims.length - broken.length} claims held, ${broken.length} broken`);
    return broken.length === 0 && this.claims.length > 0 ? 0 : 1;
  }

  #table(): void {
    const width = Math.max(...this.acts.map((act) => act.tried.length), 5);
    this.say(`\n  ${paint('bold', `${'tried'.padEnd(width)}  ${'answer'.padEnd(9)} ${'code'.padEnd(22)} ${'time'.padStart(8)}`)}`);
    for (const act of this.acts) this.say(`  ${act.tried.padEnd(width)}  ${act.answer.padEnd(9)} ${act.code.padEnd(22)} ${act.seconds.toFixed(1).padStart(6)} s`);
    this.say('\n  Repeat by hand:');
    for (const act of this.acts) this.say(`    ${act.name.padEnd(10)} ${act.repeat}`);
  }
}
