// SPDX-License-Identifier: Apache-2.0
// Whose raw counters are read: those of a gateway by preset, or the application's own by a selector.
import { Failure } from '@pratique/core';
import { findPreset, ownPreset, type CounterPreset } from '@pratique/kube';
import type { Inputs } from './inputs.ts';

const invalid = (message: string, hint: string): Failure => new Failure({ code: 'INPUT_INVALID', message, hint });
const example = 'For example: counters: application, counters-requests: http_requests_total{namespace="$namespace",pod=~"$pods"}';

/** The preset that the inputs mean. Fails with `INPUT_INVALID`. */
export function countersOf({ counters, 'counters-requests': requests, 'counters-buckets': buckets, 'counters-status': statusLabel, 'counters-failed': failed }: Inputs): CounterPreset {
  if (counters !== 'application') {
    if (requests === undefined && buckets === undefined) return findPreset(counters);
    throw invalid(`inputs counters-requests and counters-buckets belong to counters: application, not to ${counters}`, 'Set counters: application, or leave them out.');
  }
  if (requests === undefined) throw invalid('input counters-requests: is required with counters: application', example);
  return ownPreset({ requests, statusLabel, failed, ...(buckets !== undefined && { buckets }) });
}

/** Whether the backends are told apart by names of pods. */
export function countsPods({ counters, 'counters-requests': requests = '', 'counters-buckets': buckets = '' }: Inputs): boolean {
  return counters === 'application' && /\$pods\b/.test(`${requests}${buckets}`);
}

/** Whether this split can be judged by these counters. Fails with `INPUT_INVALID`, before anything is asked of the cluster. */
export function requireCounters(given: Inputs): void {
  countersOf(given);
  if (given.split !== 'replicas') return;
  if (given.strategy === 'blue-green') throw invalid('split: replicas cannot switch everything at once, as strategy: blue-green does', 'Take strategy: canary, or split by a route.');
  if (given.counters !== 'application') throw invalid(`counters: ${given.counters} counts by Service, and with split: replicas stable, baseline and canary are behind one`, `Count in the pods. ${example}`);
  for (const name of ['counters-requests', 'counters-buckets'] as const) {
    if (given[name] !== undefined && !/\$pods\b/.test(given[name])) throw invalid(`input ${name}: without $pods stable, baseline and canary cannot be told apart with split: replicas`, example);
  }
}
