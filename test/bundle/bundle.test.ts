// SPDX-License-Identifier: Apache-2.0
// The bundles that users run: what the source says, byte for byte, and each starts on this Node.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nearest } from '@pratique/core';
import { afterAll, describe, expect, test } from 'vitest';
import { makeBundles } from '../tools/bundle.ts';
import { loadSteps } from '../tools/generated-files.ts';
import { checkout } from '../tools/runtime.mjs';

const actions = join(checkout, 'actions');
const steps = await loadSteps();
const folder = mkdtempSync(join(tmpdir(), 'bundle-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

function committed(): string[] {
  const folders = ['dist', ...steps.map((step) => `${step.name}/dist`)];
  return folders.flatMap((dist) => readdirSync(join(actions, dist)).map((file) => `${dist}/${file}`)).sort();
}

function start(name: string, env: Readonly<Record<string, string>>): Promise<{ status: number | null; log: string; summary: string }> {
  const files = { GITHUB_OUTPUT: join(folder, `${name}-output`), GITHUB_STEP_SUMMARY: join(folder, `${name}-summary`) };
  for (const file of Object.values(files)) writeFileSync(file, '');
  const child = spawn(process.execPath, [join(actions, name, 'dist/index.js')], { cwd: folder, env: { PATH: process.env['PATH'] ?? '', RUNNER_TEMP: folder, GITHUB_WORKSPACE: folder, ...files, ...env } });
  let log = '';
  child.stdout.on('data', (chunk: Buffer) => (log += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, log, summary: readFileSync(files.GITHUB_STEP_SUMMARY, 'utf8') }));
  });
}

describe('the committed bundles', () => {
  test('are what the source says, byte for byte (npm run build)', async () => {
    const made = await makeBundles();
    expect(committed()).toEqual([...made.keys()].sort());
    expect([...made].filter(([path, bytes]) => !readFileSync(join(actions, path)).equals(bytes)).map(([path]) => path)).toEqual([]);
  }, 180_000);

  test('hold JavaScript and licences only, and at most 6 MiB', () => {
    expect(committed().filter((path) => !/\.js$|package\.json$|^dist\/licenses\.txt$/.test(path))).toEqual([]);
    expect(committed().reduce((sum, path) => sum + readFileSync(join(actions, path)).length, 0)).toBeLessThan(6 * 2 ** 20);
  });

  test('name no place of the machine that made them', () => {
    expect(committed().filter((path) => readFileSync(join(actions, path), 'utf8').includes(checkout))).toEqual([]);
  });
});

describe.each(steps.map((step) => ({ name: step.name, step })))('$name', ({ name, step }) => {
  const required = Object.entries(step.inputs).filter(([, kind]) => kind.required).map(([input]) => input);
  const misspelt = `${Object.keys(step.inputs)[0] ?? ''}x`;

  test('starts, and tells all wrong inputs together', async () => {
    const { status, log, summary } = await start(name, { [`INPUT_${misspelt.toUpperCase()}`]: 'value' });
    expect(status).toBe(2);
    expect(log).toContain('::error title=INPUT_UNKNOWN::');
    expect(log).toContain(`did you mean ${nearest(misspelt, Object.keys(step.inputs))}?`);
    for (const input of required) expect(log).toContain(`- ${input}: is required`);
    expect(summary).toContain('INPUT_UNKNOWN');
  });

  test('loads no network stack before its inputs are read: that would be half of the start', async () => {
    const tell = 'process.on("exit", () => console.error(process.moduleLoadList.join("\\n")))';
    const { log } = await start(name, { [`INPUT_${misspelt.toUpperCase()}`]: 'value', NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(tell)}` });
    expect(log.match(/^NativeModule .*$/gm)).toContain('NativeModule fs');
    expect(log.match(/^NativeModule (tls|https?|http2|internal\/deps\/undici.*)$/gm)).toBeNull();
  });
});
