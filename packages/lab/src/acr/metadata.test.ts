// SPDX-License-Identifier: Apache-2.0
// /acr/v1 and locks: shapes as recorded from the service, and what each lock forbids.
import { describe, expect, test } from 'vitest';
import { attach, createTrial, errorCode, pushImage, putManifest, readJson, type Call } from './test-trial.ts';

const name = 'library/hello-world';
const base = '/acr/v1/library%2Fhello-world';
const patch = (call: Call, path: string, body: object): Promise<Response> => call(path, { method: 'PATCH', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$/);
const attributes = { deleteEnabled: true, writeEnabled: true, readEnabled: true, listEnabled: true };

describe('shapes', () => {
  test('repository, tag and manifest', async () => {
    const { call } = createTrial({ anonymous: true });
    const digest = await pushImage(call, name, { seed: '1', tag: 'v1' });
    const head = { registry: 'trial.azurecr.io', imageName: name };
    expect(await readJson(await call(base))).toMatchObject({ ...head, createdTime: time, lastUpdateTime: time, manifestCount: 1, tagCount: 1, changeableAttributes: attributes });
    expect(await readJson(await call(`${base}/_tags/v1`))).toEqual({
      ...head, tag: { name: 'v1', digest, createdTime: time, lastUpdateTime: time, signed: false, changeableAttributes: attributes },
    });
    const manifest = (await readJson(await call(`${base}/_manifests/${encodeURIComponent(digest)}`)))['manifest'];
    expect(manifest).toMatchObject({
      digest, architecture: 'amd64', os: 'linux', mediaType: 'application/vnd.oci.image.manifest.v1+json', configMediaType: 'application/vnd.oci.image.config.v1+json', tags: ['v1'],
    });
  });

  test('untagged manifests have no tags member; an index names its children with their platforms', async () => {
    const { call } = createTrial({ anonymous: true });
    const child = await pushImage(call, name, { seed: '1' });
    const index = await putManifest(call, name, { manifests: [{ mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: child, size: 1, platform: { os: 'linux', architecture: 'arm64' } }] }, 'v1');
    const list = (await readJson(await call(`${base}/_manifests`)))['manifests'] as Record<string, unknown>[];
    expect(list.find((item) => item['digest'] === child)).not.toHaveProperty('tags');
    expect(list.find((item) => item['digest'] === index.digest)).toMatchObject({ tags: ['v1'], references: [{ digest: child, architecture: 'arm64', os: 'linux' }] });
  });

  test('unknown repository, tag and manifest', async () => {
    const { call } = createTrial({ anonymous: true });
    expect(await readJson(await call(base))).toEqual({ errors: [{ code: 'NAME_UNKNOWN', message: 'repository name not known to registry', detail: { name } }] });
    await pushImage(call, name, { seed: '1' });
    expect(await readJson(await call(`${base}/_tags/v9`))).toEqual({ errors: [{ code: 'TAG_UNKNOWN', message: 'the specified tag does not exist' }] });
    expect(await errorCode(await call(`${base}/_manifests/sha256%3A${'0'.repeat(64)}`))).toBe('MANIFEST_UNKNOWN');
  });

  test('lists come in pages whose link repeats the order; by time as well as by name', async () => {
    const { call } = createTrial({ anonymous: true });
    for (const tag of ['b', 'c', 'a']) await pushImage(call, name, { seed: tag, tag });
    const tags = async (query: string): Promise<string[]> => ((await readJson(await call(`${base}/_tags${query}`)))['tags'] as { name: string }[]).map((tag) => tag.name);
    expect(await tags('')).toEqual(['a', 'b', 'c']);
    expect(await tags('?orderby=timeasc')).toEqual(['b', 'c', 'a']);
    const first = await call(`${base}/_tags?n=2&orderby=timedesc`);
    expect(first.headers.get('link')).toBe('</acr/v1/library%2Fhello-world/_tags?last=c&n=2&orderby=timedesc>; rel="next"');
    expect(await tags('?last=c&n=2&orderby=timedesc')).toEqual(['b']);
    await pushImage(call, 'another', { seed: 'x' });
    expect((await call('/acr/v1/_catalog?n=1')).headers.get('link')).toBe('</acr/v1/_catalog?last=another&n=1&orderby=>; rel="next"');
  });

  test('untag leaves the manifest; deleting the repository leaves nothing', async () => {
    const { call } = createTrial({ anonymous: true });
    const digest = await pushImage(call, name, { seed: '1', tag: 'v1' });
    const untagged = await call(`${base}/_tags/v1`, { method: 'DELETE' });
    expect([untagged.status, untagged.headers.get('x-ms-int-docker-content-digest')]).toEqual([202, digest]);
    expect((await call(`/v2/${name}/manifests/${digest}`)).status).toBe(200);
    const gone = await call(base, { method: 'DELETE' });
    expect([gone.status, await readJson(gone)]).toEqual([202, { manifestsDeleted: [digest], tagsDeleted: [] }]);
    expect((await call(base)).status).toBe(404);
    expect((await readJson(await call('/v2/_catalog')))['repositories']).toEqual([]);
  });
});

describe('locks', () => {
  const operations: Record<string, (call: Call, digest: string) => Promise<Response>> = {
    pull: (call) => call(`/v2/${name}/manifests/v1`),
    move: async (call) => (await putManifest(call, name, { annotations: { moved: 'yes' }, config: await emptyConfig(call), layers: [] }, 'v1')).reply,
    untag: (call) => call(`${base}/_tags/v1`, { method: 'DELETE' }),
    delete: (call, digest) => call(`/v2/${name}/manifests/${digest}`, { method: 'DELETE' }),
  };
  async function emptyConfig(call: Call): Promise<object> {
    const bytes = new TextEncoder().encode('{}');
    const digest = `sha256:${Buffer.from(await crypto.subtle.digest('SHA-256', bytes)).toString('hex')}`;
    await call(`/v2/${name}/blobs/uploads/?digest=${digest}`, { method: 'POST', body: bytes });
    return { mediaType: 'application/vnd.oci.empty.v1+json', digest, size: 2 };
  }

  test.each([
    ['tag', { writeEnabled: false }, ['move', 'untag', 'delete']],
    ['tag', { deleteEnabled: false }, ['untag', 'delete']],
    ['tag', { readEnabled: false }, ['pull']],
    ['manifest', { writeEnabled: false }, ['delete']],
    ['manifest', { deleteEnabled: false }, ['delete']],
    ['manifest', { readEnabled: false }, ['pull']],
    ['repository', { writeEnabled: false }, ['move', 'untag', 'delete']],
    ['repository', { deleteEnabled: false }, ['untag', 'delete']],
    ['repository', { readEnabled: false }, ['pull']],
  ] as const)('%s %o forbids %o', async (object, lock, forbidden) => {
    for (const [operation, run] of Object.entries(operations)) {
      const { call } = createTrial({ anonymous: true });
      const digest = await pushImage(call, name, { seed: '1', tag: 'v1' });
      await emptyConfig(call);
      const path = { tag: `${base}/_tags/v1`, manifest: `${base}/_manifests/${digest}`, repository: base }[object];
      const set = await readJson(await patch(call, path, lock));
      expect(JSON.stringify(set)).toContain(JSON.stringify(lock).slice(1, -1));
      const reply = await run(call, digest);
      const isForbidden = (forbidden as readonly string[]).includes(operation);
      expect([operation, reply.status === 405]).toEqual([operation, isForbidden]);
      if (isForbidden) expect(await errorCode(reply)).toBe('REGISTRY_DISALLOWED_OPERATION');
    }
  });

  test('listEnabled=false hides from lists only', async () => {
    const { call } = createTrial({ anonymous: true });
    await pushImage(call, name, { seed: '1', tag: 'v1' });
    await patch(call, `${base}/_tags/v1`, { listEnabled: false });
    expect((await readJson(await call(`/v2/${name}/tags/list`)))['tags']).toEqual([]);
    expect((await call(`/v2/${name}/manifests/v1`)).status).toBe(200);
  });

  test('a locked manifest may get another tag, and locks can be taken off', async () => {
    const { call } = createTrial({ anonymous: true });
    const digest = await pushImage(call, name, { seed: '1', tag: 'v1' });
    await patch(call, `${base}/_manifests/${digest}`, { writeEnabled: false, deleteEnabled: false });
    expect(await pushImage(call, name, { seed: '1', tag: 'latest' })).toBe(digest);
    await patch(call, `${base}/_manifests/${digest}`, { writeEnabled: true, deleteEnabled: true });
    expect((await call(`/v2/${name}/manifests/${digest}`, { method: 'DELETE' })).status).toBe(202);
  });

  test('deleting a subject takes its referrers of every level, unless one of them is locked', async () => {
    const { call } = createTrial({ anonymous: true });
    const digest = await pushImage(call, name, { seed: '1', tag: 'v1' });
    const signature = await attach(call, name, digest, { seed: '2', artifactType: 'application/signature' });
    const second = await attach(call, name, signature, { seed: '3', artifactType: 'application/countersignature' });
    await patch(call, `${base}/_manifests/${second}`, { deleteEnabled: false });
    expect((await call(`/v2/${name}/manifests/${digest}`, { method: 'DELETE' })).status).toBe(405);
    await patch(call, `${base}/_manifests/${second}`, { deleteEnabled: true });
    expect((await call(`/v2/${name}/manifests/${digest}`, { method: 'DELETE' })).status).toBe(202);
    for (const gone of [digest, signature, second]) expect((await call(`/v2/${name}/manifests/${gone}`)).status).toBe(404);
  });

  test('a body that is not an object, an attribute that is not a boolean', async () => {
    const { call } = createTrial({ anonymous: true });
    await pushImage(call, name, { seed: '1', tag: 'v1' });
    expect((await patch(call, base, { writeEnabled: 'no' })).status).toBe(400);
    expect((await call(base, { method: 'PATCH', body: '[' })).status).toBe(400);
  });
});
