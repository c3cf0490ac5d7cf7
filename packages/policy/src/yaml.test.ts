// SPDX-License-Identifier: Apache-2.0
// What is hardly a file of ours, and where its problems stand.
import { Failure } from '@pratique/core';
import { expect, test } from 'vitest';
import { parseExceptions } from './index.ts';

function problemsOf(read: () => unknown): string[] {
  try {
    read();
    return [];
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
    return thrown.message.replace(/^.*problems:\n/, '').split('\n').map((line) => line.replace(/^- /, ''));
  }
}
const mustBeMapping = 'must be a mapping of version, exceptions';

test.each<readonly [string, readonly unknown[]]>([
  ['', []], ['---\n', []], ['--- # a comment\n...\n', []],
  ['word', [`exceptions.yaml:1:1 ${mustBeMapping}`]],
  ['""', [`exceptions.yaml:1:1 ${mustBeMapping}`]],
  ["''", [`exceptions.yaml:1:1 ${mustBeMapping}`]],
  ['\n\n  word', [`exceptions.yaml:3:3 ${mustBeMapping}`]],
  ['exceptions:\n  - id: "a\n', [expect.stringMatching(/^exceptions\.yaml:3:1 is not YAML: ./)]],
  ['version:', ['exceptions.yaml:1:1 version must be a whole number from 1 to 1, not ""']],
  ['version: "1"', ['exceptions.yaml:1:10 version must be a whole number from 1 to 1, not "1"']],
  ["version: '1'", ['exceptions.yaml:1:10 version must be a whole number from 1 to 1, not "1"']],
  ['version: 1\r\nversion: 1', ['exceptions.yaml:2:1 the key version stands here twice']],
  ['version: 1\rversion: 1', ['exceptions.yaml:2:1 the key version stands here twice']],
  ['[a]: 1', ['exceptions.yaml:1:1 a key must be text']],
  ['version: !!int 1', ['exceptions.yaml:1:10 tags are not used here']],
  ['version: &one 1', ['exceptions.yaml:1:11 anchors are not used here; write the value out']],
  ['exceptions: &all []\nversion: *all', ['exceptions.yaml:1:14 anchors are not used here; write the value out', 'exceptions.yaml:2:11 aliases are not used here; write the value out', 'exceptions.yaml:2:11 version must be a whole number from 1 to 1, not ""']],
  [`#${'x'.repeat(262_143)}`, []],
  [`#${'x'.repeat(262_144)}`, ['exceptions.yaml:1:1 is larger than 262144 characters']],
])('the file %j has the problems %j', (text, problems) => {
  expect(problemsOf(() => parseExceptions(text))).toEqual(problems);
});

test('a place is found in every line of a long file', () => {
  for (let lines = 0; lines < 40; lines += 1) expect(problemsOf(() => parseExceptions(`${'# line\n'.repeat(lines)}  x: 1\n`))).toEqual([expect.stringContaining(`exceptions.yaml:${lines + 1}:3 x there is no such key`)]);
});
