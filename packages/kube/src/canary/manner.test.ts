// SPDX-License-Identifier: Apache-2.0
// A canary without a second arm beside it, and one whose shares are coarse.
import { parsePinnedImage } from '@pratique/core';
import { describe, expect, test } from 'vitest';
import { planJudge } from '../judge/settings.ts';
import { podWeights } from '../traffic/pod-plan.ts';
import type { SplitManner } from '../traffic/manner.ts';
import { runCanary, type CanaryPlan } from './run.ts';
import { createCluster, enterCluster } from './simulated-world.ts';
import type { CanaryWorld, Look } from './world.ts';

const judge = planJudge({ metrics: [{ name: 'errors' }], minimumDwellSeconds: 10, horizonSeconds: 60 });
const besideStable: SplitManner = { weights: (share) => ({ stable: 100 - share, baseline: 0, canary: share }), rival: 'stable', exact: true };

/** Runs with this traffic in each slot. */
async function play(manner: SplitManner, look: Look, changes: Partial<CanaryPlan> = {}) {
  const lines: string[] = [];
  const { world } = enterCluster(createCluster());
  const seen: CanaryWorld = { ...world, look: () => Promise.resolve(look), log: { ...world.log, line: (line) => void lines.push(line) } };
  const plan: CanaryPlan = {
    image: parsePinnedImage(`registry.example/app@sha256:${'1'.repeat(64)}`), run: 'https://ci.example/runs/1', arms: ['canary'], steps: [{ weight: 5, seconds: 10 }], manner, judge,
    onInsufficientData: 'rollback', cancelled: new AbortController().signal, timeoutSeconds: 60, ...changes,
  };
  return { end: await runCanary(seen, plan).catch((thrown: unknown) => thrown), lines };
}

/** Requests in a slot: of stable, which is the rival, and of the canary. */
const counted = (stable: number, canary: number, failures = 0): Look => ({ metrics: { errors: { baseline: { requests: stable, failures: 0 }, canary: { requests: canary, failures } } }, requests: { stable, baseline: 0, canary } });

describe('a canary beside stable alone', () => {
  test('is promoted, and rolled back, by a fraction of the traffic of what it is compared with', async () => {
    expect((await play(besideStable, counted(19_000, 1000))).end).toMatchObject({ verdict: 'promoted', reached: { stable: 95, baseline: 0, canary: 5 } });
    expect((await play(besideStable, counted(19_000, 1000, 60))).end).toMatchObject({ verdict: 'rolled-back', code: 'CANARY_REGRESSION' });
  });
  test('may be without a request for as long as its share makes that likely', async () => {
    // 240 requests by 40 s, none of the one in twenty: that happens. Of one in two it would not have after three slots.
    const { lines } = await play(besideStable, counted(30, 0));
    expect(lines.filter((line) => /^ +\d+ s/.test(line)).map((line) => [line.trim().split(' ')[0], line.includes('gets no requests')])).toEqual([5, 10, 15, 20, 25, 30, 35, 40, 45].map((seconds) => [String(seconds), seconds === 45]));
  });
  test('is refused behind a gateway that does not split so', async () => {
    expect((await play(besideStable, counted(500, 500), { judge: planJudge({ metrics: [{ name: 'errors' }], minimumDwellSeconds: 40, horizonSeconds: 60 }), steps: [{ weight: 5, seconds: 40 }] })).end).toMatchObject({ code: 'CANARY_SPLIT_WRONG' });
  });
});

test('where shares are coarse what was counted is shown, and held against nobody', async () => {
  const manner: SplitManner = { weights: () => podWeights(4, 1), rival: 'baseline', exact: false };
  const look: Look = { metrics: { errors: { baseline: { requests: 500, failures: 0 }, canary: { requests: 500, failures: 0 } } }, requests: { stable: 500, baseline: 500, canary: 500 } };
  const { end, lines } = await play(manner, look, { arms: ['baseline', 'canary'], steps: [{ weight: 10, seconds: 60 }] });
  expect(end).toMatchObject({ verdict: 'promoted', reached: podWeights(4, 1) });
  expect(lines.find((line) => line.includes('counted'))).toContain('stable 66.7 %, baseline 16.7 %, canary 16.7 %, counted stable 33.3 %, baseline 33.3 %, canary 33.3 %');
});
