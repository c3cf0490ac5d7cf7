// SPDX-License-Identifier: Apache-2.0
// Everything that summary, report and attestation tell of a run, gathered once: pure.
import { isJsonObject, type Digest, type Failure, type FailureCode, type PinnedImage } from '@pratique/core';
import { allStable, type CanaryEnd, type ChartFinding, type JudgeSettings, type Judgement, type LeftOut, type TimelinePoint, type Weights } from '@pratique/kube';
import type { Chronicle, ChronicleEntry } from './chronicle.ts';
import type { Deployment } from './deployment.ts';
import type { Inputs } from './inputs.ts';

/** A cause of why something did not get ready. */
export interface Finding {
  readonly code: string;
  readonly object: string;
  readonly cause: string;
  /** Events and log lines, redacted. */
  readonly evidence: readonly string[];
  readonly mend: string;
}

/** One run, when it is over. */
export interface RunRecord {
  readonly image: PinnedImage;
  readonly release: string;
  readonly namespace: string;
  readonly chart: string;
  readonly strategy: 'canary' | 'blue-green' | 'first deployment';
  readonly server: string;
  /** Address of the run. */
  readonly run: string;
  readonly startedAt: Date;
  readonly finishedAt: Date;
  readonly result: CanaryEnd['verdict'] | 'failed';
  readonly code?: FailureCode;
  readonly words: string;
  readonly hint?: string;
  /** Of the release afterwards; absent when the run failed. */
  readonly revision?: number;
  /** Largest weights. */
  readonly reached: Weights;
  readonly settings: JudgeSettings;
  readonly forecast: string;
  /** What of the split is not as one may expect. */
  readonly remarks: readonly string[];
  /** Absent when nothing was judged yet. */
  readonly judgement?: Judgement;
  readonly timeline: readonly TimelinePoint[];
  readonly entries: readonly ChronicleEntry[];
  /** What each arm consisted of. */
  readonly parts: readonly string[];
  readonly shared: readonly string[];
  readonly leftOut: readonly LeftOut[];
  readonly findings: readonly Finding[];
  /** What the chart could do better; none of it refused the deployment. */
  readonly chartFindings: readonly ChartFinding[];
  /** The signed attestation, once it is written. */
  readonly attestation?: Digest;
}

/** What a run leaves to tell of. */
export interface RunFacts {
  readonly given: Pick<Inputs, 'release' | 'namespace' | 'chart'>;
  readonly image: PinnedImage;
  readonly server: string;
  readonly run: string;
  readonly deployment: Pick<Deployment, 'arms' | 'judging' | 'strategy' | 'remarks'>;
  readonly findings: readonly ChartFinding[];
  readonly chronicle: Chronicle;
  readonly now: Date;
}

/** The record of a run that ended so. */
export function recordRun({ given, image, server, run, deployment, findings, chronicle, now }: RunFacts, end: CanaryEnd | Failure): RunRecord {
  const { arms, judging, strategy, remarks } = deployment;
  const shown = {
    image, release: given.release, namespace: given.namespace, chart: given.chart, strategy, remarks, server, run,
    startedAt: chronicle.startedAt, finishedAt: now, settings: judging.settings, forecast: judging.forecast, timeline: chronicle.timeline, entries: chronicle.entries,
    parts: (arms?.canary.objects ?? []).map(({ kind, metadata }) => `${kind} ${metadata.name}`), shared: arms?.canary.shared ?? [], leftOut: arms?.canary.leftOut ?? [], chartFindings: findings,
  } as const;
  if ('verdict' in end) {
    const { verdict: result, code, words, loss, revision, reached, judgement } = end;
    return { ...shown, result, ...(code !== undefined && { code }), words, revision, reached, judgement, ...(loss?.hint !== undefined && { hint: loss.hint }), findings: loss === undefined ? [] : findingsOf(loss) };
  }
  const { judgement, timeline } = chronicle;
  return {
    ...shown, result: 'failed', code: end.code, words: end.message, ...(end.hint !== undefined && { hint: end.hint }), reached: timeline.at(-1)?.weights ?? allStable,
    ...(judgement !== undefined && { judgement }), findings: findingsOf(end),
  };
}

function findingsOf({ facts }: Failure): Finding[] {
  const found: readonly unknown[] = Array.isArray(facts['findings']) ? facts['findings'] : [];
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  return found.filter(isJsonObject).map(({ code, object, cause, evidence, mend }) => ({
    code: text(code), object: text(object), cause: text(cause), evidence: Array.isArray(evidence) ? evidence.map(text) : [], mend: text(mend),
  }));
}
