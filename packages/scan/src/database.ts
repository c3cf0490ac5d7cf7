// SPDX-License-Identifier: Apache-2.0
// The vulnerability database: pinned to a digest, fetched once for all platforms, and young enough.
import { Failure, isJsonObject, parseJsonObject, retry, type Context, type Digest, type JsonObject } from '@pratique/core';
import { createRegistry, parseReference } from '@pratique/oci';
import { fieldsOf } from './json-fields.ts';
import { databaseArguments, cacheFolder, lastLines, reasonOf, type Trivy } from './trivy.ts';

/** Where trivy's database comes from when no input says otherwise (the default of trivy 0.72), in this order. */
export const publicDatabases = ['mirror.gcr.io/aquasec/trivy-db:2', 'ghcr.io/aquasecurity/trivy-db:2'] as const;

/** Its index of Java archives. */
export const publicJavaDatabase = 'mirror.gcr.io/aquasec/trivy-java-db:1';

/** Oldest database that is used when nothing else is said. It is built anew every six hours. */
export const defaultMaxAgeHours = 48;

/** A database that stands in trivy's cache. */
export interface Database {
  readonly digest: Digest;
  readonly version: string;
  /** When it was built, RFC 3339. */
  readonly updatedAt: string;
}

// Clocks of runners and of the database's builder differ a little.
const futureHours = 1;

/** Fetches the database. Fails with `SCAN_DATABASE_UNAVAILABLE` and `SCAN_DATABASE_STALE`. */
export async function fetchDatabase(ctx: Context, trivy: Trivy, options: { readonly repository?: string | undefined; readonly maxAgeHours?: number | undefined }): Promise<Database> {
  const candidates = options.repository === undefined ? publicDatabases : [options.repository];
  const digest = await firstThatWorks(candidates, async (candidate) => {
    const pinned = await pinRepository(ctx, candidate);
    await retry(() => download(trivy, pinned.reference), { clock: ctx.clock, signal: ctx.signal, attempts: 4, firstWaitSeconds: 2, budgetSeconds: 300 });
    return pinned.digest;
  });
  const { stdout } = await trivy.run({ args: ['version', '--format', 'json', '--cache-dir', cacheFolder], timeoutSeconds: 60 });
  const facts = readVersionDocument(parseJsonObject(stdout, 'the output of trivy version', 'SCAN_DATABASE_UNAVAILABLE'));
  if (facts === undefined) throw unavailable('trivy fetched a database but names none', []);
  requireFresh(facts.updatedAt, ctx.clock.now(), options.maxAgeHours);
  return { digest, ...facts };
}

/** Resolves a tag, so that what is fetched is what is recorded. Anonymous. */
export async function pinRepository(ctx: Context, text: string): Promise<{ reference: string; digest: Digest }> {
  const { registry, repository, reference } = parseReference(text);
  const descriptor = await createRegistry({ registry, fetch: ctx.fetch, clock: ctx.clock, signal: ctx.signal }).repository(repository).resolve(reference);
  if (descriptor === undefined) throw unavailable(`there is no database at ${text}`, []);
  return { reference: `${registry}/${repository}@${descriptor.digest}`, digest: descriptor.digest };
}

async function firstThatWorks<T>(candidates: readonly string[], work: (candidate: string) => Promise<T>): Promise<T> {
  const failures: unknown[] = [];
  for (const candidate of candidates) {
    try {
      return await work(candidate);
    } catch (thrown) {
      if (thrown instanceof Failure && ['TOOL_MISSING', 'INPUT_INVALID', 'CANCELLED'].includes(thrown.code)) throw thrown;
      failures.push(thrown);
    }
  }
  throw unavailable(`the vulnerability database could not be fetched from ${candidates.join(' or ')}`, failures);
}

async function download(trivy: Trivy, reference: string): Promise<void> {
  const result = await trivy.run({ args: databaseArguments(reference), timeoutSeconds: 600, credentials: true });
  if (result.exitCode === 0) return;
  const lines = lastLines(result);
  throw new Failure({ code: 'SCAN_DATABASE_UNAVAILABLE', message: `trivy could not fetch ${reference}: ${reasonOf(lines)}`, facts: { exitCode: result.exitCode, lastLines: lines } });
}

function unavailable(message: string, failures: readonly unknown[]): Failure {
  const cause = failures.length > 1 ? new AggregateError(failures, failures.map(String).join('; ')) : failures[0];
  return new Failure({
    code: 'SCAN_DATABASE_UNAVAILABLE', message, cause,
    hint: 'Check the input scanner-database, or mirror it into your registry: oras copy ghcr.io/aquasecurity/trivy-db:2 REGISTRY/mirror/trivy-db:2',
  });
}

/** What `trivy version --format json` says about the database; `undefined` when there is none. Fails with `SCAN_DATABASE_UNAVAILABLE`. */
export function readVersionDocument(document: JsonObject): { version: string; updatedAt: string } | undefined {
  if (!isJsonObject(document['VulnerabilityDB'])) return undefined;
  const database = fieldsOf(document['VulnerabilityDB'], 'trivy version: VulnerabilityDB', 'SCAN_DATABASE_UNAVAILABLE');
  return { version: String(database.count('Version') ?? 'unknown'), updatedAt: database.time('UpdatedAt') };
}

/** Fails with `SCAN_DATABASE_STALE` when `updatedAt` lies more than `maxAgeHours` (default 48) before `now`, or after it. */
export function requireFresh(updatedAt: string, now: Date, maxAgeHours: number = defaultMaxAgeHours): void {
  const hours = (now.getTime() - Date.parse(updatedAt)) / 3_600_000;
  if (hours <= maxAgeHours && hours >= -futureHours) return;
  throw new Failure({
    code: 'SCAN_DATABASE_STALE',
    message: hours > 0 ? `the vulnerability database is of ${updatedAt}, ${Math.floor(hours)} hours old; at most ${maxAgeHours} are allowed` : `the vulnerability database is of ${updatedAt}, which is still to come`,
    hint: 'See whether the mirror is still filled, or name another one with the input scanner-database.',
    facts: { updatedAt, ageHours: Math.round(hours), maxAgeHours },
  });
}
