// SPDX-License-Identifier: Apache-2.0
// Copies manifest graphs: blobs first, then manifests from the leaves up, the root last, so that nothing half stands in the target.
import { Failure, mapConcurrently, type Digest } from '@pratique/core';
import type { ContentSource, ContentTarget } from './content.ts';
import type { Descriptor, Manifest } from './descriptor.ts';

/** What happened to one blob or manifest. */
export interface CopyProgress {
  readonly kind: 'blob' | 'manifest';
  readonly digest: Digest;
  readonly size: number;
  readonly outcome: 'present' | 'mounted' | 'uploaded';
}

/** Totals of a copy. `bytes` counts what was uploaded, blobs and manifests. */
export interface CopyResult {
  readonly manifests: number;
  readonly blobs: number;
  readonly mounted: number;
  readonly present: number;
  readonly bytes: number;
}

export interface CopyOptions {
  readonly from: ContentSource;
  readonly to: ContentTarget;
  readonly roots: readonly Digest[];
  /** Blobs or manifests under way at once. Default 8. */
  readonly concurrency?: number;
  /** Given to the root; only with exactly one root. */
  readonly tag?: string;
  readonly onProgress?: (progress: CopyProgress) => void;
}

interface Graph {
  /** Manifests by height: leaves first. */
  readonly levels: readonly (readonly Manifest[])[];
  readonly blobs: readonly Descriptor[];
}

const graphLimit = 5000;

/** Copies each root with everything it reaches; a subject is not followed. Each blob is handled once. Bytes and digests stay the same. */
export async function copyGraph(options: CopyOptions): Promise<CopyResult> {
  const { from, to, roots, concurrency = 8, tag } = options;
  if (tag !== undefined && roots.length !== 1) throw new Failure({ code: 'INPUT_INVALID', message: `a tag names one manifest, not ${roots.length}` });
  const graph = await readGraph(from, roots, concurrency);
  const total = { manifests: 0, blobs: 0, mounted: 0, present: 0, bytes: 0 };
  const count = (progress: CopyProgress): void => {
    total[progress.kind === 'blob' ? 'blobs' : 'manifests'] += 1;
    if (progress.outcome === 'uploaded') total.bytes += progress.size;
    else total[progress.outcome] += 1;
    options.onProgress?.(progress);
  };
  const mountFrom = from.origin !== undefined && from.origin.registry === to.origin?.registry ? from.origin.repository : undefined;
  await mapConcurrently(graph.blobs, concurrency, async (blob) => {
    count({ kind: 'blob', digest: blob.digest, size: blob.size, outcome: await to.writeBlob(blob, () => from.readBlob(blob), mountFrom) });
  });
  for (const level of graph.levels) {
    await mapConcurrently(level, concurrency, async (manifest) => count(await copyManifest(to, manifest, roots.includes(manifest.descriptor.digest) ? tag : undefined)));
  }
  return total;
}

async function copyManifest(to: ContentTarget, manifest: Manifest, tag: string | undefined): Promise<CopyProgress> {
  const { digest, size, mediaType } = manifest.descriptor;
  const progress = { kind: 'manifest', digest, size } as const;
  // A referrer is written even when it is there: only the write makes sure that a fallback index lists it.
  if (tag === undefined && manifest.content.subject === undefined && (await to.hasManifest(digest))) return { ...progress, outcome: 'present' };
  const written = await to.writeManifest({ bytes: manifest.bytes, mediaType }, tag);
  if (written.digest !== digest) throw new Failure({ code: 'REGISTRY_DIGEST_MISMATCH', message: `the target stored ${written.digest} where ${digest} was sent` });
  return { ...progress, outcome: 'uploaded' };
}

/** Reads manifests wave by wave, so that those of one wave are on their way together. */
async function readGraph(from: ContentSource, roots: readonly Digest[], concurrency: number): Promise<Graph> {
  const read = new Map<Digest, Manifest>();
  const blobs = new Map<Digest, Descriptor>();
  let wave = [...new Set(roots)];
  for (let depth = 0; wave.length > 0; depth += 1) {
    if (depth > 8 || read.size + wave.length + blobs.size > graphLimit) throw new Failure({ code: 'REGISTRY_TOO_LARGE', message: `the graph of ${roots[0]} is nested too deep or has more than ${graphLimit} parts` });
    const manifests = await mapConcurrently(wave, concurrency, (digest) => from.readManifest(digest));
    for (const [index, manifest] of manifests.entries()) {
      const { config, layers = [] } = manifest.content;
      read.set(wave[index] ?? manifest.descriptor.digest, manifest);
      for (const blob of config ? [config, ...layers] : layers) blobs.set(blob.digest, blob);
    }
    wave = [...new Set(manifests.flatMap(childrenOf))].filter((digest) => !read.has(digest));
  }
  return { levels: levelsOf(read), blobs: [...blobs.values()] };
}

const childrenOf = ({ content }: Manifest): readonly Digest[] => (content.manifests ?? []).map(({ digest }) => digest);

/** A root that is also a child of another root stays below it. */
function levelsOf(read: ReadonlyMap<Digest, Manifest>): Manifest[][] {
  const heights = new Map<Digest, number>();
  const heightOf = (digest: Digest): number => {
    const manifest = read.get(digest);
    const height = heights.get(digest) ?? Math.max(0, ...(manifest ? childrenOf(manifest) : []).map((child) => 1 + heightOf(child)));
    heights.set(digest, height);
    return height;
  };
  const levels: Manifest[][] = [];
  for (const [digest, manifest] of read) (levels[heightOf(digest)] ??= []).push(manifest);
  return levels.filter(Boolean);
}
