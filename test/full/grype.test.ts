// SPDX-License-Identifier: Apache-2.0
// The real grype as a second witness: what it writes about each platform of a layout is read strictly, bound and counted; what it does not write is no report.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { formatPlatform, type ImagePlatform } from '@pratique/core';
import { createNodeContext, type NodeContext } from '@pratique/host';
import { createLayout, readImage, type Layout } from '@pratique/oci';
import { parseReport, readUserReports, toScanPredicate, type PlatformScan } from '@pratique/scan';
import { vulnerablePlatforms, writeSampleImage, type SampleImage } from '../fixtures/debian-image.ts';
import { grypeEnvironment, writeGrypeDatabase } from '../fixtures/grype-database.ts';
import { obtain } from '../tools/obtain.ts';

const built = new Date(Math.floor(Date.now() / 1000) * 1000 - 3_600_000);
let folder: string;
let grype: string;
let database: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pratique-grype-'));
  grype = (await obtain(['grype']))[0]?.path ?? '';
  database = await writeGrypeDatabase({ grype, folder: join(folder, 'database'), built });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

let ctx: NodeContext;
let workspace: string;
let layout: Layout;
let image: SampleImage;
let platforms: readonly ImagePlatform[];

beforeEach(async () => {
  workspace = await mkdtemp(join(folder, 'workspace-'));
  ctx = await createNodeContext({ workspace, print: () => undefined });
  layout = await createLayout(ctx.files, 'image');
  image = await writeSampleImage(layout);
  platforms = (await readImage(layout, image.index.digest)).platforms;
});

afterEach(() => ctx.close());

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly env?: Record<string, string>;
  readonly args?: readonly string[];
}

function runGrype(source: string, { env = database, args = [] }: RunOptions = {}): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(grype, [source, '-o', 'json', ...args], { env, cwd: workspace, timeout: 120_000, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, stdout, stderr });
    });
  });
}

/** Runs grype on the layout with one platform as its only entry: of several entries it takes none. */
async function scanPlatform(platform: ImagePlatform | undefined, options: RunOptions = {}): Promise<Ended> {
  await layout.writeIndex([(await layout.readManifest(platform?.digest ?? '')).descriptor]);
  const ended = await runGrype(`oci-dir:${join(workspace, 'image')}`, options);
  await layout.writeIndex([image.index]);
  return ended;
}

/** A report of each platform, in files, read as users' reports are. */
async function scanBoth(options: RunOptions = {}): Promise<{ scans: readonly PlatformScan[]; reports: string[] }> {
  const reports: string[] = [];
  for (const platform of platforms) {
    const { code, stdout, stderr } = await scanPlatform(platform, options);
    expect(code, stderr).toBe(0);
    await writeFile(join(workspace, `${platform.platform.architecture}.json`), stdout);
    reports.push(stdout);
  }
  const scans = await readUserReports({ ctx, layout, image: image.index.digest, paths: ['arm64.json', 'amd64.json'], isolation: 'none' });
  return { scans, reports };
}

const oldDatabase = (): Promise<Record<string, string>> => writeGrypeDatabase({ grype, folder: join(workspace, 'database'), built: new Date(built.getTime() - 8 * 24 * 3_600_000) });
const findingsOf = (scan: PlatformScan | undefined): string[] => parseReport(scan?.report ?? new Uint8Array()).findings.map(({ id, severity, fixDate }) => [id, severity, fixDate?.slice(0, 10)].filter(Boolean).join(' '));
const amd64Findings = ['GHSA-35jh-r3h4-6jhm high 2021-05-06', 'GHSA-29mw-wpgm-hmr9 medium 2022-01-06', 'CVE-2022-28391 negligible'];

describe('reports of the real grype', () => {
  test('are bound to their platforms, name scanner and database, and count packages', async () => {
    const { scans } = await scanBoth();
    expect(scans.map(({ run }) => run.platform)).toEqual(['linux/arm64', 'linux/amd64']);
    for (const { run, report } of scans) {
      const platform = platforms.find((one) => formatPlatform(one.platform) === run.platform) as ImagePlatform;
      expect(await toScanPredicate(run, report, platform)).toMatchObject({
        configDigest: platform.configDigest, diffIds: platform.diffIds, os: 'debian 12', packageCount: run.platform === 'linux/arm64' ? 3 : 2,
        scanner: { name: 'grype', version: '0.110.0' }, database: { version: 'v6.1.4', updatedAt: built.toISOString().replace('.000Z', 'Z') },
      });
      expect(parseReport(report)).toMatchObject({ configDigest: platform.configDigest, diffIds: platform.diffIds });
      expect(Math.abs(Date.now() - Date.parse(run.finishedAt))).toBeLessThan(600_000);
    }
  });

  test('are about what each platform holds', async () => {
    const { scans } = await scanBoth();
    expect(findingsOf(scans[1]).sort()).toEqual([...amd64Findings].sort());
    expect(findingsOf(scans[0]).sort()).toEqual([...amd64Findings, 'GHSA-xvch-5gv4-984h critical 2022-03-18'].sort());
    expect(parseReport(scans[1]?.report ?? new Uint8Array()).findings).toContainEqual(expect.objectContaining({
      id: 'GHSA-35jh-r3h4-6jhm', aliases: ['CVE-2021-23337'], package: 'lodash', installed: '4.17.20', fixed: '4.17.21', class: 'language',
      purl: 'pkg:npm/lodash@4.17.20', path: '/app/node_modules/lodash/package.json', url: 'https://github.com/advisories/GHSA-35jh-r3h4-6jhm',
    }));
  });

  test("count what the user's settings ignore, whatever reason these give", async () => {
    const rules = [{ vulnerability: 'CVE-2022-28391' }, { vulnerability: 'GHSA-35jh-r3h4-6jhm', reason: 'DistroPackageFixed' }];
    await writeFile(join(workspace, '.grype.yaml'), JSON.stringify({ ignore: rules, 'only-fixed': true }));
    const { scans, reports } = await scanBoth();
    expect((JSON.parse(reports[0] ?? '') as { ignoredMatches: unknown[] }).ignoredMatches).toHaveLength(2);
    expect(findingsOf(scans[1]).sort()).toEqual([...amd64Findings].sort());
  });

  test('do not list what grype knows to be mended by the distribution in files of its package', async () => {
    const files = [
      { path: 'etc/os-release', content: 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.20.3\n' }, { path: 'etc/alpine-release', content: '3.20.3\n' },
      { path: 'lib/apk/db/installed', content: 'P:busybox\nV:1.36.1-r29\nA:x86_64\nT:small\no:busybox\nL:MIT\nF:app\nF:app/node_modules\nF:app/node_modules/lodash\nR:package.json\n\n' },
    ];
    image = await writeSampleImage(layout, vulnerablePlatforms.map((sample) => ({ ...sample, debian: false, files })));
    platforms = (await readImage(layout, image.index.digest)).platforms;
    const { scans, reports } = await scanBoth();
    expect(JSON.parse(reports[0] ?? '')).not.toHaveProperty('ignoredMatches');
    expect(findingsOf(scans[1])).toEqual(['GHSA-35jh-r3h4-6jhm high 2021-05-06']);
  });

  test('that leave a part of the image out are refused', async () => {
    await expect(scanBoth({ args: ['--exclude', '/app/**'] })).rejects.toMatchObject({ code: 'SCAN_REPORT_INVALID' });
  });

  test('say that the distribution has reached its end of life', async () => {
    const env = await writeGrypeDatabase({ grype, folder: join(workspace, 'database'), built, endOfLife: new Date('2020-01-01T00:00:00Z') });
    const { scans } = await scanBoth({ env });
    expect(scans.map(({ report }) => parseReport(report).endOfLife)).toEqual([true, true]);
  });

  test('of one platform are of no use for the other', async () => {
    const { stdout } = await scanPlatform(platforms[0]);
    await writeFile(join(workspace, 'only.json'), stdout);
    await expect(readUserReports({ ctx, layout, image: image.index.digest, paths: ['only.json'], isolation: 'none' })).rejects.toMatchObject({ code: 'SCAN_NOT_BOUND' });
  });

  test('with an old database, which grype takes when told to, are stale', async () => {
    const env = { ...(await oldDatabase()), GRYPE_DB_VALIDATE_AGE: 'false' };
    await expect(scanBoth({ env })).rejects.toMatchObject({ code: 'SCAN_DATABASE_STALE' });
  });
});

describe('what grype writes when it fails is no report', () => {
  test.each<[string, () => Promise<Ended>, RegExp]>([
    ['without a database', () => scanPlatform(platforms[0], { env: grypeEnvironment(join(workspace, 'none')) }), /database does not exist/],
    ['with a database that is too old for it', async () => scanPlatform(platforms[0], { env: await oldDatabase() }), /was built .* ago/],
    ['for an image of several platforms', () => runGrype(`oci-dir:${join(workspace, 'image')}`), /unable to/],
  ])('%s', async (_, run, said) => {
    const { code, stdout, stderr } = await run();
    expect([code, stderr]).toEqual([1, expect.stringMatching(said)]);
    await writeFile(join(workspace, 'report.json'), stdout);
    await expect(readUserReports({ ctx, layout, image: image.index.digest, paths: ['report.json'], isolation: 'none' })).rejects.toMatchObject({ code: 'SCAN_REPORT_INVALID' });
  });

  test('nor is what it writes about a folder', async () => {
    const { code, stdout } = await runGrype(`dir:${workspace}`);
    expect(code).toBe(0);
    expect(() => parseReport(Buffer.from(stdout))).toThrow(expect.objectContaining({ code: 'SCAN_REPORT_INVALID' }) as Error);
  });
});
