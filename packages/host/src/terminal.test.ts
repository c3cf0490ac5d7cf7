// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { runInTerminal } from './terminal.ts';
import { testStep } from './step.fixture.ts';

async function run(given: Record<string, string>, json: boolean) {
  const text = { out: '', err: '' };
  const status = await runInTerminal(testStep, given, { json, env: { PATH: process.env['PATH'] }, out: (part) => (text.out += part), err: (part) => (text.err += part) });
  return { status, ...text };
}

describe('a step in a terminal', () => {
  test('prints summary and outputs, and its progress apart', async () => {
    const { status, out, err } = await run({ end: 'well' }, false);
    expect(status).toBe(0);
    expect(out).toBe('Summary\n\ntext=two\nlines\n');
    expect(err).toContain('warning Careful: of, this: 100% (a.txt:3)');
  });

  test.each([
    ['well', 0, { outputs: { text: 'two\nlines' } }],
    ['refused', 3, { outputs: { text: 'two\nlines' }, refusal: { code: 'GATE_REFUSED', message: 'it may not pass', hint: 'Mend it.', details: [] } }],
    ['failed late', 2, { outputs: { text: 'two\nlines' }, failure: { code: 'REGISTRY_FORBIDDEN', message: 'no push', hint: 'Assign a role.', details: [] } }],
    ['failed', 2, { outputs: {}, failure: { code: 'REGISTRY_FORBIDDEN', message: 'no push', hint: 'Assign a role.', details: ['password: ***', 'repository: web', 'because Error: outer', 'because Error: inner'] } }],
  ])('with json, %s', async (end, expected, answer) => {
    const { status, out } = await run({ end }, true);
    expect(status).toBe(expected);
    expect(JSON.parse(out)).toEqual(answer);
  });

  test('a failure says what it is, why, what to do and where it is explained', async () => {
    const { err } = await run({ end: 'failed' }, false);
    expect(err).toContain('REGISTRY_FORBIDDEN: no push\n    password: ***\n    repository: web\n    because Error: outer\n    because Error: inner\nwhat to do: Assign a role.\nsee docs/errors.md#registry_forbidden\n');
  });

  test('a misspelt input is status 2', async () => {
    const { status, err } = await run({ edn: 'well' }, false);
    expect(status).toBe(2);
    expect(err).toContain('did you mean end?');
  });
});
