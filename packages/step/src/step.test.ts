// SPDX-License-Identifier: Apache-2.0
// Contracts: reading inputs, reporting every problem at once, and what is derived.
import { describe, expect, test } from 'vitest';
import { load } from 'js-yaml';
import { defineStep, deriveActionYaml, deriveHelp, deriveJsonSchema, deriveReadmeTables, input, parseInputs } from './index.ts';

const step = defineStep({
  name: 'try-it', description: 'Tries "it" | twice.', icon: 'box', permissions: [{ scope: 'contents', access: 'read', reason: 'reads the policy' }],
  inputs: {
    image: input.image({ required: true, description: 'The image.' }),
    mode: input.choice(['fast', 'slow'])({ default: 'fast', description: 'How fast.' }),
    wait: input.seconds({ default: '30', description: 'How long.' }),
    list: input.lines({ description: 'Some lines.' }),
  },
  outputs: { digest: 'The digest.' },
  run: (inputs) => Promise.resolve({ outputs: { digest: inputs.image.digest }, summary: '' }),
});

const digest = `sha256:${'a'.repeat(64)}`;

describe('parseInputs', () => {
  test('gives typed values, defaults, and undefined for what is absent', () => {
    expect(parseInputs(step.inputs, { image: `r.example:5000/a/b:1.0@${digest}`, list: '' })).toEqual({
      image: { registry: 'r.example:5000', repository: 'a/b', digest }, mode: 'fast', wait: 30, list: undefined,
    });
  });

  test.each([
    ['a misspelt name', { image: `r.io/a@${digest}`, mdoe: 'slow' }, 'INPUT_UNKNOWN', ['mdoe: there is no such input; did you mean mode?']],
    ['everything wrong at once', { image: 'r.io/a:tag', mode: 'quick', wait: '1.5' }, 'INPUT_INVALID', [
      expect.stringContaining('image: "r.io/a:tag" does not name an image by digest') as string, 'mode: must be one of fast, slow, not "quick"', 'wait: must be a whole number from 1 to 86400, not "1.5"',
    ]],
    ['a required input that is empty', { image: ' ' }, 'INPUT_INVALID', ['image: is required']],
  ])('refuses %s', (_, given, code, problems) => {
    expect(() => parseInputs(step.inputs, given)).toThrow(expect.objectContaining({ code, facts: { problems } }));
  });
});

test('action.yml is YAML with every input, default and output, and a token input where the API is used', () => {
  const action = load(deriveActionYaml(step)) as { inputs: Record<string, { default?: string }>; outputs: object; runs: object };
  expect(Object.keys(action.inputs)).toEqual(['image', 'mode', 'wait', 'list', 'github-token']);
  expect(action).toMatchObject({ inputs: { mode: { default: 'fast' } }, outputs: { digest: { description: 'The digest.' } }, runs: { using: 'node24', main: 'dist/index.js' } });
});

test('tables, schema and help name each input once', () => {
  for (const text of [deriveReadmeTables(step), deriveHelp(step)]) for (const name of Object.keys(step.inputs)) expect(text.split(new RegExp(`\\b${name}\\b`)).length).toBeGreaterThan(1);
  expect(deriveJsonSchema(step)).toMatchObject({ required: ['image'], additionalProperties: false, properties: { mode: { enum: ['fast', 'slow'], default: 'fast' } } });
});

test('hours are whole and bounded', () => {
  const hours = input.hours({ default: '48', description: 'Age.' });
  expect([hours.read(undefined), hours.read('8760')]).toEqual([48, 8760]);
  for (const text of ['0', '1.5', '-1', '9000', 'two']) expect(() => hours.read(text)).toThrow(/whole number/);
});
