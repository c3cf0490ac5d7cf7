// SPDX-License-Identifier: Apache-2.0
// What hangs on a manifest: the referrers API, and the fallback index `sha256-<hex>` where it is missing (distribution-spec 1.1, listing-referrers, referrers-tag-schema).
import { Failure, type Digest } from '@pratique/core';
import { mediaTypes, type Descriptor, type Manifest } from './descriptor.ts';
import { buildManifest, isDescriptor, referrerDescriptor } from './manifest.ts';
import { readPages } from './pages.ts';
import { repositoryScope } from './scope.ts';
import type { Serializer } from './serializer.ts';
import type { Transport } from './transport.ts';

/** The repository whose referrers these are. */
export interface ReferrersParts {
  readonly transport: Transport;
  readonly name: string;
  readonly serialize: Serializer;
}

/** Reading and writing manifests of the same repository. */
export interface ManifestAccess {
  readManifest(reference: string): Promise<Manifest>;
  put(bytes: Uint8Array, mediaType: string, reference: string): Promise<unknown>;
}

export interface Referrers {
  list(digest: Digest, artifactType?: string): Promise<Descriptor[]>;
  /** After a push: `answered` is the OCI-Subject header. Without it and without the API the fallback index is kept. */
  ensureListed(referrer: Manifest, answered: string | null): Promise<void>;
  /** Before a deletion; the result, called after it, takes the manifest out of the fallback index of its subject. */
  prepareUnlisting(digest: Digest): Promise<() => Promise<void>>;
}

const referrerLimit = 2000;
const rounds = 8;

/** Tag of the fallback index; algorithm and hex are cut to 32 and 64 characters as the specification says. */
export function fallbackTag(digest: Digest): string {
  const [algorithm = '', hex = ''] = digest.split(':');
  return `${algorithm.slice(0, 32)}-${hex.slice(0, 64)}`;
}

export function createReferrers(parts: ReferrersParts, manifests: ManifestAccess): Referrers {
  const { transport, name } = parts;

  const listByApi = (digest: Digest, artifactType: string | undefined): Promise<Descriptor[] | undefined> => readPages({
    transport, path: `/v2/${name}/referrers/${digest}${artifactType === undefined ? '' : `?artifactType=${encodeURIComponent(artifactType)}`}`,
    scopes: [repositoryScope(name, 'pull')], accept: mediaTypes.index, limit: referrerLimit, absent: [404, 405],
    read: ({ manifests: listed, schemaVersion }) => (schemaVersion === 2 && (listed === undefined || listed === null || Array.isArray(listed)) ? checkListed(listed ?? [], digest) : undefined),
  });

  const readFallback = async (digest: Digest): Promise<readonly Descriptor[]> => {
    try {
      const index = await manifests.readManifest(fallbackTag(digest));
      return checkListed(index.content.manifests ?? [], digest);
    } catch (thrown) {
      if (thrown instanceof Failure && thrown.code === 'REGISTRY_NOT_FOUND') return [];
      throw thrown;
    }
  };

  // /v2 has no conditional write: read, write, read again until it holds, twice in a row, so that a neighbour who read before we wrote is noticed.
  const change = (subject: Digest, holds: (listed: readonly Descriptor[]) => boolean, apply: (listed: readonly Descriptor[]) => readonly Descriptor[]): Promise<void> => parts.serialize(`${name}@${subject}`, async () => {
    let held = holds(await readFallback(subject)) ? 2 : 0;
    for (let round = 0; round < rounds && held < 2; round += 1) {
      if (held === 0) await writeFallback(subject, apply(await readFallback(subject)));
      else await transport.clock.sleep(0.1 + Math.random() * 0.4, transport.signal);
      held = holds(await readFallback(subject)) ? held + 1 : 0;
    }
    if (held < 2) throw new Failure({ code: 'REGISTRY_UNAVAILABLE', message: `the list of referrers of ${name}@${subject} does not come to rest: others keep writing it` });
  });

  const writeFallback = async (subject: Digest, listed: readonly Descriptor[]): Promise<void> => {
    const index = buildManifest({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: listed });
    await manifests.put(index.bytes, index.mediaType, fallbackTag(subject));
  };

  return {
    async list(digest, artifactType) {
      const listed = (await listByApi(digest, artifactType)) ?? (await readFallback(digest));
      const unique = [...new Map(listed.map((one) => [one.digest, one])).values()];
      return unique.filter((one) => artifactType === undefined || one.artifactType === artifactType);
    },
    async ensureListed(referrer, answered) {
      const subject = referrer.content.subject?.digest;
      if (subject === undefined || answered === subject || (await listByApi(subject, undefined)) !== undefined) return;
      const { digest } = referrer.descriptor;
      await change(subject, (listed) => listed.some((one) => one.digest === digest), (listed) => [...listed, referrerDescriptor(referrer)]);
    },
    async prepareUnlisting(digest) {
      const subject = await subjectOf(manifests, digest);
      if (subject === undefined || (await listByApi(subject, undefined)) !== undefined) return () => Promise.resolve();
      return () => change(subject, (listed) => listed.every((one) => one.digest !== digest), (listed) => listed.filter((one) => one.digest !== digest));
    },
  };
}

async function subjectOf(manifests: ManifestAccess, digest: Digest): Promise<Digest | undefined> {
  try {
    return (await manifests.readManifest(digest)).content.subject?.digest;
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === 'REGISTRY_NOT_FOUND') return undefined;
    throw thrown;
  }
}

function checkListed(listed: readonly unknown[], subject: Digest): Descriptor[] {
  if (listed.length > referrerLimit) throw new Failure({ code: 'REGISTRY_TOO_LARGE', message: `${subject} has more than ${referrerLimit} referrers` });
  return listed.map((one, index) => {
    if (isDescriptor(one)) return one;
    throw new Failure({ code: 'REGISTRY_PROTOCOL', message: `referrer ${index + 1} of ${subject} is not a descriptor` });
  });
}
