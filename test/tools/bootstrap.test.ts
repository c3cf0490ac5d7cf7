// SPDX-License-Identifier: Apache-2.0
// The parts of the bootstrap that need no network: versions, progress, what Go is told, and that every program can be had.
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toolTable } from '@pratique/host';
import { describe, expect, test } from 'vitest';
import { buildArguments, goKey, moduleFolder } from './go-build.ts';
import { formatSeconds, withProgress } from './progress.mjs';
import { checkout, versionFits } from './runtime.mjs';

test.each([['v20.20.2', false], ['v24.14.9', false], ['v24.15.0', true], ['v24.21.0', true], ['v25.0.0', false], ['26.1.0', false]])('Node %s can be used: %s', (version, fits) => {
  expect(versionFits(version, { least: '24.15.0', below: '25.0.0' })).toBe(fits);
});

describe('progress', () => {
  test.each([[0.4, '0 s'], [59, '59 s'], [75, '1 min 15 s'], [365, '6 min 5 s']])('%s seconds read %s', (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text);
  });

  test('what is quick is not told', async () => {
    const lines: string[] = [];
    expect(await withProgress({ title: 'quick', say: (line) => lines.push(line) }, () => Promise.resolve(1))).toBe(1);
    expect(lines).toEqual([]);
  });

  test('what takes longer is told with the usual time, and when it is done', async () => {
    const lines: string[] = [];
    await withProgress({ title: 'slow', usualSeconds: 75, say: (line) => lines.push(line) }, () => new Promise((resolve) => setTimeout(resolve, 2100)));
    expect(lines).toEqual(['slow … 2 s, usually 1 min 15 s', 'slow: done in 2 s']);
  });
});

describe('programs built by Go', () => {
  const programs = Object.entries(toolTable).flatMap(([name, entry]) => (entry.go === undefined ? [] : [{ name, entry, go: entry.go }]));

  test.each(programs)('$name has a pinned module at the version of the table', ({ name, entry, go }) => {
    const folder = moduleFolder(name, go);
    const text = readFileSync(join(folder, 'go.mod'), 'utf8');
    expect(existsSync(join(folder, 'go.sum'))).toBe(text.includes('require'));
    if (go.package === '.') return;
    const module = text.split('\n').find((line) => go.package.startsWith(line.trim().split(' ')[0] ?? '?') && line.includes(' v'));
    expect(module?.trim().split(' ')[1]).toBe(`v${entry.wanted}`);
  });

  test('are built from go.sum alone, reproducibly', () => {
    expect(buildArguments({ package: 'x/cmd/y', set: 'x.version=1 x.minor=2', seconds: 1, diskGiB: 1 }, '/cache/y')).toEqual(['build', '-trimpath', '-mod=readonly', '-modcacherw', '-buildvcs=false', '-ldflags=-s -w -X x.version=1 -X x.minor=2', '-o', '/cache/y', 'x/cmd/y']);
  });

  test('get another folder in the cache when anything they are made from changes', async () => {
    const [program] = programs.filter(({ name }) => name === 'crane');
    if (program === undefined) throw new Error('crane is not in the table');
    const folder = await mkdtemp(join(tmpdir(), 'go-key-'));
    await cp(join(checkout, 'test/tools/crane'), folder, { recursive: true });
    const before = await goKey(folder, program.entry, program.go);
    expect(await goKey(folder, program.entry, program.go)).toBe(before);
    await writeFile(join(folder, 'go.sum'), 'changed');
    expect(await goKey(folder, program.entry, program.go)).not.toBe(before);
    await rm(folder, { recursive: true });
  });
});

test.each(Object.entries(toolTable))('%s: there is a way to have it, and the wanted version can be used', (_, entry) => {
  expect([entry.release, entry.go, entry.debian, entry.unpack, entry.npm].some((way) => way !== undefined)).toBe(true);
  expect(versionFits(entry.wanted, entry)).toBe(true);
  for (const file of Object.values(entry.release?.files ?? {})) expect(file.sha256).toMatch(/^[0-9a-f]{64}$/);
});
