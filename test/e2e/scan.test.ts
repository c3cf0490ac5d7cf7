// SPDX-License-Identifier: Apache-2.0
// The real trivy on real layouts, with the fixture database from a registry that the test serves.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, test } from 'vitest';
import type { Digest } from '@pratique/core';
import { createFiles, createNodeContext, type NodeContext } from '@pratique/host';
import { createAuthority, serve, type Served } from '@pratique/lab';
import { createLayout, readImage, type Layout } from '@pratique/oci';
import { readEvidence, readUserReports, scanImage, toScanPredicate, writeEvidence, type PlatformScan } from '@pratique/scan';
import { vulnerablePlatforms, writeSampleImage, type SamplePlatform } from '../fixtures/debian-image.ts';
import { publishVulnerabilityDatabase } from '../fixtures/vulnerability-db/publish.ts';
import { serveLayout } from './layout-registry.ts';

let folder: string;
let served: Served;
let database: string;
let stale: string;
let fetchHere: typeof fetch;
let environment: Record<string, string | undefined>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pratique-scan-'));
  const files = createFiles(folder);
  const mirrors = { 'mirror/trivy-db': await createLayout(files, 'fresh'), 'mirror/old-trivy-db': await createLayout(files, 'old') };
  await publishVulnerabilityDatabase(mirrors['mirror/trivy-db']);
  await publishVulnerabilityDatabase(mirrors['mirror/old-trivy-db'], { ageHours: 24 * 8 });
  const authority = await createAuthority();
  const handler = serveLayout(mirrors);
  served = await serve(handler, { tls: await authority.issue(['127.0.0.1', 'localhost']) });
  await writeFile(join(folder, 'authority.pem'), authority.certificate);
  environment = { ...process.env, NODE_EXTRA_CA_CERTS: join(folder, 'authority.pem') };
  fetchHere = (input, init) => handler(new Request(input, init));
  database = `localhost:${served.port}/mirror/trivy-db:2`;
  stale = `localhost:${served.port}/mirror/old-trivy-db:2`;
});

afterAll(async () => {
  await served.close();
  await rm(folder, { recursive: true, force: true });
});

let ctx: NodeContext;
let workspace: string;

beforeEach(async () => {
  workspace = await mkdtemp(join(folder, 'workspace-'));
  ctx = await createNodeContext({ workspace, env: environment, fetch: fetchHere, print: () => undefined });
});

afterEach(() => ctx.close());

const build = async (samples: readonly SamplePlatform[] = vulnerablePlatforms): Promise<{ layout: Layout; image: Digest; layers: Digest[] }> => {
  const layout = await createLayout(ctx.files, 'image');
  const { index, platforms } = await writeSampleImage(layout, samples);
  return { layout, image: index.digest, layers: platforms.map(({ layer }) => layer.digest) };
};
const scan = (built: { layout: Layout; image: Digest }, databaseRepository = database): Promise<readonly PlatformScan[]> =>
  scanImage({ ctx, ...built, databaseRepository, isolation: 'none' });
const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString();

describe('scanning an image for two platforms', () => {
  test('finds what each platform holds, with the platform that it says', async () => {
    const built = await build();
    const scans = await scan(built);
    const { platforms } = await readImage(built.layout, built.image);
    const predicates = await Promise.all(scans.map(({ run, report }, index) => toScanPredicate(run, report, platforms[index] as (typeof platforms)[number])));
    expect(predicates.map(({ platform, packageCount, os, findings }) => [platform, packageCount, os, findings.map(({ id }) => id)])).toEqual([
      ['linux/amd64', 2, 'debian 12.12', ['CVE-2021-23337', 'CVE-2023-42366', 'CVE-2020-28500', 'CVE-2022-28391']],
      ['linux/arm64', 3, 'debian 12.12', ['CVE-2021-44906', 'CVE-2021-23337', 'CVE-2023-42366', 'CVE-2020-28500', 'CVE-2022-28391']],
    ]);
    expect(JSON.parse(text(scans[1]?.report))).toMatchObject({ Metadata: { ImageID: platforms[1]?.configDigest, ImageConfig: { architecture: 'arm64' } } });
    expect(scans[0]?.run).toMatchObject({ scanner: { name: 'trivy', version: expect.stringMatching(/^0\.7\d/) as string }, database: { digest: expect.stringMatching(/^sha256:/) as string, version: '2' } });
  });

  test('makes the same SBOMs again, byte for byte, about the right platform', async () => {
    const built = await build([...vulnerablePlatforms.slice(0, 1), { platform: 'linux/arm64', npm: { lodash: '4.17.20' }, files: [{ path: 'srv/node_modules/lodash/package.json', content: '{"name":"lodash","version":"4.17.20"}' }] }]);
    const first = await scan(built);
    const second = await scan(built);
    for (const [index, one] of first.entries()) {
      expect(text(second[index]?.cyclonedx)).toBe(text(one.cyclonedx));
      expect(text(second[index]?.spdx)).toBe(text(one.spdx));
    }
    const document = JSON.parse(text(first[1]?.cyclonedx)) as { metadata: object; components: { purl?: string }[] };
    expect(document).toMatchObject({ bomFormat: 'CycloneDX', metadata: { timestamp: '2026-01-01T00:00:00Z', component: { name: first[1]?.run.digest, version: 'linux/arm64' } } });
    expect(document.components.filter(({ purl }) => purl === 'pkg:npm/lodash@4.17.20')).toHaveLength(2);
    expect(document).not.toHaveProperty('vulnerabilities');
    expect(text(first[1]?.spdx)).not.toContain('CVE-');
  });

  test('travels as evidence', async () => {
    const built = await build();
    const { root, platforms } = await readImage(built.layout, built.image);
    const evidence = {
      image: built.image, scans: await scan(built),
      build: {
        builder: { id: 'test', version: '1' }, source: 'https://example.com/r', revision: 'a', created: '2026-01-01T00:00:00Z', materials: [], parameters: {}, isolation: 'none' as const, run: { uri: 'https://example.com/r/1', id: '1', attempt: 1 },
        platforms: platforms.map(({ platform, digest, configDigest }) => ({ platform: `${platform.os}/${platform.architecture}`, digest, configDigest })),
      },
    };
    const { digest } = await writeEvidence(built.layout, root.descriptor, evidence);
    expect((await readEvidence(built.layout, digest, built.image)).scans).toHaveLength(2);
  });

  test('is not swayed by ignore files and settings in the workspace', async () => {
    await writeFile(join(workspace, '.trivyignore'), 'CVE-2021-23337\n');
    await writeFile(join(workspace, 'trivy.yaml'), 'severity: [CRITICAL]\n');
    const [amd64] = await scan(await build());
    expect(text(amd64?.report)).toContain('CVE-2021-23337');
  });
});

describe('a scan is refused', () => {
  test('when a layer was swapped for an empty one', async () => {
    const built = await build();
    await writeFile(join(workspace, 'image/blobs', built.layers[1]?.replace(':', '/') ?? ''), await readFile(join(workspace, 'image/blobs', built.layers[0]?.replace(':', '/') ?? '')));
    await expect(scan(built)).rejects.toMatchObject({ code: 'REGISTRY_DIGEST_MISMATCH' });
  });

  test('when the database is stale', async () => {
    await expect(scan(await build(), stale)).rejects.toMatchObject({ code: 'SCAN_DATABASE_STALE', facts: { ageHours: 192 } });
  });

  test.each([['there is no database', () => `localhost:${served.port}/mirror/none:2`], ['nobody answers', () => 'localhost:9/mirror/trivy-db:2']])('when %s', async (_, repository) => {
    await expect(scanImage({ ...(await build()), ctx: { ...ctx, clock: { ...ctx.clock, sleep: async () => undefined } }, databaseRepository: repository(), isolation: 'none' })).rejects.toMatchObject({ code: 'SCAN_DATABASE_UNAVAILABLE' });
  });

  test('when an image with a distribution has no package database', async () => {
    await expect(scan(await build([{ platform: 'linux/amd64', packages: false, npm: { lodash: '4.17.20' } }]))).rejects.toMatchObject({ code: 'SCAN_NO_PACKAGES' });
  });

  test('when an image holds nothing that the scanner knows', async () => {
    await expect(scan(await build([{ platform: 'linux/amd64', debian: false }]))).rejects.toMatchObject({ code: 'SCAN_NO_PACKAGES' });
  });

  test('when an image holds Java archives and no Java database is named', async () => {
    const archive = { path: 'app/app.jar', content: Buffer.from('UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==', 'base64') };
    await expect(scan(await build([{ platform: 'linux/amd64', files: [archive] }]))).rejects.toMatchObject({ code: 'SCAN_FAILED', hint: expect.stringContaining('Java') as string });
  });

  test('when there is no trivy', async () => {
    const tools = (await createNodeContext({ workspace, env: { PATH: '/usr/bin:/bin', HOME: workspace, PRATIQUE_TOOLS: join(workspace, 'none') }, fetch: () => Promise.reject(new TypeError('fetch failed')), print: () => undefined })).tools;
    await expect(scanImage({ ctx: { ...ctx, tools }, ...(await build()), databaseRepository: database, isolation: 'none' })).rejects.toMatchObject({ code: 'TOOL_MISSING' });
  });
});

describe("users' own reports", () => {
  const version = (updatedAt: string): string => JSON.stringify({ Version: '0.72.0', VulnerabilityDB: { Version: 2, UpdatedAt: updatedAt } });

  test('are matched to platforms, and get SBOMs', async () => {
    const built = await build();
    const scans = await scan(built);
    for (const [index, { report }] of scans.entries()) await writeFile(join(workspace, `report-${index}.json`), report);
    await writeFile(join(workspace, 'version.json'), version(new Date().toISOString()));
    const own = await readUserReports({ ctx, ...built, paths: ['report-1.json', 'report-0.json', 'version.json'], isolation: 'job' });
    expect(own.map(({ run }) => run.platform).sort()).toEqual(['linux/amd64', 'linux/arm64']);
    expect(text(own.find(({ run }) => run.platform === 'linux/arm64')?.cyclonedx)).toBe(text(scans[1]?.cyclonedx));
  });

  test('of grype get their packages counted by us', async () => {
    const built = await build();
    const { platforms } = await readImage(built.layout, built.image);
    const grype = JSON.parse(await readFile(new URL('../fixtures/reports/grype-arm64.json', import.meta.url), 'utf8')) as { source: { target: object }; descriptor: { db: { status: object } } };
    for (const { platform, configDigest } of platforms) {
      Object.assign(grype.source.target, { imageID: configDigest, config: null });
      Object.assign(grype.descriptor.db.status, { built: new Date().toISOString() });
      await writeFile(join(workspace, `${platform.architecture}.json`), JSON.stringify(grype));
    }
    const own = await readUserReports({ ctx, ...built, paths: ['amd64.json', 'arm64.json'], isolation: 'none' });
    expect(own.map(({ run }) => [run.platform, run.scanner.name, run.packageCount])).toEqual([['linux/amd64', 'grype', 2], ['linux/arm64', 'grype', 3]]);
  });

  test.each<[string, string, (reports: string[]) => Promise<string[]> | string[]]>([
    ['for one platform only', 'SCAN_NOT_BOUND', (reports) => reports.slice(1)],
    ['twice for one platform', 'INPUT_INVALID', (reports) => [...reports, reports[0] ?? '']],
    ['that are not there', 'INPUT_INVALID', () => ['nothing.json']],
    ['whose database has no date', 'SCAN_DATABASE_STALE', (reports) => reports.filter((name) => name !== 'version.json')],
  ])('%s: %s', async (_, code, choose) => {
    const built = await build();
    for (const [index, { report }] of (await scan(built)).entries()) await writeFile(join(workspace, `report-${index}.json`), report);
    await writeFile(join(workspace, 'version.json'), version(new Date().toISOString()));
    await expect(readUserReports({ ctx, ...built, paths: await choose(['report-0.json', 'report-1.json', 'version.json']), isolation: 'none' })).rejects.toMatchObject({ code });
  });
});
