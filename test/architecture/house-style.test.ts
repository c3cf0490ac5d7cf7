// SPDX-License-Identifier: Apache-2.0
// How files look: licence line, names, size, explicit exports; and what never appears in them. Functions, parameters and types are for oxlint.
import { spawnSync } from 'node:child_process';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { checkout } from '../tools/runtime.mjs';
import { readSourceFiles } from './source-files.ts';

const files = readSourceFiles();
const pathsWhere = (holds: (file: (typeof files)[number]) => boolean): string[] => files.filter(holds).map((file) => file.path);

test('the first line names the licence, the second says what the file is for', () => {
  expect(pathsWhere(({ text }) => !text.replace(/^#!.*\n/, '').startsWith('// SPDX-License-Identifier: Apache-2.0\n'))).toEqual([]);
  expect(pathsWhere(({ text, forTests }) => !forTests && !/^\/\/ SPDX.*\n(\/\/ |\/\*\*|export \{\};|$)/.test(text.replace(/^#!.*\n/, '')))).toEqual([]);
});

test('no file has more than 250 lines', () => {
  expect(pathsWhere(({ text, path }) => !path.endsWith('.test.ts') && text.trimEnd().split('\n').length > 250)).toEqual([]);
});

test('file names are kebab-case, and say something', () => {
  expect(pathsWhere(({ path }) => !/^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.config|\.test|\.fixture|\.d)?\.(?:ts|mts|mjs)$/.test(basename(path)))).toEqual([]);
  expect(pathsWhere(({ path }) => /(?:^|\/|-)(?:utils?|helpers?|common|misc|types|manager|services?)(?:\/|\.|$)/.test(path))).toEqual([]);
});

test('every export of an index is listed', () => {
  expect(pathsWhere(({ text }) => /^export \*/m.test(text))).toEqual([]);
});

test('no mocks of modules, no spies, no silenced compiler, no empty catch', () => {
  const forbidden = /\bvi\.(?:mock|spyOn|fn)\(|@ts-(?:ignore|nocheck|expect-error)|catch(?: \(\w+\))? \{\s*\}/;
  expect(pathsWhere(({ text, path }) => forbidden.test(text) && !path.endsWith('house-style.test.ts'))).toEqual([]);
});

test('oxlint has nothing to say', () => {
  const result = spawnSync(process.execPath, [join(checkout, 'node_modules/oxlint/bin/oxlint'), '--deny-warnings', '--format=unix'], { cwd: checkout, encoding: 'utf8' });
  expect(result.stdout.split('\n').filter((line) => /\[(?:Error|Warning)/.test(line))).toEqual([]);
  expect(result.status).toBe(0);
});
