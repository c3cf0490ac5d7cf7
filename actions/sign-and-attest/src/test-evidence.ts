// SPDX-License-Identifier: Apache-2.0
// For tests: a sample image as build-scan-push would push it, with the evidence that it would write beside it.
import { readFileSync } from 'node:fs';
import type { Digest } from '@pratique/core';
import { buildManifest, mediaTypes, type ContentTarget, type Descriptor } from '@pratique/oci';
import { writeEvidence, type EvidenceManifest, type PlatformScan } from '@pratique/scan';
import { writeSampleImage, type SampleImage } from '../../../test/fixtures/debian-image.ts';

/** Commit of the image. */
export const commit = 'a'.repeat(40);

/** What was pushed. */
export interface PushedSample {
  readonly index: Descriptor;
  readonly evidence: Descriptor;
  readonly platforms: SampleImage['platforms'];
}

const output: Digest = `sha256:${'2'.repeat(64)}`;

/** Pushes image and evidence; `change` alters the evidence before it is written. */
export async function pushSample(target: ContentTarget, change: (evidence: EvidenceManifest) => EvidenceManifest = (same) => same): Promise<PushedSample> {
  const { platforms } = await writeSampleImage(target);
  const manifests = platforms.map(({ platform, manifest }) => ({ ...manifest, platform: { os: 'linux', architecture: platform.split('/')[1] ?? '' } }));
  const annotations = { 'org.opencontainers.image.revision': commit, 'org.opencontainers.image.version': '1.2.0', 'org.opencontainers.image.source': 'https://github.com/contoso/web' };
  const index = await target.writeManifest(buildManifest({ schemaVersion: 2, mediaType: mediaTypes.index, manifests, annotations }));
  const evidence = await writeEvidence(target, index, change(evidenceOf(index.digest, platforms)));
  return { index, platforms, evidence };
}

function evidenceOf(image: Digest, platforms: SampleImage['platforms']): EvidenceManifest {
  return {
    image,
    build: {
      builder: { id: 'https://buildah.io', version: '1.39.3' }, version: '1.2.0', source: 'https://github.com/contoso/web', revision: commit, created: '2026-11-20T10:00:00Z', target: 'app',
      platforms: platforms.map(({ platform, manifest, config }) => ({ platform, digest: manifest.digest, configDigest: config.digest })),
      materials: [{ uri: 'pkg:docker/debian@12', digest: output }], parameters: { GREETING: 'hello' }, isolation: 'job', run: { uri: 'https://github.com/contoso/web/actions/runs/77', id: '77', attempt: 1 },
    },
    tests: { result: 'passed', stage: 'test', startedAt: '2026-11-20T10:00:00Z', finishedAt: '2026-11-20T10:01:00Z', output, tail: 'ok' },
    scans: platforms.map(scanOf),
  };
}

function scanOf({ platform, manifest, config, diffId }: SampleImage['platforms'][number]): PlatformScan {
  const recorded = readFileSync(new URL('../../../test/fixtures/reports/trivy-arm64.json', import.meta.url), 'utf8');
  const report = recorded.replaceAll(/sha256:4a0a8b24[0-9a-f]{56}/g, config.digest).replaceAll(/sha256:739bc2cb[0-9a-f]{56}/g, diffId);
  const bytes = (value: object): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  return {
    run: {
      platform, digest: manifest.digest, configDigest: config.digest, diffIds: [diffId], scanner: { name: 'trivy', version: '0.72.0' },
      database: { digest: output, version: '2', updatedAt: '2026-11-21T10:00:00Z' }, startedAt: '2026-11-21T10:18:54Z', finishedAt: '2026-11-21T10:18:55Z', isolation: 'job',
    },
    report: new TextEncoder().encode(report),
    cyclonedx: bytes({ bomFormat: 'CycloneDX', specVersion: '1.6', metadata: { component: { properties: [{ name: 'aquasecurity:trivy:ImageID', value: config.digest }] } }, components: [] }),
    spdx: bytes({ spdxVersion: 'SPDX-2.3', packages: [{ name: platform, annotations: [{ comment: `ImageID: ${config.digest}` }] }] }),
  };
}
