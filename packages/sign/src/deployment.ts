// SPDX-License-Identifier: Apache-2.0
// Predicate of our own type deployment/v1: where a digest was deployed, how it was judged on live traffic, and how that ended.
import { Failure, isDigest, isJsonObject, type Digest } from '@pratique/core';
import { digestSet } from './statement.ts';

/** One metric at the end. Evidence is a natural logarithm of an e-value. */
export interface DeploymentMetric {
  readonly name: string;
  readonly baseline: { readonly requests: number; readonly failures: number };
  readonly canary: { readonly requests: number; readonly failures: number };
  /** That the canary is beyond the alarm line, and that it is below the promote line. */
  readonly alarmEvidence: number;
  readonly promoteEvidence: number;
  /** Share of failures, 0 to 1: `absolute + relative x baseline`. */
  readonly alarmLine: { readonly absolute: number; readonly relative: number };
  readonly promoteLine: { readonly absolute: number; readonly relative: number };
}

/** What is known of a deployment that was judged. */
export interface DeploymentFacts {
  readonly result: 'promoted' | 'rolled-back';
  /** Why it was rolled back. */
  readonly code?: string;
  readonly reason: string;
  readonly target: {
    /** Address of the API server, and digest of the UID of its namespace kube-system, which no other cluster has; absent when it may not be read. */
    readonly cluster: { readonly server: string; readonly id?: Digest };
    readonly namespace: string;
    readonly release: string;
  };
  readonly strategy: string;
  /** Revision of the release afterwards; 0 when there is none. */
  readonly revision: number;
  /** `digest` of a chart in a registry. `manifest`: digest of what it rendered, without Secrets. */
  readonly chart: { readonly uri: string; readonly digest?: Digest; readonly manifest: Digest };
  /** Largest weights in percent. */
  readonly weights: { readonly stable: number; readonly baseline: number; readonly canary: number };
  readonly judge: {
    /** Largest probability of rolling back without a reason, and of promoting what is worse. */
    readonly alpha: number;
    readonly beta: number;
    readonly alarm: { readonly evidence: number; readonly needed: number };
    readonly promote: { readonly evidence: number; readonly needed: number };
    readonly metrics: readonly DeploymentMetric[];
  };
  readonly startedAt: Date;
  readonly finishedAt: Date;
  /** URI of the run. */
  readonly run: string;
}

/** The predicate. Statements about the same `target` with the same `result` replace each other. */
export function deploymentPredicate({ chart, startedAt, finishedAt, run, reason, ...facts }: DeploymentFacts): object {
  return {
    ...facts, reason: reason.slice(0, 1000), run: { uri: run },
    chart: { uri: chart.uri, ...(chart.digest !== undefined && { digest: digestSet(chart.digest) }), manifest: digestSet(chart.manifest) },
    startedAt: startedAt.toISOString(), finishedAt: finishedAt.toISOString(),
  };
}

/** What readers show of a deployment. */
export type ReadDeployment = Pick<DeploymentFacts, 'result' | 'code' | 'reason' | 'target' | 'revision' | 'startedAt' | 'finishedAt' | 'run'>;

/** Reads a predicate strictly. Fails with `ATTESTATION_MALFORMED`. */
export function readDeploymentPredicate(predicate: unknown): ReadDeployment {
  const { result, code, reason, target, revision, startedAt, finishedAt, run } = objectOf(predicate, 'the predicate');
  if (result !== 'promoted' && result !== 'rolled-back') throw malformed('result is neither promoted nor rolled-back');
  const { cluster, namespace, release } = objectOf(target, 'target');
  const { server, id } = objectOf(cluster, 'target.cluster');
  if (!Number.isSafeInteger(revision)) throw malformed('revision is no whole number');
  if (id !== undefined && !isDigest(id)) throw malformed('target.cluster.id is not a digest');
  return {
    result, ...(code !== undefined && { code: textOf(code, 'code') }), reason: textOf(reason, 'reason'), revision: Number(revision),
    target: { cluster: { server: textOf(server, 'target.cluster.server'), ...(id !== undefined && { id }) }, namespace: textOf(namespace, 'target.namespace'), release: textOf(release, 'target.release') },
    startedAt: timeOf(startedAt, 'startedAt'), finishedAt: timeOf(finishedAt, 'finishedAt'), run: textOf(objectOf(run, 'run')['uri'], 'run.uri'),
  };
}

function objectOf(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (!isJsonObject(value)) throw malformed(`${name} is no object`);
  return value;
}

function textOf(value: unknown, name: string): string {
  if (typeof value !== 'string') throw malformed(`${name} is no text`);
  return value;
}

function timeOf(value: unknown, name: string): Date {
  const time = new Date(textOf(value, name));
  if (Number.isNaN(time.getTime())) throw malformed(`${name} is not a time`);
  return time;
}

function malformed(why: string): Failure {
  return new Failure({ code: 'ATTESTATION_MALFORMED', message: `the record of a deployment cannot be read: ${why}` });
}
