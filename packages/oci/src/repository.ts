// SPDX-License-Identifier: Apache-2.0
// One repository: manifests by digest and tag; blobs, referrers and lists are put together from their own files.
import { Failure, isDigest, retry, type Digest } from '@pratique/core';
import type { Repository } from './content.ts';
import { isManifestType, manifestLimit, mediaTypes, type Descriptor, type Manifest } from './descriptor.ts';
import { downloadBlob } from './download.ts';
import type { HttpReply } from './exchange.ts';
import { hashBytes, readManifestBytes } from './manifest.ts';
import { createReferrers } from './referrers.ts';
import { isTag } from './reference.ts';
import { repositoryScope } from './scope.ts';
import type { Serializer } from './serializer.ts';
import { listTags } from './tags.ts';
import type { Transport } from './transport.ts';
import { uploadBlob } from './upload.ts';
import { readAll } from './verified-stream.ts';

/** What a repository is made of. */
export interface RepositoryParts {
  readonly transport: Transport;
  readonly registry: string;
  readonly name: string;
  readonly serialize: Serializer;
}

const acceptManifests = [mediaTypes.index, mediaTypes.manifest, mediaTypes.dockerIndex, mediaTypes.dockerManifest].join(', ');
const smallBlobLimit = 64 * 1024 * 1024;

/** One repository over `transport`. */
export function createRepository(parts: RepositoryParts): Repository {
  const { transport, registry, name } = parts;
  const path = (reference: string): string => `/v2/${name}/manifests/${checkReference(reference)}`;
  const pull = [repositoryScope(name, 'pull')];
  const push = [repositoryScope(name, 'pull,push')];
  const where = (reference: string): string => `${registry}/${name}${isDigest(reference) ? '@' : ':'}${reference}`;

  // A body that breaks off is asked for again, in the budget of a call that is not answered.
  const readManifest = (reference: string): Promise<Manifest> => retry(async () => {
    const reply = await transport.send({ method: 'GET', path: path(reference), scopes: pull, headers: { accept: acceptManifests }, attempts: 1 });
    return readReply(reply, reference, where(reference));
  }, transport);

  const resolve = async (reference: string): Promise<Descriptor | undefined> => {
    const reply = await transport.send({ method: 'HEAD', path: path(reference), scopes: pull, headers: { accept: acceptManifests }, accept: [200, 404, 405] });
    await reply.discard();
    if (reply.status === 404) return undefined;
    // Some registries leave out a header on HEAD; then the manifest itself says what it is. A refusal of HEAD has no body: only GET tells a lock from quarantine.
    return (reply.status === 200 ? readHead(reply, reference) : undefined) ?? (await readManifest(reference)).descriptor;
  };

  const put = async (bytes: Uint8Array, mediaType: string, reference: string): Promise<HttpReply> => {
    const digest = isDigest(reference) ? reference : hashBytes(bytes);
    const reply = await transport.send({ method: 'PUT', path: path(reference), scopes: push, headers: { 'content-type': mediaType }, body: bytes });
    await reply.discard();
    const stored = reply.headers.get('docker-content-digest');
    if (stored === null || stored === digest || !isDigest(stored) || stored === hashBytes(bytes, stored)) return reply;
    throw new Failure({ code: 'REGISTRY_DIGEST_MISMATCH', message: `${where(reference)}: the registry stored other bytes than were sent`, facts: { sent: digest, stored } });
  };

  const referrers = createReferrers(parts, { readManifest, put });

  const writeManifest: Repository['writeManifest'] = async ({ bytes, mediaType }, tag) => {
    const manifest = readManifestBytes(bytes, { mediaType, what: `a manifest for ${registry}/${name}` });
    const reply = await put(bytes, manifest.descriptor.mediaType, manifest.descriptor.digest);
    if (manifest.content.subject !== undefined) await referrers.ensureListed(manifest, reply.headers.get('oci-subject'));
    if (tag !== undefined) await put(bytes, manifest.descriptor.mediaType, tag);
    return manifest.descriptor;
  };

  const readBlob: Repository['readBlob'] = (descriptor) => downloadBlob(transport, name, descriptor);
  return {
    registry, name, origin: { registry, repository: name },
    readManifest, resolve, writeManifest, readBlob,
    readSmallBlob: async (descriptor, limit = smallBlobLimit) => readAll(await readBlob(refuseLarge(descriptor, limit)), limit, (where(descriptor.digest))),
    hasManifest: (digest) => hasManifest(readManifest, digest),
    hasBlob: (descriptor) => hasBlob(transport, name, descriptor),
    writeBlob: (descriptor, open, mountFrom) => uploadBlob({ transport, name, descriptor, open, ...(mountFrom === undefined ? {} : { mountFrom }), exists: () => hasBlob(transport, name, descriptor) }),
    listTags: () => listTags(transport, name),
    listReferrers: (digest, artifactType) => referrers.list(digest, artifactType),
    async deleteManifest(digest) {
      const unlist = await referrers.prepareUnlisting(digest);
      const reply = await transport.send({ method: 'DELETE', path: path(digest), scopes: [repositoryScope(name, 'delete')], accept: [200, 202, 204, 404] });
      await reply.discard();
      await unlist();
    },
    tag: async (manifest, tag) => void (await put(manifest.bytes, manifest.descriptor.mediaType, tag)),
  };
}

function checkReference(reference: string): string {
  if (isDigest(reference) || isTag(reference)) return reference;
  throw new Failure({ code: 'INPUT_INVALID', message: `"${reference}" is neither a tag nor a digest` });
}

function refuseLarge(descriptor: Descriptor, limit: number): Descriptor {
  if (descriptor.size <= limit) return descriptor;
  throw new Failure({ code: 'REGISTRY_TOO_LARGE', message: `the blob ${descriptor.digest} has ${descriptor.size} bytes; at most ${limit} are accepted here` });
}

async function readReply(reply: HttpReply, reference: string, what: string): Promise<Manifest> {
  const bytes = await reply.bytes(manifestLimit);
  const stated = reply.headers.get('docker-content-digest');
  const digest: Digest | undefined = isDigest(reference) ? reference : isDigest(stated) ? stated : undefined;
  const mediaType = typeOf(reply);
  return readManifestBytes(bytes, { what, ...(digest === undefined ? {} : { digest }), ...(mediaType === undefined ? {} : { mediaType }) });
}

function typeOf(reply: HttpReply): string | undefined {
  return reply.headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
}

function readHead(reply: HttpReply, reference: string): Descriptor | undefined {
  const digest = reply.headers.get('docker-content-digest');
  const size = Number(reply.headers.get('content-length') ?? NaN);
  const mediaType = typeOf(reply);
  if (!isDigest(digest) || mediaType === undefined || !isManifestType(mediaType) || !Number.isSafeInteger(size) || size <= 0) return undefined;
  if (isDigest(reference) && digest !== reference) return undefined;
  return { mediaType, digest, size };
}

// By GET, though HEAD would do: Node's fetch ends the connection after each HEAD (undici, client-h1.js: kReset), and opening new ones costs more than a manifest.
async function hasManifest(readManifest: Repository['readManifest'], digest: Digest): Promise<boolean> {
  try {
    await readManifest(digest);
    return true;
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === 'REGISTRY_NOT_FOUND') return false;
    throw thrown;
  }
}

async function hasBlob(transport: Transport, name: string, descriptor: Descriptor): Promise<boolean> {
  const reply = await transport.send({ method: 'HEAD', path: `/v2/${name}/blobs/${descriptor.digest}`, scopes: [repositoryScope(name, 'pull')], accept: [200, 404] });
  await reply.discard();
  const size = reply.headers.get('content-length');
  return reply.status === 200 && (size === null || Number(size) === descriptor.size);
}
