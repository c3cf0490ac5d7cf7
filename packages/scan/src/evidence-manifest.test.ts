// SPDX-License-Identifier: Apache-2.0
import { beforeEach, describe, expect, test } from 'vitest';
import { canonicalJson, digestOf, type Digest, type FailureCode } from '@pratique/core';
import { buildManifest, createLayout, streamOf, type Descriptor, type Layout, type ManifestContent } from '@pratique/oci';
import { writeSampleImage, type SampleImage } from '../../../test/fixtures/debian-image.ts';
import { memoryFiles, type MemoryFiles } from '../../../test/fixtures/memory-files.ts';
import { readEvidence, writeEvidence } from './evidence-manifest.ts';
import type { EvidenceManifest } from './evidence-part.ts';
import type { PlatformScan } from './scan-run.ts';

const other: Digest = `sha256:${'0'.repeat(64)}`;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function scanOf({ platform, manifest, config, diffId }: SampleImage['platforms'][number]): PlatformScan {
  const run = {
    platform, digest: manifest.digest, configDigest: config.digest, diffIds: [diffId], scanner: { name: 'trivy', version: '0.72.0' },
    database: { digest: other, version: '2', updatedAt: '2026-11-21T10:00:00Z' }, startedAt: '2026-11-21T11:00:00Z', finishedAt: '2026-11-21T11:00:01Z', isolation: 'none' as const,
  };
  return { run, report: bytes(`{"report":"${platform}"}`), cyclonedx: bytes(`{"cdx":"${platform}"}`), spdx: bytes(`{"spdx":"${platform}"}`) };
}

function evidenceOf(image: SampleImage): EvidenceManifest {
  return {
    image: image.index.digest,
    build: {
      builder: { id: 'https://github.com/o/r/.github/workflows/build.yml@refs/heads/main', version: 'buildx 0.29.1' }, version: '1.2.0', source: 'https://github.com/o/r', revision: 'a'.repeat(40),
      created: '2026-11-21T10:59:00Z', target: 'final', isolation: 'none', run: { uri: 'https://github.com/o/r/actions/runs/7', id: '7', attempt: 2 },
      platforms: image.platforms.map(({ platform, manifest, config }) => ({ platform, digest: manifest.digest, configDigest: config.digest })),
      materials: [{ uri: 'pkg:docker/busybox', digest: other }, { uri: 'https://github.com/o/r' }], parameters: { MOTD: 'two\nlines\t ', EMPTY: '' },
    },
    tests: { result: 'passed', stage: 'test', startedAt: '2026-11-21T10:58:00Z', finishedAt: '2026-11-21T10:58:30Z', output: other, tail: 'ok 1\nok 2\n' },
    scans: image.platforms.map(scanOf),
  };
}

let files: MemoryFiles;
let layout: Layout;
let image: SampleImage;
let evidence: EvidenceManifest;

beforeEach(async () => {
  files = memoryFiles();
  layout = await createLayout(files, '/layout');
  image = await writeSampleImage(layout);
  evidence = evidenceOf(image);
});

describe('evidence', () => {
  test('comes back as it was written', async () => {
    const { digest, artifactType } = await writeEvidence(layout, image.index, evidence);
    expect(artifactType).toBe('application/vnd.pratique.evidence.v1+json');
    expect(await readEvidence(layout, digest, image.index.digest)).toEqual(evidence);
  });

  test('without tests and scans, as a fork build without scanner has it', async () => {
    const { tests: _, ...rest } = evidence;
    const { digest } = await writeEvidence(layout, image.index, { ...rest, scans: [] });
    expect(await readEvidence(layout, digest, image.index.digest)).toEqual({ ...rest, scans: [] });
  });

  test('has equal bytes whatever the order of the scans', async () => {
    const first = await writeEvidence(layout, image.index, evidence);
    expect((await writeEvidence(layout, image.index, { ...evidence, scans: evidence.scans.toReversed() })).digest).toBe(first.digest);
  });

  test('of two scanners for one platform is kept apart', async () => {
    const grype = evidence.scans.map((scan) => ({ ...scan, run: { ...scan.run, scanner: { name: 'grype', version: '0.110.0' } } }));
    const { digest } = await writeEvidence(layout, image.index, { ...evidence, scans: [...evidence.scans, ...grype] });
    expect((await readEvidence(layout, digest, image.index.digest)).scans).toHaveLength(4);
  });

  test('names each part, platform and scanner on its layers', async () => {
    const { digest } = await writeEvidence(layout, image.index, evidence);
    const { content } = await layout.readManifest(digest);
    expect(content.subject).toEqual({ mediaType: image.index.mediaType, digest: image.index.digest, size: image.index.size });
    expect(content.layers?.map(({ annotations = {} }) => [annotations['dev.pratique.part'], annotations['dev.pratique.platform'], annotations['dev.pratique.scanner']])).toEqual([
      ['build', undefined, undefined], ['tests', undefined, undefined],
      ...['linux/amd64', 'linux/arm64'].flatMap((platform) => ['scan-run', 'report', 'cyclonedx', 'spdx'].map((part) => [part, platform, 'trivy'])),
    ]);
  });

  test('about another image is not written', async () => {
    await expect(writeEvidence(layout, image.index, { ...evidence, image: other })).rejects.toMatchObject({ code: 'BUILD_EVIDENCE_INVALID' });
  });
});

/** Writes the evidence with a manifest changed by `change`, and reads it. */
async function readChanged(change: (content: ManifestContent) => object): Promise<unknown> {
  const { digest } = await writeEvidence(layout, image.index, evidence);
  const { content } = await layout.readManifest(digest);
  const changed = buildManifest(change(content));
  await layout.writeManifest(changed);
  return readEvidence(layout, changed.descriptor.digest, image.index.digest);
}

async function layer(json: object, part: string): Promise<Descriptor> {
  const content = bytes(canonicalJson(json));
  const mediaType = part === 'report' ? 'application/vnd.pratique.scan-report.v1+json' : `application/vnd.pratique.${part}.v1+json`;
  const descriptor = { mediaType, digest: await digestOf(content), size: content.byteLength, annotations: { 'dev.pratique.part': part } };
  await layout.writeBlob(descriptor, async () => streamOf(content));
  return descriptor;
}

const drop = (part: string, platform?: string) => (content: ManifestContent): object => ({
  ...content, layers: content.layers?.filter(({ annotations = {} }) => annotations['dev.pratique.part'] !== part || (platform !== undefined && annotations['dev.pratique.platform'] !== platform)),
});

describe('evidence is refused', () => {
  test.each<[string, (content: ManifestContent) => object]>([
    ['with another type', (content) => ({ ...content, artifactType: 'application/vnd.other' })],
    ['without subject', ({ subject: _, ...content }) => content],
    ['about another image', (content) => ({ ...content, subject: { ...content.subject, digest: other } })],
    ['without build facts', drop('build')],
    ['with a scan that lacks its report', drop('report', 'linux/arm64')],
    ['with a scan that lacks its record', drop('scan-run', 'linux/arm64')],
    ['with a scan that lacks its SBOM', drop('spdx', 'linux/amd64')],
    ['with a part that is not known', (content) => ({ ...content, layers: content.layers?.map((one, index) => (index === 0 ? { ...one, annotations: { 'dev.pratique.part': 'verdict' } } : one)) })],
    ['with a part of another type', (content) => ({ ...content, layers: content.layers?.map((one) => ({ ...one, mediaType: 'text/plain' })) })],
    ['with a part twice', (content) => ({ ...content, layers: [...(content.layers ?? []), ...(content.layers ?? []).slice(0, 1)] })],
    ['with too many parts', (content) => ({ ...content, layers: Array.from({ length: 403 }, () => content.layers?.[0]) })],
    ['with a part that says it is larger than 64 MiB', (content) => ({ ...content, layers: content.layers?.map((one) => ({ ...one, size: 64 * 1024 * 1024 + 1 })) })],
  ])('%s', async (_, change) => {
    await expect(readChanged(change)).rejects.toMatchObject({ code: 'BUILD_EVIDENCE_INVALID' });
  });

  test.each<[string, (evidence: EvidenceManifest) => EvidenceManifest]>([
    ['when one platform was not scanned', (value) => ({ ...value, scans: value.scans.slice(1) })],
    ['when a scan is of another manifest', (value) => ({ ...value, scans: value.scans.map((scan) => ({ ...scan, run: { ...scan.run, digest: other } })) })],
    ['when a scan is of another config', (value) => ({ ...value, scans: value.scans.map((scan) => ({ ...scan, run: { ...scan.run, configDigest: other } })) })],
    ['when a scan is of other layers', (value) => ({ ...value, scans: value.scans.map((scan) => ({ ...scan, run: { ...scan.run, diffIds: [other] } })) })],
    ['when two scans swapped platforms', (value) => ({ ...value, scans: value.scans.map((scan, index) => ({ ...scan, run: { ...scan.run, platform: value.scans[1 - index]?.run.platform ?? '' } })) })],
    ['when the build names fewer platforms', (value) => ({ ...value, build: { ...value.build, platforms: value.build.platforms.slice(1) } })],
    ['when the build names another config', (value) => ({ ...value, build: { ...value.build, platforms: value.build.platforms.map((one) => ({ ...one, configDigest: other })) } })],
    ['when the build has no date', (value) => ({ ...value, build: { ...value.build, created: 'today' } })],
    ['when a scan was isolated in a word that is not known', (value) => ({ ...value, scans: value.scans.map((scan) => ({ ...scan, run: { ...scan.run, isolation: 'full' as 'job' } })) })],
  ])('%s', async (_, change) => {
    const { digest } = await writeEvidence(layout, image.index, change(evidence));
    await expect(readEvidence(layout, digest, image.index.digest)).rejects.toMatchObject({ code: 'BUILD_EVIDENCE_INVALID' });
  });

  test('when build facts have the wrong shape', async () => {
    const wrong = await layer({ ...evidence.build, parameters: { A: 1 } }, 'build');
    await expect(readChanged((content) => ({ ...content, layers: [wrong, ...(content.layers ?? []).slice(1)] }))).rejects.toMatchObject({ code: 'BUILD_EVIDENCE_INVALID' });
  });

  test.each<[string, FailureCode]>([['swapped', 'REGISTRY_DIGEST_MISMATCH'], ['missing', 'LAYOUT_INVALID']])('when the bytes of a part are %s', async (how, code) => {
    const { digest } = await writeEvidence(layout, image.index, evidence);
    const { content } = await layout.readManifest(digest);
    const path = `/layout/blobs/${content.layers?.[3]?.digest.replace(':', '/') ?? ''}`;
    if (how === 'missing') files.content.delete(path);
    else files.content.set(path, bytes('{"report":"all good here"}'.slice(0, content.layers?.[3]?.size)));
    await expect(readEvidence(layout, digest, image.index.digest)).rejects.toMatchObject({ code });
  });
});
