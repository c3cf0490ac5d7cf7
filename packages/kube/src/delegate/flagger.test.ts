// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../client/object.ts';
import { flaggerInterval, isFlaggerSettled, markFlagger, readFlagger } from './flagger.ts';

/** A status as Flagger 1.44 writes it. */
function canary(phase: string, status: Record<string, unknown> = {}, changedAt = '2026-11-21T10:00:00Z'): KubeObject {
  const promoted = { Succeeded: 'True', Initialized: 'True', Failed: 'False' }[phase] ?? 'Unknown';
  return {
    apiVersion: 'flagger.app/v1beta1', kind: 'Canary', metadata: { name: 'app', generation: 1 }, spec: { targetRef: { kind: 'Deployment', name: 'app' }, analysis: { interval: '10s', threshold: 3 } },
    status: {
      phase, canaryWeight: 0, failedChecks: 0, iterations: 0, lastAppliedSpec: 'old', lastPromotedSpec: 'old', lastTransitionTime: changedAt, ...status,
      conditions: [{ type: 'Promoted', status: promoted, reason: phase, message: `message of ${phase}`, lastUpdateTime: changedAt, lastTransitionTime: changedAt }],
    },
  };
}

const later = '2026-11-21T10:05:00Z';
const before = { succeeded: markFlagger(canary('Succeeded')), initialized: markFlagger(canary('Initialized')), failed: markFlagger(canary('Failed')), failedThere: markFlagger(canary('Failed', { lastAppliedSpec: 'bad' })), none: markFlagger(undefined) };

describe('a status is of our revision or of none', () => {
  test.each<[name: string, mark: keyof typeof before, now: KubeObject | undefined, expected: object]>([
    ['the success before ours', 'succeeded', canary('Succeeded'), { state: 'unseen' }],
    ['our start', 'succeeded', canary('Progressing', { lastAppliedSpec: 'new' }, later), { state: 'under-way', weight: 0 }],
    ['our weight', 'succeeded', canary('Progressing', { lastAppliedSpec: 'new', canaryWeight: 20, failedChecks: 1 }, later), { state: 'under-way', weight: 20, words: 'Progressing, 20 % to the canary, 1 of 3 failed checks: message of Progressing' }],
    ['a gate before it begins', 'succeeded', canary('Waiting', {}, later), { state: 'under-way' }],
    ['a gate before promotion', 'succeeded', canary('WaitingPromotion', { lastAppliedSpec: 'new', iterations: 4 }, later), { state: 'under-way', words: 'WaitingPromotion, iteration 4: message of WaitingPromotion' }],
    ['promoting', 'initialized', canary('Promoting', { lastAppliedSpec: 'new', canaryWeight: 50 }, later), { state: 'under-way', weight: 50 }],
    ['finalising', 'initialized', canary('Finalising', { lastAppliedSpec: 'new' }, later), { state: 'under-way' }],
    ['our success', 'initialized', canary('Succeeded', { lastAppliedSpec: 'new', lastPromotedSpec: 'new' }, later), { state: 'succeeded' }],
    ['our success after a failure of another', 'failed', canary('Succeeded', { lastAppliedSpec: 'new', lastPromotedSpec: 'new' }, later), { state: 'succeeded' }],
    ['our failure', 'succeeded', canary('Failed', { lastAppliedSpec: 'new' }, later), { state: 'failed', weight: 0 }],
    ['our failure after that of another', 'failed', canary('Failed', { lastAppliedSpec: 'new' }, later), { state: 'failed' }],
    ['a promotion that failed', 'succeeded', canary('Failed', { lastAppliedSpec: 'new', canaryWeight: 100 }, later), { state: 'failed', weight: 100 }],
    // SyncStatus in shouldAdvance: the hash is ours already, the phase is not.
    ['the failure before ours, with the hash of ours', 'failed', canary('Failed', { lastAppliedSpec: 'new' }), { state: 'unseen' }],
    ['what the primary runs, after a failure', 'failedThere', canary('Failed'), { state: 'succeeded' }],
    ['what failed before, once more', 'failedThere', canary('Failed', { lastAppliedSpec: 'bad' }), { state: 'unseen' }],
    ['a Canary that is new: nothing yet', 'none', undefined, { state: 'unseen' }],
    ['a Canary that is new: at work', 'none', canary('Initializing'), { state: 'under-way' }],
    ['a Canary that is new: done', 'none', canary('Initialized'), { state: 'succeeded' }],
    ['initialized long ago', 'initialized', canary('Initialized'), { state: 'unseen' }],
    ['a phase that nobody knows', 'succeeded', canary('Guessing', {}, later), { state: 'under-way' }],
    ['being deleted', 'succeeded', canary('Terminating', {}, later), { state: 'failed' }],
    ['suspended', 'succeeded', { ...canary('Succeeded', {}, later), spec: { suspend: true } }, { state: 'unseen' }],
  ])('%s', (_name, mark, now, expected) => {
    expect(readFlagger(now, before[mark])).toMatchObject(expected);
  });
});

test('only some phases are at rest', () => {
  const phases = ['', 'Initializing', 'Initialized', 'Waiting', 'Progressing', 'WaitingPromotion', 'Promoting', 'Finalising', 'Succeeded', 'Failed'];
  expect(phases.filter((phase) => isFlaggerSettled(canary(phase)))).toEqual(['Initialized', 'Succeeded', 'Failed']);
});

test.each([['15s', 15], ['5s', 10], ['1m', 60], ['1m30s', 90], ['1h', 3600], ['', 60], ['soon', 60]])('interval %s', (interval, seconds) => {
  expect(flaggerInterval({ ...canary('Succeeded'), spec: { analysis: { interval } } })).toBe(seconds);
});
