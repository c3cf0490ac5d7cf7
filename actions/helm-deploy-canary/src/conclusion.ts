// SPDX-License-Identifier: Apache-2.0
// What is done when a run is over, however it ended: the signed record, the report, the summary.
import { asFailure, Failure, type Context } from '@pratique/core';
import type { CanaryEnd, Cluster } from '@pratique/kube';
import type { Admission } from './admission.ts';
import { attestRun } from './attestation.ts';
import type { Chronicle } from './chronicle.ts';
import type { Deployment } from './deployment.ts';
import type { Inputs } from './inputs.ts';
import { deploymentPage } from './report/page.ts';
import { recordRun, type RunRecord } from './run-record.ts';
import { summarize } from './summary.ts';

/** A run that is over. */
export interface ConclusionOptions {
  readonly given: Inputs;
  readonly ctx: Context;
  readonly admission: Admission;
  readonly cluster: Cluster;
  readonly deployment: Deployment;
  /** What the chart could do better. */
  readonly findings: RunRecord['chartFindings'];
  readonly chronicle: Chronicle;
  /** Its address. */
  readonly run: string;
}

/** What is told of it. */
export interface Conclusion {
  readonly record: RunRecord;
  readonly summary: string;
  /** Path of the report; empty when it could not be written. */
  readonly report: string;
  /** With which the run ends: its own, or that of its record when everything else went well. */
  readonly failure?: Failure;
}

/** Tells of the run. Never fails: what could not be told does not undo what was deployed. */
export async function conclude(options: ConclusionOptions, end: CanaryEnd | Failure): Promise<Conclusion> {
  const { given, ctx, admission: { image }, cluster, deployment, findings, chronicle, run } = options;
  const unsigned = recordRun({ given, image, server: cluster.server, run, deployment, findings, chronicle, now: ctx.clock.now() }, end);
  const attestation = await attestRun({ given, ctx, admission: options.admission, cluster, manifest: deployment.rendered.next }, unsigned).catch(asFailure);
  const record: RunRecord = attestation === undefined || attestation instanceof Failure ? unsigned : { ...unsigned, attestation };
  if (attestation instanceof Failure) ctx.log.notice({ level: 'warning', title: 'The record of this deployment is not signed', message: attestation.message });
  const failure = end instanceof Failure ? end : attestation instanceof Failure && end.verdict === 'promoted' ? unrecorded(attestation) : undefined;
  return { record, summary: summarize(record), report: await writeReport(given, ctx, record), ...(failure !== undefined && { failure }) };
}

/** Promoted it is, and that cannot be taken back for want of a record. */
function unrecorded(failure: Failure): Failure {
  return new Failure({ code: failure.code, message: `the image was promoted and serves, but the signed record of it could not be attached: ${failure.message}`, hint: `Run it again: the next run writes it. ${failure.hint ?? ''}`.trim(), facts: failure.facts, cause: failure });
}

async function writeReport({ report = '', release, namespace }: Inputs, ctx: Context, record: RunRecord): Promise<string> {
  const path = report === '' ? `deployment-${namespace}-${release}.html` : report;
  try {
    await ctx.files.write(path, deploymentPage(record));
    ctx.log.line(`report: ${path}`);
    return path;
  } catch (thrown) {
    ctx.log.notice({ level: 'warning', title: 'No report', message: `${path} could not be written: ${asFailure(thrown).message}` });
    return '';
  }
}
