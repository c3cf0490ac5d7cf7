// SPDX-License-Identifier: Apache-2.0
// Locks as the emulated registry tells them.
import { createAcrEmulator } from '@pratique/lab';
import { buildManifest, createRegistry, emptyBlob, mediaTypes, staticCredentials, streamOf } from '@pratique/oci';
import { expect, test } from 'vitest';
import { readLocks } from './locks.ts';

test('a manifest and the tags that name it, each with its locks; other tags do not matter', async () => {
  const emulator = createAcrEmulator({ name: 'contoso.azurecr.io', accounts: [{ username: 'admin', password: 'p' }] });
  const oci = createRegistry({
    registry: 'contoso.azurecr.io', fetch: (input, init) => emulator.handle(new Request(input, init)), clock: { now: () => new Date(), sleep: () => Promise.resolve() },
    signal: new AbortController().signal, authenticator: staticCredentials('admin', 'p'),
  });
  const repository = oci.repository('team/app');
  await repository.writeBlob(emptyBlob.descriptor, async () => streamOf(emptyBlob.bytes));
  const push = (name: string, tag: string) => repository.writeManifest(buildManifest({ schemaVersion: 2, mediaType: mediaTypes.manifest, config: emptyBlob.descriptor, layers: [], annotations: { name } }), tag);
  const { digest } = await push('one', '1.0.0');
  await repository.tag(await repository.readManifest(digest), 'latest');
  await push('two', '2.0.0');
  const patch = (what: string, body: object) => oci.request({ method: 'PATCH', path: `/acr/v1/team%2Fapp/${what}`, scopes: ['repository:team/app:metadata_write'], headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  await patch(`_manifests/${digest}`, { deleteEnabled: false });
  await patch('_tags/1.0.0', { writeEnabled: false });
  const locks = await readLocks(oci, 'team/app', digest);
  expect(locks.manifest).toEqual({ write: true, delete: false, read: true });
  expect([...locks.tags]).toEqual([['1.0.0', { write: false, delete: true, read: true }], ['latest', { write: true, delete: true, read: true }]]);
  await expect(readLocks(oci, 'team/none', digest)).rejects.toMatchObject({ code: 'REGISTRY_NOT_FOUND' });
});
