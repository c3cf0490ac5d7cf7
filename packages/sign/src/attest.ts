// SPDX-License-Identifier: Apache-2.0
// Makes a plan of statements true on a registry: reuse what stands, sign the rest, attach, read back and verify, remove what is superseded.
import { digestOf, Failure, mapConcurrently, retry, type Context, type Digest, type SignerIdentity } from '@pratique/core';
import type { Repository } from '@pratique/oci';
import { readAttestation, writeAttestation, writeConfig } from './referrer.ts';
import type { StatementSigner } from './signer.ts';
import { findReusable, findSuperseded, readStanding, reuseKeyOf, type StandingAttestation } from './standing.ts';
import { encodeStatement, toStatement, type PlannedStatement } from './statement.ts';
import type { TrustMaterial } from './trust.ts';
import { verifyAttestation } from './verify.ts';

/** One statement of the plan, as it now stands in the registry. */
export interface Attested {
  readonly subject: Digest;
  readonly predicateType: string;
  /** Digest of the referrer manifest. */
  readonly attestation: Digest;
  /** It stood there already, signed in this run. */
  readonly reused: boolean;
  readonly logIndex?: string;
  readonly platform?: string;
}

export interface AttestOptions {
  readonly ctx: Context;
  readonly repository: Repository;
  readonly plan: readonly PlannedStatement[];
  /** Called once, and only when there is something to sign or to compare with. */
  readonly signer: () => Promise<StatementSigner>;
  readonly trust: TrustMaterial;
  /** Id of the workflow run; attempts of one run share it. */
  readonly runId: string;
}

interface Signed {
  readonly planned: PlannedStatement;
  readonly bundle: Uint8Array;
}

/** Statements under way at once, first to be signed, then to be attached; and subjects that are looked at. */
const concurrency = 4;

/**
 * Idempotent: a run that was killed can be run again, and signs only what is missing. Results are in the order of the plan.
 * Fails with `SIGN_*` or `REGISTRY_*`; attestations that were written before the failure stay and are found the next time.
 */
export async function attest(options: AttestOptions): Promise<readonly Attested[]> {
  const { ctx, repository, plan, trust, runId } = options;
  if (plan.length === 0) return [];
  const [signer, standing] = await Promise.all([options.signer(), readStanding(repository, plan, trust)]);
  const by = { signer: signer.identity, runId };
  const reusable = await Promise.all(plan.map((planned) => findReusable(standing, planned, by)));
  const missing = plan.filter((_, index) => reusable[index] === undefined);
  const signing = mapConcurrently(missing, concurrency, async (planned): Promise<Signed> => ({ planned, bundle: await signer.sign(toStatement(planned)) }));
  const [signed] = await Promise.all([signing, missing.length > 0 ? writeConfig(repository) : undefined]);
  const written = new Map(await attachAll(options, signed, by.signer));
  await requireListed(ctx, repository, [...written.values()]);
  const result = plan.flatMap((planned, index) => written.get(planned) ?? asReused(planned, reusable[index]) ?? []);
  await removeSuperseded(ctx, repository, findSuperseded(standing, plan, { signer: by.signer, kept: new Set(result.map((one) => one.attestation)) }));
  return result;
}

function asReused(planned: PlannedStatement, standing: StandingAttestation | undefined): Attested | undefined {
  return standing && { ...described(planned), attestation: standing.attestation, reused: true, logIndex: standing.logIndex };
}

function described(planned: PlannedStatement): Pick<Attested, 'subject' | 'predicateType' | 'platform'> {
  return { subject: planned.subject.digest, predicateType: planned.predicateType, ...(planned.platform === undefined ? {} : { platform: planned.platform }) };
}

/** When one fails, those that were begun end before that is told: whoever tries again finds all that was written. */
async function attachAll(options: AttestOptions, signed: readonly Signed[], signer: SignerIdentity): Promise<[PlannedStatement, Attested][]> {
  const begun: Promise<unknown>[] = [];
  try {
    return await mapConcurrently(signed, concurrency, (one) => {
      const attaching = reuseKeyOf(one.planned, signer, options.runId).then(async (key): Promise<[PlannedStatement, Attested]> => [one.planned, await attach(options, one, key)]);
      begun.push(attaching);
      return attaching;
    });
  } finally {
    await Promise.allSettled(begun);
  }
}

async function attach({ ctx, repository, trust }: AttestOptions, { planned, bundle }: Signed, reuseKey: string): Promise<Attested> {
  const { subject, predicateType } = planned;
  const attestation = await writeAttestation(repository, { subject, predicateType, bundle, bundleDigest: await digestOf(bundle), created: ctx.clock.now(), reuseKey });
  const logIndex = await verifyWritten(repository, { planned, attestation, trust });
  ctx.log.line(`attested ${predicateType} on ${subject.digest} as ${attestation}, log index ${logIndex}`);
  return { ...described(planned), attestation, reused: false, logIndex };
}

/** Second look, by the code that the gate uses, at what the registry gives back. */
async function verifyWritten(repository: Repository, written: { planned: PlannedStatement; attestation: Digest; trust: TrustMaterial }): Promise<string> {
  const { planned, attestation, trust } = written;
  const failed = (cause?: unknown): Failure => new Failure({
    code: 'SIGN_VERIFY_FAILED', message: `the attestation ${attestation} (${planned.predicateType}) on ${planned.subject.digest} does not verify`, ...(cause === undefined ? {} : { cause }),
    hint: 'The trusted root must name the servers of the signing configuration: check the inputs trusted-root and signing-config.',
  });
  try {
    const verified = await verifyAttestation({ bundle: await readAttestation(repository, attestation), subject: planned.subject.digest, trust });
    if (verified.payload !== await digestOf(encodeStatement(toStatement(planned)))) throw failed();
    return verified.logIndex;
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code.startsWith('ATTESTATION_')) throw failed(thrown);
    throw thrown;
  }
}

/** Registries index referrers late (ACR: seconds): waits until each new attestation is listed. Fails with `SIGN_NOT_LISTED` after about 60 s. */
async function requireListed(ctx: Context, repository: Repository, written: readonly Attested[]): Promise<void> {
  await mapConcurrently([...new Set(written.map((one) => one.subject))], concurrency, (subject) => {
    const wanted = written.filter((one) => one.subject === subject).map((one) => one.attestation);
    return retry(async () => {
      const listed = new Set((await repository.listReferrers(subject)).map((one) => one.digest));
      const hidden = wanted.filter((digest) => !listed.has(digest));
      if (hidden.length > 0) throw new Failure({ code: 'SIGN_NOT_LISTED', message: `the registry does not list ${hidden.length} new attestation(s) on ${subject}`, facts: { hidden } });
    }, { clock: ctx.clock, signal: ctx.signal, attempts: 20, budgetSeconds: 60 });
  });
}

async function removeSuperseded(ctx: Context, repository: Repository, superseded: readonly StandingAttestation[]): Promise<void> {
  for (const { attestation, subject, predicateType } of superseded) {
    try {
      await repository.deleteManifest(attestation);
      ctx.log.line(`removed ${attestation}, superseded on ${subject}`);
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown;
      // Roles often allow writing but not deleting. Both stand then, and the newer one counts.
      ctx.log.notice({ level: 'warning', title: thrown.code, message: `${predicateType} of an earlier run stays on ${subject} (${attestation}): ${thrown.message}` });
    }
  }
}
