// SPDX-License-Identifier: Apache-2.0
// The distribution client over real sockets: TLS, Node's fetch, blobs on a second host, connections that break.
import { randomFillSync } from 'node:crypto';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { createAcrEmulator, createAuthority, serve, type AcrEmulator, type Served } from '@pratique/lab';
import { buildManifest, createRegistry, emptyBlob, hashBytes, mediaTypes, staticCredentials, streamOf, type Descriptor, type Repository } from '@pratique/oci';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

const defaults = getCACertificates('default');
const MiB = 1024 * 1024;
let emulator: AcrEmulator;
let served: Served;
let storage: Served;
let repository: Repository;
let storageAuthorization: (string | null)[] = [];

beforeAll(async () => {
  const authority = await createAuthority();
  setDefaultCACertificates([...defaults, authority.certificate]);
  const tls = await authority.issue(['127.0.0.1', 'localhost']);
  storage = await serve((request) => { storageAuthorization.push(request.headers.get('authorization')); return emulator.blobHandler(request); }, { tls });
  served = await serve((request) => emulator.handle(request), { tls });
  emulator = createAcrEmulator({ name: `127.0.0.1:${served.port}`, blobRedirect: storage.url, accounts: [{ username: 'admin', password: 'admin-password' }] });
  repository = createRegistry({
    registry: `127.0.0.1:${served.port}`, fetch, signal: new AbortController().signal, authenticator: staticCredentials('admin', 'admin-password'),
    clock: { now: () => new Date(), sleep: () => Promise.resolve() },
  }).repository('acme/web');
});
afterAll(async () => {
  await Promise.all([served.close(), storage.close()]);
  setDefaultCACertificates(defaults);
});
afterEach(() => {
  emulator.faults.clear();
  storageAuthorization = [];
});

const blob = (size: number): { bytes: Uint8Array; descriptor: Descriptor; open: () => Promise<ReadableStream<Uint8Array>> } => {
  const bytes = randomFillSync(new Uint8Array(size));
  const pieces = (): ReadableStream<Uint8Array> => {
    let offset = 0;
    return new ReadableStream({ pull: (controller) => { if (offset >= size) controller.close(); else controller.enqueue(bytes.slice(offset, (offset += 64 * 1024))); } });
  };
  return { bytes, descriptor: { mediaType: mediaTypes.layer, digest: hashBytes(bytes), size }, open: () => Promise.resolve(size === 0 ? streamOf(bytes) : pieces()) };
};

describe('blobs', () => {
  test.each([['nothing', 0], ['one byte', 1], ['5 MiB', 5 * MiB], ['33 MiB in chunks', 33 * MiB]])('%s goes there and comes back, from storage without Authorization', async (_, size) => {
    const { bytes, descriptor, open } = blob(size);
    await expect(repository.writeBlob(descriptor, open)).resolves.toBe('uploaded');
    await expect(repository.readSmallBlob(descriptor).then((found) => hashBytes(found))).resolves.toBe(hashBytes(bytes));
    expect(storageAuthorization).toEqual([null]);
  });
  test.each([
    ['the PUT of a small one', 3 * MiB, { method: 'PUT', path: '/blobs/uploads/', action: { kind: 'reset', afterBytes: MiB, side: 'request' } }],
    ['a chunk of a large one', 40 * MiB, { method: 'PATCH', path: '/blobs/uploads/', nth: 2, action: { kind: 'reset', afterBytes: MiB, side: 'request' } }],
    ['the answer to a chunk', 40 * MiB, { method: 'PATCH', path: '/blobs/uploads/', nth: 2, action: { kind: 'status', status: 502 } }],
    ['the beginning', 3 * MiB, { method: 'POST', path: '/blobs/uploads/', action: { kind: 'reset' } }],
  ] as const)('an upload heals when %s breaks', async (_, size, fault) => {
    const { descriptor, open } = blob(size);
    emulator.faults.add(fault);
    await expect(repository.writeBlob(descriptor, open)).resolves.toBe('uploaded');
    expect(emulator.faults.list()[0]?.matched).toBeGreaterThan(0);
    await expect(repository.hasBlob(descriptor)).resolves.toBe(true);
  });
  test('a download heals when storage breaks off in the middle', async () => {
    const { bytes, descriptor, open } = blob(3 * MiB);
    await repository.writeBlob(descriptor, open);
    emulator.faults.add({ method: 'GET', path: '', nth: 2, action: { kind: 'reset', afterBytes: 2 * MiB, side: 'response' } });
    await expect(repository.readSmallBlob(descriptor).then((found) => hashBytes(found))).resolves.toBe(hashBytes(bytes));
    expect(storageAuthorization).toEqual([null, null]);
  });
  test('a byte that storage damages is noticed', async () => {
    const { descriptor, open } = blob(MiB);
    await repository.writeBlob(descriptor, open);
    emulator.faults.add({ method: 'GET', path: '', nth: 2, action: { kind: 'corrupt', at: 7 } });
    await expect(repository.readSmallBlob(descriptor)).rejects.toMatchObject({ code: 'REGISTRY_DIGEST_MISMATCH' });
  });
});

test('a certificate that nobody vouches for is told as such and not tried again', async () => {
  const other = await createAuthority();
  const untrusted = await serve((request) => emulator.handle(request), { tls: await other.issue(['127.0.0.1']) });
  const stranger = createRegistry({ registry: `127.0.0.1:${untrusted.port}`, fetch, signal: new AbortController().signal, clock: { now: () => new Date(), sleep: () => Promise.reject(new Error('no wait')) } });
  await expect(stranger.repository('a').resolve('v1')).rejects.toMatchObject({ code: 'REGISTRY_PROTOCOL', hint: expect.stringContaining('NODE_EXTRA_CA_CERTS') as string });
  await untrusted.close();
});

describe.each([['the API', true], ['the fallback index', false]])('referrers by %s', (_, referrers) => {
  test('are listed after concurrent pushes', async () => {
    emulator.settings.referrers = referrers;
    await repository.writeBlob(emptyBlob.descriptor, () => Promise.resolve(streamOf(emptyBlob.bytes)));
    const artifact = (kind: string, subject?: Descriptor) => buildManifest({ schemaVersion: 2, artifactType: kind, config: emptyBlob.descriptor, layers: [emptyBlob.descriptor], ...(subject ? { subject } : {}) }, mediaTypes.manifest);
    const subject = await repository.writeManifest(artifact(`x/subject-${referrers}`));
    await Promise.all(['x/a', 'x/b', 'x/c', 'x/d'].map((kind) => repository.writeManifest(artifact(kind, subject))));
    expect((await repository.listReferrers(subject.digest)).map((one) => one.artifactType)).toEqual(expect.arrayContaining(['x/a', 'x/b', 'x/c', 'x/d']));
    await expect(repository.listReferrers(subject.digest, 'x/c')).resolves.toHaveLength(1);
    emulator.settings.referrers = true;
  });
});
