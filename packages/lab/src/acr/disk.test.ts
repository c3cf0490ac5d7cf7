// SPDX-License-Identifier: Apache-2.0
// The folder: a restart finds everything, a kill leaves only temporary files, two processes do not share it.
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { attach, createTrial, pushBlob, pushImage, readJson, type Trial } from './test-trial.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'acr-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));
const start = (): Trial => createTrial({ anonymous: true, storage: { folder } });
const filesIn = async (path: string): Promise<string[]> => (await readdir(join(folder, path), { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => entry.name);

describe('folder', () => {
  test('a restart finds tags, manifests, blobs, referrers and locks', async () => {
    const first = start();
    const digest = await pushImage(first.call, 'deep/er/app', { seed: '1', tag: 'v1' });
    await attach(first.call, 'deep/er/app', digest, { seed: '2', artifactType: 'application/x' });
    const blob = await pushBlob(first.call, 'deep', new TextEncoder().encode('lonely'));
    await first.call('/acr/v1/deep%2Fer%2Fapp/_tags/v1', { method: 'PATCH', body: '{"writeEnabled":false}' });
    const before = await readJson(await first.call('/acr/v1/deep%2Fer%2Fapp/_manifests'));
    await first.emulator.close();
    const { call, emulator } = start();
    expect(await readJson(await call('/acr/v1/deep%2Fer%2Fapp/_manifests'))).toEqual(before);
    expect((await call('/v2/deep/er/app/manifests/v1')).headers.get('docker-content-digest')).toBe(digest);
    expect((await readJson(await call(`/v2/deep/er/app/referrers/${digest}`)))['manifests']).toHaveLength(1);
    expect((await call(`/v2/deep/blobs/${blob.digest}`)).status).toBe(200);
    expect((await call('/acr/v1/deep%2Fer%2Fapp/_tags/v1', { method: 'DELETE' })).status).toBe(405);
    await emulator.close();
  });

  test('content goes with its last link, also when two repositories share it', async () => {
    const { call, emulator } = start();
    const digest = await pushImage(call, 'a', { seed: '1' });
    await pushImage(call, 'b', { seed: '1' });
    await call('/acr/v1/a', { method: 'DELETE' });
    expect((await call(`/v2/b/manifests/${digest}`)).status).toBe(200);
    expect(await filesIn('content')).toHaveLength(3);
    await call('/acr/v1/b', { method: 'DELETE' });
    expect(await filesIn('content')).toEqual([]);
    await emulator.close();
  });

  test('parallel pushes and deletions of the same content leave what was pushed last', async () => {
    const { call, emulator } = start();
    const bytes = new TextEncoder().encode('contended');
    for (let round = 0; round < 20; round += 1) {
      const { digest } = await pushBlob(call, 'a', bytes);
      await Promise.all([call(`/v2/a/blobs/${digest}`, { method: 'DELETE' }), pushBlob(call, 'b', bytes)]);
      expect((await call(`/v2/b/blobs/${digest}`)).status).toBe(200);
      expect(await (await call(`/v2/b/blobs/${digest}`)).text()).toBe('contended');
      await call(`/v2/b/blobs/${digest}`, { method: 'DELETE' });
    }
    await emulator.close();
  });

  test('a second opener, and a folder of other things, are LAB_DATA_INVALID', async () => {
    const { emulator } = start();
    await emulator.open();
    await expect(start().emulator.open()).rejects.toMatchObject({ code: 'LAB_DATA_INVALID' });
    await emulator.close();
    await start().emulator.open();
    const other = await mkdtemp(join(tmpdir(), 'acr-'));
    await writeFile(join(other, 'thesis.doc'), 'precious');
    await expect(createTrial({ storage: { folder: other } }).emulator.open()).rejects.toMatchObject({ code: 'LAB_DATA_INVALID' });
    await rm(other, { recursive: true });
  });

  test('killed in the middle of uploads: the next start removes what is temporary and serves what was answered', async () => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'test-disk-writer.ts'), folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    let answered = '';
    const seen = Promise.withResolvers<void>();
    child.stdout.on('data', (chunk: Buffer) => {
      answered += chunk.toString();
      if (answered.split('\n').length > 30) seen.resolve();
    });
    await seen.promise;
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('close', resolve));
    const { call, emulator } = start();
    await emulator.open();
    expect(await readdir(join(folder, 'temporary'))).toEqual([]);
    for (const line of answered.split('\n').slice(0, -1)) {
      const [tag = '', digest = ''] = line.split(' ');
      const reply = await call(`/v2/app/manifests/${tag}`);
      expect([tag, reply.headers.get('docker-content-digest')]).toEqual([tag, digest]);
      const { layers } = (await readJson(reply)) as { layers: { digest: string }[] };
      expect((await call(`/v2/app/blobs/${layers[0]?.digest}`)).status).toBe(200);
    }
    await emulator.close();
  });
});
