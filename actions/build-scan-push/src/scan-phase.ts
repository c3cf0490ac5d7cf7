// SPDX-License-Identifier: Apache-2.0
// The phase scan: every platform, the evidence with its reports, SARIF, and the early look by policy.
import { join } from 'node:path';
import { Failure, type Context, type Reason, type ScanPredicate } from '@pratique/core';
import { judgeScans, parseExceptions, parsePolicy } from '@pratique/policy';
import { readImage } from '@pratique/oci';
import { readUserReports, scanImage, toSarifFile, toScanPredicate, writeEvidence, type PlatformScan, type ScanRun } from '@pratique/scan';
import type { Inputs } from './inputs.ts';
import { nameEntries, openTravelling, type Travelling } from './travelling-layout.ts';

/** What the policy says of the findings before anything is pushed; an exception counts here although nobody proved its approval yet. */
export interface EarlyLook {
  readonly verdict: 'passed' | 'refused';
  readonly reasons: readonly Reason[];
}

export interface ScanOutcome {
  readonly scans: readonly ScanPredicate[];
  readonly sarif: string;
  readonly look?: EarlyLook;
}

/** Scans the image of the layout and writes the evidence anew, in place of what an earlier scan wrote. */
export async function scanPhase(given: Inputs, ctx: Context, isolation: ScanRun['isolation']): Promise<ScanOutcome> {
  const before = await openTravelling(ctx, given);
  const scans = await ctx.log.group('Scan', () => scanAll(given, ctx, { ...before, isolation }));
  const evidence = await writeEvidence(before.layout, before.image, { ...before.content, scans });
  await nameEntries(before.layout, before.image, evidence);
  const predicates = await readScans({ ...before, content: { ...before.content, scans } });
  const sarif = await writeSarif(given, ctx, predicates);
  const look = given.policy === undefined ? undefined : await lookEarly(given.policy, ctx, predicates);
  return { scans: predicates, sarif, ...(look ? { look } : {}) };
}

function scanAll(given: Inputs, ctx: Context, at: Travelling & { isolation: ScanRun['isolation'] }): Promise<readonly PlatformScan[]> {
  const common = { ctx, layout: at.layout, image: at.image.digest, isolation: at.isolation, maxDatabaseAgeHours: given['scanner-database-max-age-hours'] };
  if (given.scanner === 'report') return readUserReports({ ...common, paths: given.reports ?? [] });
  const [database, javaDatabase] = [given['scanner-database'], given['scanner-java-database']];
  return scanImage({ ...common, ...(database === undefined ? {} : { databaseRepository: database }), ...(javaDatabase === undefined ? {} : { javaDatabaseRepository: javaDatabase }) });
}

/** The scans of the evidence as the gate will read them, each bound to its platform anew. */
export async function readScans({ layout, image, content }: Pick<Travelling, 'layout' | 'image' | 'content'>): Promise<ScanPredicate[]> {
  const { platforms } = await readImage(layout, image.digest);
  return Promise.all(content.scans.map(({ run, report }) => {
    const platform = platforms.find((one) => one.digest === run.digest);
    if (platform === undefined) throw new Failure({ code: 'BUILD_EVIDENCE_INVALID', message: `the scan of ${run.platform} is about ${run.digest}, which is no platform of the image` });
    return toScanPredicate(run, report, platform);
  }));
}

/** One file with one run for each platform: uploaded in one go, each is a category of its own. */
async function writeSarif(given: Inputs, ctx: Context, scans: readonly ScanPredicate[]): Promise<string> {
  const path = sarifPath(given.layout);
  const image = given.image?.repository ?? ctx.event.repository.name;
  await ctx.files.write(path, toSarifFile(scans, { image, file: join(given.context, given.dockerfile) }));
  return path;
}

/** Beside the layout. */
export function sarifPath(layout: string): string {
  return `${layout.replace(/\/+$/, '')}.sarif`;
}

async function lookEarly(folder: string, ctx: Context, scans: readonly ScanPredicate[]): Promise<EarlyLook> {
  const [policyFile, exceptionsFile] = [join(folder, 'policy.yaml'), join(folder, 'exceptions.yaml')];
  const text = await readText(ctx, policyFile);
  if (text === undefined) throw new Failure({ code: 'INPUT_INVALID', message: `input policy: there is no ${policyFile}`, hint: 'Name a folder of the workspace that holds policy.yaml.' });
  const exceptions = parseExceptions((await readText(ctx, exceptionsFile)) ?? '', exceptionsFile);
  const reasons = judgeScans({ policy: parsePolicy(text, policyFile), scans, exceptions, now: ctx.clock.now(), approvals: () => 'approved' });
  return { verdict: reasons.some((reason) => reason.effect === 'deny') ? 'refused' : 'passed', reasons };
}

async function readText(ctx: Context, path: string): Promise<string | undefined> {
  const file = await ctx.files.open(path);
  return file?.kind === 'file' ? new TextDecoder().decode(await file.bytes()) : undefined;
}
