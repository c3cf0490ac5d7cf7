// SPDX-License-Identifier: Apache-2.0
// Reads an image with its tags, platforms and everything that hangs on it, each attestation verified; `tree` and `report` show it.
import { connectRegistry, type AzureRegistry } from '@pratique/acr';
import { Failure, formatPlatform, mapConcurrently, stripControl, type Context, type Digest, type FailureCode, type PinnedImage } from '@pratique/core';
import { parseReference, readImage, type Descriptor, type Image, type Repository } from '@pratique/oci';
import { isBundleReferrer, loadTrustMaterial, readAttestation, statedPredicateType, verifyAttestation, type TrustMaterial, type VerifiedAttestation } from '@pratique/sign';

/** What became of a referrer: it verifies (by whomever), it does not, or it is no attestation and claims nothing. */
export type Proof =
  | { readonly state: 'verified'; readonly attestation: VerifiedAttestation }
  | { readonly state: 'failed'; readonly code: FailureCode; readonly message: string }
  | { readonly state: 'foreign' };

/** One thing that hangs on a manifest. */
export interface Leaf {
  readonly digest: Digest;
  /** Predicate type, as stated when it does not verify; artifact type of what is no attestation. */
  readonly type: string;
  readonly proof: Proof;
}

/** The index or one platform, and what hangs on it. */
export interface Branch {
  readonly label: string;
  readonly digest: Digest;
  readonly leaves: readonly Leaf[];
  /** Referrers that were not read, because there are too many. */
  readonly unread: number;
}

/** An image as its repository holds it. */
export interface ImageContents {
  readonly pinned: PinnedImage;
  readonly image: Image;
  readonly tags: readonly string[];
  /** The image first, then its platforms. */
  readonly branches: readonly Branch[];
}

/** What was read, and by what. */
export interface ReadContents {
  readonly contents: ImageContents;
  readonly registry: AzureRegistry;
  readonly repository: Repository;
  readonly trustMaterial: TrustMaterial;
}

/** What is read, and which Sigstore is asked. */
export interface ImageContentsOptions {
  readonly ctx: Context;
  /** Tag or digest. */
  readonly image: string;
  readonly signIn: Parameters<typeof connectRegistry>[0]['signIn'];
  readonly trustedRoot: string | undefined;
}

const mostReferrers = 200;
const mostTags = 500;
const parallel = 4;

/** Reads at most 200 referrers of each manifest and 500 tags. Fails with `REGISTRY_NOT_FOUND`, `REGISTRY_*`, `BUILD_PLATFORM_MISMATCH`. */
export async function readImageContents({ ctx, image: given, signIn, trustedRoot }: ImageContentsOptions): Promise<ReadContents> {
  const { registry: host, repository: name, reference } = parseReference(given);
  const registry = await connectRegistry({ registry: host, ctx, signIn });
  const repository = registry.oci.repository(name);
  const root = await repository.resolve(reference);
  if (!root) throw new Failure({ code: 'REGISTRY_NOT_FOUND', message: `${given} does not exist`, hint: 'Check the reference; images in quarantine have no tag.' });
  const trustMaterial = await loadTrustMaterial(ctx, trustedRoot);
  const image = await readImage(repository, root.digest);
  const label = stripControl(image.annotations['org.opencontainers.image.version'] ?? 'image').replace(/\s+/g, ' ');
  const children = image.platforms.filter((one) => one.digest !== root.digest).map((one) => ({ label: formatPlatform(one.platform), digest: one.digest }));
  const branches = await mapConcurrently([{ label, digest: root.digest }, ...children], parallel, (one) => readBranch(one, { repository, trustMaterial }));
  return { contents: { pinned: { registry: host, repository: name, digest: root.digest }, image, tags: await tagsOf(repository, root.digest), branches }, registry, repository, trustMaterial };
}

type Reading = Pick<ReadContents, 'repository' | 'trustMaterial'>;

async function readBranch(one: Pick<Branch, 'label' | 'digest'>, reading: Reading): Promise<Branch> {
  const referrers = await reading.repository.listReferrers(one.digest);
  const leaves = await mapConcurrently(referrers.slice(0, mostReferrers), parallel, (referrer) => readLeaf(one.digest, referrer, reading));
  return { ...one, leaves: leaves.toSorted((a, b) => (a.type < b.type ? -1 : a.type > b.type ? 1 : a.digest < b.digest ? -1 : 1)), unread: Math.max(0, referrers.length - mostReferrers) };
}

async function readLeaf(subject: Digest, referrer: Descriptor, { repository, trustMaterial }: Reading): Promise<Leaf> {
  const { digest } = referrer;
  if (!isBundleReferrer(referrer)) return { digest, type: referrer.artifactType ?? referrer.mediaType, proof: { state: 'foreign' } };
  try {
    const attestation = await verifyAttestation({ bundle: await readAttestation(repository, digest), subject, trust: trustMaterial });
    return { digest, type: attestation.predicateType, proof: { state: 'verified', attestation } };
  } catch (thrown) {
    // What is broken or gone is told. A registry that does not answer leaves everything open.
    if (!(thrown instanceof Failure) || (thrown.kind !== 'refused' && thrown.code !== 'REGISTRY_NOT_FOUND')) throw thrown;
    return { digest, type: statedPredicateType(referrer) ?? 'attestation', proof: { state: 'failed', code: thrown.code, message: thrown.message } };
  }
}

async function tagsOf(repository: Repository, digest: Digest): Promise<string[]> {
  const tags = (await repository.listTags()).filter((tag) => !/^sha(?:256|512)-/.test(tag)).slice(0, mostTags);
  const named = await mapConcurrently(tags, parallel, async (tag) => ({ tag, digest: (await repository.resolve(tag))?.digest }));
  return named.filter((one) => one.digest === digest).map(({ tag }) => tag);
}

