// SPDX-License-Identifier: Apache-2.0
// Microsoft's own client, @azure/container-registry, over TLS against the emulator in ABAC mode: every member that it has.
import { Readable } from 'node:stream';
import { ContainerRegistryClient, ContainerRegistryContentClient, KnownManifestMediaType, type RegistryArtifact } from '@azure/container-registry';
import { createAcrEmulator, createAuthority, serve, type AcrEmulator, type Served } from '@pratique/lab';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const repository = 'library/hello-world';
let emulator: AcrEmulator;
let served: Served;
let blobs: Served;
let clientOptions: { audience: string; tlsOptions: { ca: string } };

/** A credential whose tokens the emulator takes as those of `principal`. */
const credentialOf = (principal: string): { getToken(): Promise<{ token: string; expiresOnTimestamp: number }> } => ({
  getToken: async () => ({ token: `entra:${principal}`, expiresOnTimestamp: Date.now() + 3_600_000 }),
});
const client = (principal: string): ContainerRegistryClient => new ContainerRegistryClient(served.url, credentialOf(principal), clientOptions);
const contentClient = (principal: string): ContainerRegistryContentClient => new ContainerRegistryContentClient(served.url, repository, credentialOf(principal), clientOptions);

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

async function push(tag: string, content: string): Promise<string> {
  const writer = contentClient('owner');
  const config = await writer.uploadBlob(Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', tag })));
  const layer = await writer.uploadBlob(Readable.from([Buffer.from(content)]));
  const manifest = {
    schemaVersion: 2, config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: config.digest, size: config.sizeInBytes },
    layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: layer.digest, size: layer.sizeInBytes }],
  };
  return (await writer.setManifest(manifest, { tag, mediaType: KnownManifestMediaType.OciImageManifest })).digest;
}

async function failure(work: Promise<unknown>): Promise<{ statusCode?: number; details?: unknown }> {
  return work.then(() => ({}), (error: { statusCode?: number; details?: unknown }) => error);
}

beforeAll(async () => {
  const authority = await createAuthority();
  const tls = await authority.issue(['127.0.0.1']);
  emulator = createAcrEmulator({
    verifyEntraToken: (token) => (token.startsWith('entra:') ? { principal: token.slice(6), tenant: 'tenant' } : undefined),
    assignments: [
      { principal: 'owner', role: 'Container Registry Repository Contributor' },
      { principal: 'owner', role: 'Container Registry Repository Catalog Lister' },
      { principal: 'reader', role: 'Container Registry Repository Reader', prefix: 'library/' },
    ],
  });
  served = await serve(emulator.handle, { tls });
  blobs = await serve(emulator.blobHandler, { tls });
  Object.assign(emulator.settings, { name: new URL(served.url).host, blobRedirect: blobs.url });
  clientOptions = { audience: 'https://containerregistry.azure.net', tlsOptions: { ca: authority.certificate } };
});
afterAll(async () => {
  await served.close();
  await blobs.close();
  await emulator.close();
});

describe('@azure/container-registry', () => {
  test('pushes and pulls, the blob by way of the second host', async () => {
    const digest = await push('v1', 'layer of v1');
    const reader = contentClient('reader');
    const pulled = await reader.getManifest('v1');
    expect([pulled.digest, pulled.mediaType]).toEqual([digest, KnownManifestMediaType.OciImageManifest]);
    const layer = (pulled.manifest as { layers: { digest: string }[] }).layers[0]?.digest ?? '';
    const chunks = await collect((await reader.downloadBlob(layer)).content as Readable);
    expect(Buffer.concat(chunks as Buffer[]).toString()).toBe('layer of v1');
  });

  test('uploads a blob of several chunks of its own', async () => {
    const bytes = Buffer.alloc(9 * 1024 * 1024, 'pratique');
    const { digest, sizeInBytes } = await contentClient('owner').uploadBlob(Readable.from([bytes]));
    expect(sizeInBytes).toBe(bytes.length);
    const { content } = await contentClient('owner').downloadBlob(digest);
    expect(Buffer.concat((await collect(content as Readable)) as Buffer[]).equals(bytes)).toBe(true);
  });

  test('lists repositories, manifests and tags through all pages', async () => {
    for (const tag of ['a', 'b', 'c']) await push(tag, `layer of ${tag}`);
    expect(await collect(client('owner').listRepositoryNames())).toEqual([repository]);
    const pages = await collect(client('owner').getRepository(repository).listManifestProperties({ order: 'LastUpdatedOnDescending' }).byPage({ maxPageSize: 2 }));
    expect(pages.map((page) => page.length)).toEqual([2, 2]);
    expect(pages[0]?.[0]).toMatchObject({ repositoryName: repository, architecture: 'amd64', operatingSystem: 'linux', tags: ['c'], canDelete: true });
    const tags = await collect(client('owner').getArtifact(repository, 'a').listTagProperties());
    expect(tags.map((tag) => tag.name)).toEqual(['a', 'b', 'c', 'v1']);
  });

  test('reads properties of repository, manifest and tag', async () => {
    const digest = await push('p', 'layer of p');
    const artifact = client('reader').getArtifact(repository, 'p');
    expect(await artifact.getManifestProperties()).toMatchObject({ digest, tags: ['p'], canWrite: true });
    expect((await artifact.getTagProperties('p')).createdOn).toBeInstanceOf(Date);
    const properties = await client('reader').getRepository(repository).getProperties();
    expect(properties).toMatchObject({ name: repository, registryLoginServer: new URL(served.url).host, canRead: true });
    expect(properties.lastUpdatedOn.getTime()).toBeGreaterThan(Date.now() - 60_000);
  });

  test('locks, and is refused by the lock; unlocks, untags and deletes', async () => {
    const digest = await push('lock', 'layer of lock');
    const artifact = client('owner').getArtifact(repository, digest);
    expect(await artifact.updateManifestProperties({ canDelete: false, canWrite: false })).toMatchObject({ canDelete: false, canWrite: false });
    const refused = await failure(artifact.delete());
    expect([refused.statusCode, refused.details]).toMatchObject([405, { errors: [{ code: 'REGISTRY_DISALLOWED_OPERATION' }] }]);
    await artifact.updateManifestProperties({ canDelete: true, canWrite: true });
    await artifact.updateTagProperties('lock', { canDelete: false });
    expect((await failure(artifact.deleteTag('lock'))).statusCode).toBe(405);
    await artifact.updateTagProperties('lock', { canDelete: true });
    await artifact.deleteTag('lock');
    expect((await failure(artifact.getTagProperties('lock'))).details).toMatchObject({ errors: [{ code: 'TAG_UNKNOWN' }] });
    await artifact.delete();
    expect((await failure(artifact.getManifestProperties())).statusCode).toBe(404);
  });

  test('a role that is missing is 401 insufficient_scope, once', async () => {
    const denied: [string, (artifact: RegistryArtifact) => Promise<unknown>][] = [['delete', (artifact) => artifact.delete()], ['write', (artifact) => artifact.updateTagProperties('v1', { canWrite: false })]];
    for (const [, work] of denied) expect((await failure(work(client('reader').getArtifact(repository, 'v1')))).statusCode).toBe(401);
    expect((await failure(collect(client('reader').listRepositoryNames()))).statusCode).toBe(401);
  });

  test('waits out a 429', async () => {
    emulator.faults.add({ method: 'GET', path: '/acr/v1/library/hello-world$', action: { kind: 'status', status: 429, headers: { 'retry-after': '1' }, body: { errors: [{ code: 'TOOMANYREQUESTS', message: 'slow down' }] } } });
    expect((await client('reader').getRepository(repository).getProperties()).name).toBe(repository);
    emulator.faults.clear();
  });

  test('anonymous access needs no credential, and deletes nothing', async () => {
    emulator.settings.anonymousPull = true;
    const nobody = new ContainerRegistryClient(served.url, clientOptions).getArtifact(repository, 'v1');
    expect((await nobody.getTagProperties('v1')).name).toBe('v1');
    expect((await failure(nobody.deleteTag('v1'))).statusCode).toBe(401);
    emulator.settings.anonymousPull = false;
  });

  test('deletes a repository and all in it', async () => {
    await client('owner').getRepository(repository).delete();
    expect((await failure(client('owner').getRepository(repository).getProperties())).statusCode).toBe(404);
    await client('owner').deleteRepository(repository);
  });
});
