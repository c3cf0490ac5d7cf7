// SPDX-License-Identifier: Apache-2.0
// The evidence manifest: what travels beside an image from build to signing. Unsigned; whoever reads it checks every binding anew.
import { Failure, formatPlatform, mapConcurrently, parseJsonObject, type Digest, type ImagePlatform } from '@pratique/core';
import { buildManifest, emptyBlob, mediaTypes, readImage, streamOf, type ContentSource, type ContentTarget, type Descriptor } from '@pratique/oci';
import { readBuildFacts, readTestReport, type BuildFacts } from './build-facts.ts';
import { evidenceParts, partAnnotations, partLimit, partMediaTypes, scanParts, type EvidenceManifest, type PartName } from './evidence-part.ts';
import { readScanRun, type PlatformScan } from './scan-run.ts';

/** `artifactType` of an evidence manifest. */
export const evidenceArtifactType = 'application/vnd.pratique.evidence.v1+json';

// build, tests, and four parts for each scan of 50 platforms by two scanners.
const mostParts = 402;

/**
 * Writes evidence as an OCI artifact whose subject is `image` (image-spec 1.1, manifest.md "artifacts"): equal evidence gives
 * equal bytes. A layout's index.json is left to the caller. Fails with `BUILD_EVIDENCE_INVALID` when a part is too large.
 */
export async function writeEvidence(target: ContentTarget, image: Descriptor, evidence: EvidenceManifest): Promise<Descriptor> {
  if (image.digest !== evidence.image) throw invalid(`evidence about ${evidence.image} cannot be written for ${image.digest}`);
  const parts = await evidenceParts(evidence);
  const blobs = [...parts, { descriptor: emptyBlob.descriptor, bytes: emptyBlob.bytes }];
  await mapConcurrently(blobs, 4, ({ descriptor, bytes }) => target.writeBlob(descriptor, async () => streamOf(bytes)));
  const manifest = buildManifest({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    artifactType: evidenceArtifactType,
    config: emptyBlob.descriptor,
    layers: parts.map((part) => part.descriptor),
    subject: { mediaType: image.mediaType, digest: image.digest, size: image.size },
  });
  await target.writeManifest(manifest);
  return { ...manifest.descriptor, artifactType: evidenceArtifactType };
}

/**
 * Reads evidence and checks that every part is whole and speaks of `image`, platform by platform.
 * Fails with `BUILD_EVIDENCE_INVALID`, and with the registry's codes when bytes are missing or swapped.
 */
export async function readEvidence(source: ContentSource, evidence: Digest, image: Digest): Promise<EvidenceManifest> {
  const { content } = await source.readManifest(evidence);
  const where = `evidence ${evidence}`;
  if (content.artifactType !== evidenceArtifactType) throw invalid(`${where} is of type ${content.artifactType ?? 'none'}, not ${evidenceArtifactType}`);
  if (content.subject?.digest !== image) throw invalid(`${where} is about ${content.subject?.digest ?? 'nothing'}, not about ${image}`);
  const parts = await readParts(source, content.layers ?? [], where);
  const { platforms } = await readImage(source, image);
  const build = readBuildFacts(parts.json('build'), `${where}: build`, 'BUILD_EVIDENCE_INVALID');
  checkBuild(build, platforms, where);
  const scans = parts.scans.map((scan) => readScan(scan, where));
  if (scans.length > 0) checkScans(scans, platforms, where);
  const tests = parts.has('tests') ? readTestReport(parts.json('tests'), `${where}: tests`, 'BUILD_EVIDENCE_INVALID') : undefined;
  return { image, build, ...(tests ? { tests } : {}), scans };
}

interface Parts {
  has(name: PartName): boolean;
  json(name: PartName): unknown;
  /** The parts of each scan, by name. */
  readonly scans: readonly ReadonlyMap<string, Uint8Array>[];
}

async function readParts(source: ContentSource, layers: readonly Descriptor[], where: string): Promise<Parts> {
  if (layers.length > mostParts) throw invalid(`${where} has ${layers.length} parts; at most ${mostParts} are accepted`);
  const scans = new Map<string, Map<string, Uint8Array>>();
  const whole = new Map<string, Uint8Array>();
  const contents = await mapConcurrently(layers, 4, (layer) => readPart(source, layer, where));
  for (const [index, layer] of layers.entries()) {
    const { part, platform, scanner } = annotationsOf(layer);
    const key = `${platform} ${scanner}`;
    const home = isScanPart(part) ? scans.get(key) ?? new Map<string, Uint8Array>() : whole;
    if (home.has(part)) throw invalid(`${where} has the part ${part} of ${platform || 'the image'} twice`);
    home.set(part, contents[index] as Uint8Array);
    if (home !== whole) scans.set(key, home);
  }
  return {
    has: (name) => whole.has(name),
    json: (name) => jsonOf(whole, name, where),
    scans: [...scans.values()],
  };
}

async function readPart(source: ContentSource, layer: Descriptor, where: string): Promise<Uint8Array> {
  const { part } = annotationsOf(layer);
  if (!Object.hasOwn(partMediaTypes, part) || layer.mediaType !== partMediaTypes[part as PartName]) {
    throw invalid(`${where} has a part "${part}" of type ${layer.mediaType} that is not known`);
  }
  if (layer.size > partLimit) throw invalid(`${where}: the part ${part} has ${layer.size} bytes; at most ${partLimit} are accepted`);
  return source.readSmallBlob(layer, partLimit);
}

function annotationsOf(layer: Descriptor): { part: string; platform: string; scanner: string } {
  const value = (name: string): string => layer.annotations?.[name] ?? '';
  return { part: value(partAnnotations.part), platform: value(partAnnotations.platform), scanner: value(partAnnotations.scanner) };
}

const isScanPart = (name: string): boolean => (scanParts as readonly string[]).includes(name);

function readScan(parts: ReadonlyMap<string, Uint8Array>, where: string): PlatformScan {
  const run = readScanRun(jsonOf(parts, 'scan-run', where), `${where}: scan-run`, 'BUILD_EVIDENCE_INVALID');
  const scanWhere = `${where}: scan of ${run.platform}`;
  return { run, report: bytesOf(parts, 'report', scanWhere), cyclonedx: bytesOf(parts, 'cyclonedx', scanWhere), spdx: bytesOf(parts, 'spdx', scanWhere) };
}

function bytesOf(parts: ReadonlyMap<string, Uint8Array>, name: PartName, where: string): Uint8Array {
  const bytes = parts.get(name);
  if (bytes === undefined) throw invalid(`${where} lacks the part ${name}`);
  return bytes;
}

const jsonOf = (parts: ReadonlyMap<string, Uint8Array>, name: PartName, where: string): unknown =>
  parseJsonObject(bytesOf(parts, name, where), `${where}: ${name}`, 'BUILD_EVIDENCE_INVALID');

function checkBuild(build: BuildFacts, platforms: readonly ImagePlatform[], where: string): void {
  requireSame(build.platforms.map(({ platform, digest, configDigest }) => `${platform} ${digest} ${configDigest}`), platforms.map(bindingOf), `${where}: build`);
}

function checkScans(scans: readonly PlatformScan[], platforms: readonly ImagePlatform[], where: string): void {
  requireSame(scans.map(({ run }) => `${run.platform} ${run.digest} ${run.configDigest}`), platforms.map(bindingOf), `${where}: scans`);
  for (const { run } of scans) {
    const platform = platforms.find((candidate) => candidate.digest === run.digest);
    if (platform?.diffIds.join() !== run.diffIds.join()) throw invalid(`${where}: the scan of ${run.platform} names other layers than the image has`);
  }
}

const bindingOf = (platform: ImagePlatform): string => `${formatPlatform(platform.platform)} ${platform.digest} ${platform.configDigest}`;

function requireSame(said: readonly string[], there: readonly string[], where: string): void {
  const missing = there.filter((binding) => !said.includes(binding));
  const strange = said.filter((binding) => !there.includes(binding));
  if (missing.length + strange.length === 0) return;
  throw invalid(`${where} does not fit the platforms of the image`, { missing, strange });
}

function invalid(message: string, facts: Record<string, unknown> = {}): Failure {
  return new Failure({ code: 'BUILD_EVIDENCE_INVALID', message, facts, hint: 'Run the phases build, scan and push again on one layout; nothing of this evidence is used.' });
}
