// SPDX-License-Identifier: Apache-2.0
// Finding a program: PATH, cache, verified download; with real scripts, a real archive, and a fetch that answers as a release site does.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Failure } from '@pratique/core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from './clock.ts';
import { createChildEnvironment } from './environment.ts';
import { createExec } from './exec.ts';
import { addToCache } from './tool-cache.ts';
import type { ToolEntry } from './tool-table.ts';
import { createTools, listTools } from './tools.ts';

let folder: string;
let archive: Buffer;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tools-test-'));
  for (const name of ['bin', 'release', 'scratch']) await mkdir(join(folder, name));
  await writeFile(join(folder, 'release/probe'), '#!/bin/sh\necho downloaded 2.0.0\n', { mode: 0o755 });
  spawnSync('tar', ['-czf', join(folder, 'probe.tar.gz'), '-C', join(folder, 'release'), 'probe']);
  archive = await readFile(join(folder, 'probe.tar.gz'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const signal = new AbortController().signal;
const entry: ToolEntry = { for: 'tests', wanted: '2.0.0', least: '1.5.0', below: '3.0.0', refused: ['1.6.6'], probe: ['--version'] };
const withRelease = (sha256: string): ToolEntry => ({ ...entry, release: { url: 'https://release.test/v2.0.0/', member: 'probe', files: { 'linux-x64': { name: 'probe.tar.gz', sha256 } } } });
const pinned = () => createHash('sha256').update(archive).digest('hex');

function open(tool: ToolEntry, answer: (url: string) => Response = () => new Response(null, { status: 404 })) {
  const env = { PATH: `${join(folder, 'bin')}:/usr/bin:/bin`, PRATIQUE_TOOLS: join(folder, 'cache') };
  const exec = createExec({ workspace: folder, signal, environment: createChildEnvironment(env, folder) });
  const asked: string[] = [];
  const fetch = (input: string | URL | Request): Promise<Response> => {
    asked.push(String(input));
    return Promise.resolve(answer(String(input)));
  };
  const tools = createTools({ env, exec, fetch, clock: { ...systemClock, sleep: () => Promise.resolve() }, signal, scratch: join(folder, 'scratch'), say: () => undefined, table: { probe: tool }, platform: 'linux-x64' });
  return { tools, asked, list: () => listTools({ env, exec, table: { probe: tool } }) };
}

const onPath = (version: string) => writeFile(join(folder, 'bin/probe'), `#!/bin/sh\necho probe ${version}\n`, { mode: 0o755 });
const codeOf = (work: Promise<unknown>) => work.then(() => 'no failure', (thrown: unknown) => (thrown instanceof Failure ? thrown.code : String(thrown)));

describe('locating a program', () => {
  test('on PATH, when the version can be used', async () => {
    await onPath('1.5.0');
    expect(await open(entry).tools.locate('probe')).toEqual({ name: 'probe', path: join(folder, 'bin/probe'), version: '1.5.0', origin: 'path' });
  });

  test.each([['too old', '1.4.9'], ['too new', '3.0.0'], ['refused by name', '1.6.6'], ['without a version', 'dev']])('not on PATH when it is %s', async (_, version) => {
    await onPath(version);
    expect(await codeOf(open(entry).tools.locate('probe'))).toBe('TOOL_MISSING');
  });

  test('in the cache: the wanted version before a newer one', async () => {
    for (const version of ['2.0.0', '2.5.0']) await addToCache(join(folder, 'cache'), { name: 'probe', key: `${version}-x`, version, origin: 'build' }, (target) => writeFile(join(target, 'probe'), ''));
    expect(await open(entry).tools.locate('probe')).toMatchObject({ version: '2.0.0', origin: 'cache' });
  });

  test('by download, verified, once', async () => {
    const site = open(withRelease(pinned()), () => new Response(new Uint8Array(archive)));
    const tool = await site.tools.locate('probe');
    expect(tool).toMatchObject({ version: '2.0.0', origin: 'download' });
    expect(spawnSync(tool.path).stdout.toString()).toBe('downloaded 2.0.0\n');
    expect(await site.tools.locate('probe')).toBe(tool);
    expect(await open(withRelease(pinned())).tools.locate('probe')).toMatchObject({ path: tool.path, origin: 'cache' });
    expect(site.asked).toEqual(['https://release.test/v2.0.0/probe.tar.gz']);
  });

  test('other bytes are refused before anything of them is unpacked', async () => {
    const site = open(withRelease('0'.repeat(64)), () => new Response(new Uint8Array(archive)));
    expect(await codeOf(site.tools.locate('probe'))).toBe('TOOL_UNVERIFIED');
    await expect(access(join(folder, 'cache'))).rejects.toThrow('ENOENT');
    expect(await readdir(join(folder, 'scratch'))).toEqual([]);
  });

  test('a site that answers 503 is asked again', async () => {
    let calls = 0;
    const site = open(withRelease(pinned()), () => (++calls < 3 ? new Response(null, { status: 503 }) : new Response(new Uint8Array(archive))));
    expect((await site.tools.locate('probe')).origin).toBe('download');
    expect(calls).toBe(3);
  });

  test('an unknown name is answered with the nearest', async () => {
    const thrown = await open(entry).tools.locate('prob').catch((error: unknown) => error);
    expect(thrown instanceof Failure && thrown.hint).toContain('Nearest: probe');
  });

  test('listing brings nothing', async () => {
    const site = open(withRelease(pinned()));
    expect(await site.list()).toEqual([{ name: 'probe', for: 'tests', wanted: '2.0.0', usable: '>=1.5.0 <3.0.0', from: 'download' }]);
    expect(site.asked).toEqual([]);
  });
});

test('two that fill the cache at once get one folder', async () => {
  const add = (content: string) => addToCache(join(folder, 'cache'), { name: 'probe', key: '2.0.0-x', version: '2.0.0', origin: 'build' }, (target) => writeFile(join(target, 'probe'), content));
  const [a, b] = await Promise.all([add('same'), add('same')]);
  expect(a.path).toBe(b.path);
  expect(await readdir(join(folder, 'cache/tools/probe'))).toEqual(['2.0.0-x']);
});

test('a program that could not be made leaves nothing', async () => {
  await expect(addToCache(join(folder, 'cache'), { name: 'probe', key: 'k', version: '2.0.0', origin: 'build' }, () => Promise.reject(new Error('compile error')))).rejects.toThrow('compile error');
  expect(await readdir(join(folder, 'cache/tools/probe'))).toEqual([]);
});
