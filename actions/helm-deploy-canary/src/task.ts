// SPDX-License-Identifier: Apache-2.0
// What each strategy is given, and what it answers.
import type { Context } from '@pratique/core';
import type { ChartFinding } from '@pratique/kube';
import type { StepResult } from '@pratique/step';
import type { Admission } from './admission.ts';
import type { Connection } from './connection.ts';
import type { Inputs } from './inputs.ts';
import type { Rendered } from './plan.ts';

export const outputs = {
  verdict: 'promoted, rolled-back, insufficient, or failed when it could not be brought to an end; with dry-run: planned.',
  code: 'Why it was not promoted.',
  reason: 'The same in words: which line was crossed, with which evidence.',
  strategy: 'The strategy by which it was deployed; of interest with auto.',
  revision: 'Revision of the release now.',
  'weights-reached': 'The largest weights, as stable/baseline/canary in percent; empty for rolling.',
  samples: 'Requests of the canary that were judged.',
  judgement: 'Figures of the judge as JSON.',
  residue: 'Objects of the canary that are left: 0, or the run fails; more only with on-insufficient-data: hold.',
  attestation: 'Digest of the signed record on the image; empty when nothing was proven, and with attest: false.',
  report: 'The report, one HTML file: verdict, plots, figures, diagnosis. Written for every run that came to judging, also when it failed.',
};

export type Result = StepResult<typeof outputs>;

/** Who holds the lock of a release. */
export interface Holder {
  readonly given: Pick<Inputs, 'release' | 'namespace'>;
  readonly ctx: Context;
  readonly connection: Connection;
  readonly fence: number;
  readonly predecessor: string | undefined;
}

/** One deployment: the lock is held, and what an earlier run left is put back. */
export interface Task extends Holder {
  readonly given: Inputs;
  /** Its signal ends with the lock. */
  readonly ctx: Context;
  readonly admission: Admission;
  /** Address of this run. */
  readonly run: string;
  readonly superseded: () => boolean;
  /** What runs now; 0 before the first deployment. */
  readonly stableRevision: number;
  readonly rendered: Rendered;
  /** What is not well about the chart, though it does not refuse it. */
  readonly findings: readonly ChartFinding[];
}

/** Deploys, or only plans when it is a dry run. */
export type Strategy = (task: Task) => Promise<Result>;
