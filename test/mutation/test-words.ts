// SPDX-License-Identifier: Apache-2.0
// Stands in for `vitest` while mutants are tried: keeps the tests of a file, to be run again and again in this process.
import { format } from 'node:util';

export { expect } from 'vitest';

type Work = (...given: never[]) => unknown;

export interface Test {
  readonly name: string;
  readonly work: () => unknown;
}

/** A file, or a `describe` in it. */
export interface Group {
  readonly name: string;
  readonly members: (Test | Group)[];
  readonly before: (() => unknown)[];
  readonly beforeEach: (() => unknown)[];
  readonly after: (() => unknown)[];
}

let open = emptyGroup('');

function emptyGroup(name: string): Group {
  return { name, members: [], before: [], beforeEach: [], after: [] };
}

/** Imports a file of tests and gives what it declares. */
export async function collectFile(name: string, load: () => Promise<unknown>): Promise<Group> {
  const file = open = emptyGroup(name);
  await load();
  return file;
}

export function describe(name: string, declare: () => void): void {
  const outer = open;
  open = emptyGroup(name);
  outer.members.push(open);
  declare();
  open = outer;
}

export function test(name: string, work: () => unknown): void {
  open.members.push({ name, work });
}

test.each = (rows: readonly unknown[]) => (name: string, work: Work): void => {
  for (const row of rows) {
    const given = (Array.isArray(row) ? row : [row]) as never[];
    test(format(name, ...given.slice(0, name.split('%').length - 1)), () => work(...given));
  }
};

export function beforeAll(work: () => unknown): void {
  open.before.push(work);
}

export function beforeEach(work: () => unknown): void {
  open.beforeEach.push(work);
}

export function afterAll(work: () => unknown): void {
  open.after.push(work);
}
