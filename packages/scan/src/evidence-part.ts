// SPDX-License-Identifier: Apache-2.0
// The parts of an evidence manifest: their names, media types, and how bytes become layers.
import { canonicalJson, digestOf, Failure, type Digest } from '@pratique/core';
import type { Descriptor } from '@pratique/oci';
import type { BuildFacts, TestReport } from './build-facts.ts';
import type { PlatformScan } from './scan-run.ts';

/** Everything that was learnt about an image before it was signed. */
export interface EvidenceManifest {
  /** Digest of the image's root: the index, or the manifest of an image without one. */
  readonly image: Digest;
  readonly build: BuildFacts;
  readonly tests?: TestReport;
  /** None, or at least one for every runnable platform. */
  readonly scans: readonly PlatformScan[];
}

/** Most bytes of one part. */
export const partLimit = 64 * 1024 * 1024;

/** Media type of each part. */
export const partMediaTypes = {
  build: 'application/vnd.pratique.build.v1+json',
  tests: 'application/vnd.pratique.tests.v1+json',
  'scan-run': 'application/vnd.pratique.scan-run.v1+json',
  report: 'application/vnd.pratique.scan-report.v1+json',
  cyclonedx: 'application/vnd.cyclonedx+json',
  spdx: 'application/spdx+json',
} as const;

export type PartName = keyof typeof partMediaTypes;

/** Annotations of a part's descriptor. */
export const partAnnotations = { part: 'dev.pratique.part', platform: 'dev.pratique.platform', scanner: 'dev.pratique.scanner' } as const;

/** The parts that each scan has. */
export const scanParts = ['scan-run', 'report', 'cyclonedx', 'spdx'] as const;

/** A part with its bytes. */
export interface EvidencePart {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** All parts, in the order in which they stand in the manifest: build, tests, then the scans by platform and scanner. */
export async function evidenceParts(evidence: EvidenceManifest): Promise<EvidencePart[]> {
  const scans = [...evidence.scans].sort((a, b) => (scanKey(a) < scanKey(b) ? -1 : 1));
  return Promise.all([
    part('build', json(evidence.build)),
    ...(evidence.tests ? [part('tests', json(evidence.tests))] : []),
    ...scans.flatMap((scan) => scanParts.map((name) => part(name, scanBytes(scan, name), scan))),
  ]);
}

const json = (value: unknown): Uint8Array => new TextEncoder().encode(canonicalJson(value));
const scanKey = (scan: PlatformScan): string => `${scan.run.platform} ${scan.run.scanner.name}`;
const scanBytes = (scan: PlatformScan, name: (typeof scanParts)[number]): Uint8Array => (name === 'scan-run' ? json(scan.run) : scan[name]);

async function part(name: PartName, bytes: Uint8Array, scan?: PlatformScan): Promise<EvidencePart> {
  const where = scan ? ` of ${scan.run.platform} (${scan.run.scanner.name})` : '';
  if (bytes.byteLength > partLimit) {
    throw new Failure({ code: 'BUILD_EVIDENCE_INVALID', message: `the part ${name}${where} has ${bytes.byteLength} bytes; at most ${partLimit} are accepted` });
  }
  const annotations = { [partAnnotations.part]: name, ...(scan ? { [partAnnotations.platform]: scan.run.platform, [partAnnotations.scanner]: scan.run.scanner.name } : {}) };
  return { descriptor: { mediaType: partMediaTypes[name], digest: await digestOf(bytes), size: bytes.byteLength, annotations }, bytes };
}
