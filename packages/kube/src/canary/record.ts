// SPDX-License-Identifier: Apache-2.0
// The journal of a canary: written before each effect, so that whoever comes after a killed run knows what may have happened.
import { Failure, isJsonObject, parseJsonObject } from '@pratique/core';

/**
 * How far a run has come. `installing`: twins may be there. `routing`: the route may have been changed. `first`: the main release may have been
 * installed for the first time. `promoting`: the main release may have been upgraded. `promoted`: it was, and is ready. `reverting`: everything goes
 * back to what was before.
 */
export type CanaryStage = 'installing' | 'routing' | 'first' | 'promoting' | 'promoted' | 'reverting';

/** What stands in the cluster while a canary is under way. */
export interface CanaryRecord {
  readonly version: 1;
  /** Address of the run that wrote it. */
  readonly run: string;
  /** `registry/repository@digest` of the canary. */
  readonly image: string;
  readonly stage: CanaryStage;
  /** Revision of the main release before; 0 on a first deployment. */
  readonly stableRevision: number;
  /** What the route has to become again, as `CanaryTraffic.open` gave it. */
  readonly originals?: string;
}

const stages: readonly string[] = ['installing', 'routing', 'first', 'promoting', 'promoted', 'reverting'] satisfies CanaryStage[];

/** The record as text. */
export function formatRecord(record: CanaryRecord): string {
  return JSON.stringify(record);
}

/** Reads a record strictly. Fails with `KUBE_JOURNAL_INVALID`: nothing is guessed about a cluster. */
export function readRecord(text: string): CanaryRecord {
  const found = parseJsonObject(text, 'the record of a canary', 'KUBE_JOURNAL_INVALID');
  const { version, run, image, stage, stableRevision, originals } = found;
  const holds = isJsonObject(found) && version === 1 && typeof run === 'string' && typeof image === 'string' && typeof stage === 'string' && stages.includes(stage)
    && Number.isSafeInteger(stableRevision) && Number(stableRevision) >= 0 && (originals === undefined || typeof originals === 'string');
  if (!holds) throw new Failure({ code: 'KUBE_JOURNAL_INVALID', message: 'the record of a canary in the cluster is not one that this version writes', facts: { version, stage } });
  return { version, run, image, stage: stage as CanaryStage, stableRevision: Number(stableRevision), ...(typeof originals === 'string' && { originals }) };
}
