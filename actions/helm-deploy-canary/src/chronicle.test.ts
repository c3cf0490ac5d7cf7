// SPDX-License-Identifier: Apache-2.0
import { parsePinnedImage } from '@pratique/core';
import { planJudge, runCanary, type CanaryPlan } from '@pratique/kube';
import { describe, expect, test } from 'vitest';
import { createCluster, enterCluster } from '../../../packages/kube/src/canary/simulated-world.ts';
import { startChronicle, type Chronicle } from './chronicle.ts';

async function play(faults: Parameters<typeof enterCluster>[1], changes: Partial<CanaryPlan> = {}): Promise<Chronicle> {
  const { world } = enterCluster(createCluster(), faults);
  const chronicle = startChronicle(world.clock);
  const plan: CanaryPlan = {
    image: parsePinnedImage(`registry.example/app@sha256:${'1'.repeat(64)}`), run: 'https://ci.example/runs/1', arms: ['baseline', 'canary'], steps: [{ weight: 5, seconds: 10 }], judge: planJudge({ metrics: [{ name: 'errors' }], minimumDwellSeconds: 15, horizonSeconds: 120 }),
    onInsufficientData: 'rollback', cancelled: new AbortController().signal, timeoutSeconds: 60, ...changes,
  };
  await runCanary(chronicle.follow(world), plan).catch(() => undefined);
  return chronicle;
}

describe('a chronicle', () => {
  test('has each thing that a promotion did, in order, with its time', async () => {
    const { entries, startedAt, timeline, judgement } = await play({});
    expect(entries.map(({ words }) => words)).toEqual([
      'Asked the registry for the release verdict', 'Installed the baseline, and waited until it was ready', 'Installed the canary, and waited until it was ready', 'Attached to the traffic, at weight 0',
      'Shifted the traffic: stable 90 %, baseline 5 %, canary 5 %', 'Asked the registry for the release verdict', 'Upgraded the release, and waited until it was ready', 'Gave all traffic back to stable',
      'Uninstalled the canary', 'Uninstalled the baseline', 'Settled the release as the chart alone renders it',
    ]);
    expect(entries.some(({ failed }) => failed)).toBe(false);
    expect(entries.at(-1)?.at.getTime()).toBeGreaterThan(startedAt.getTime());
    expect(judgement).toMatchObject({ verdict: 'promote' });
    expect(timeline.at(-1)).toMatchObject({ weights: { canary: 5 }, counts: { errors: { canary: { failures: 0 } } } });
  });

  test('of a run that fails has what failed, and what was seen until then', async () => {
    const { entries, timeline, judgement } = await play({ mainBroken: 'HELM_FAILED' });
    expect(entries.filter(({ failed }) => failed).map(({ words }) => words)).toEqual(['Upgraded the release, and waited until it was ready']);
    expect(entries.at(-1)?.words).toMatch(/^Uninstalled/);
    expect([timeline.length > 0, judgement?.verdict]).toEqual([true, 'promote']);
  });
});
