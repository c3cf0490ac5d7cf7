// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFiles } from './files.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'files-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('files', () => {
  test.each([
    ['text', 'content'],
    ['bytes', new TextEncoder().encode('content')],
    ['a stream', new Blob(['con', 'tent']).stream()],
  ])('%s is written whole and read back, from any place', async (_, content) => {
    const files = createFiles(folder);
    await files.write('a/b', content);
    const opened = await files.open('a/b');
    if (opened?.kind !== 'file') throw new Error('a file was expected');
    expect(opened.size).toBe(7);
    expect(new TextDecoder().decode(await opened.bytes())).toBe('content');
    expect(await new Response(opened.stream(3)).text()).toBe('tent');
  });

  test('a stream that breaks leaves the old content and nothing else', async () => {
    const files = createFiles(folder);
    await files.write('a', 'old');
    let first = true;
    const breaking = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (first) controller.enqueue(new Uint8Array(3));
        else controller.error(new Error('broken'));
        first = false;
      },
    });
    await expect(files.write('a', breaking)).rejects.toThrow('broken');
    expect(await readdir(folder)).toEqual(['a']);
    const opened = await files.open('a');
    expect(opened?.kind === 'file' && new TextDecoder().decode(await opened.bytes())).toBe('old');
  });

  test('folders list sorted names; nothing there is undefined; removing it is no error', async () => {
    const files = createFiles(folder);
    await files.write('d/z', '');
    await files.write('d/a', '');
    expect(await files.open('d')).toEqual({ kind: 'folder', entries: ['a', 'z'] });
    expect(await files.open('d/z/below-a-file')).toBeUndefined();
    await files.remove('d');
    await files.remove('d');
    expect(await files.open('d')).toBeUndefined();
  });
});

test('a file of many pieces is streamed whole, from any place, and can be left in the middle', async () => {
  const bytes = randomBytes(2.5 * 2 ** 20);
  await writeFile(join(folder, 'large'), bytes);
  const opened = await createFiles(folder).open('large');
  if (opened?.kind !== 'file') throw new Error('no file');
  expect(Buffer.from(await new Response(opened.stream()).bytes()).equals(bytes)).toBe(true);
  expect(Buffer.from(await new Response(opened.stream(1_500_000)).bytes()).equals(bytes.subarray(1_500_000))).toBe(true);
  const reader = opened.stream().getReader();
  await reader.read();
  await reader.cancel();
  await rm(join(folder, 'large'));
  await expect(opened.stream().getReader().read()).rejects.toThrow('ENOENT');
});
