// SPDX-License-Identifier: Apache-2.0
import { parsePinnedImage, type Failure } from '@pratique/core';
import { describe, expect, test } from 'vitest';
import { planJudge } from '../judge/settings.ts';
import { runCanary, type CanaryEnd, type CanaryPlan } from './run.ts';
import { createCluster, enterCluster, type Cluster, type Faults, type Kill } from './simulated-world.ts';

const image = parsePinnedImage(`registry.example/app@sha256:${'1'.repeat(64)}`);

function planOf(changes: Partial<CanaryPlan> = {}): CanaryPlan {
  return {
    image, run: 'https://ci.example/runs/1', arms: ['baseline', 'canary'], steps: [{ weight: 5, seconds: 10 }, { weight: 25, seconds: 10 }], judge: planJudge({ metrics: [{ name: 'errors' }], minimumDwellSeconds: 15, horizonSeconds: 120 }),
    onInsufficientData: 'rollback', cancelled: new AbortController().signal, timeoutSeconds: 60, ...changes,
  };
}

/** Runs to an end, or to a kill. */
async function play(cluster: Cluster, faults: Faults = {}, changes: Partial<CanaryPlan> = {}): Promise<CanaryEnd | Failure | 'dead'> {
  const { world, dead } = enterCluster(cluster, faults);
  return Promise.race([runCanary(world, planOf(changes)).catch((thrown: Failure) => thrown), dead]);
}

/** What must be true whenever nobody is at work. */
function expectClean(cluster: Cluster, mainImage: string | undefined): void {
  expect({ main: cluster.main?.image, twins: [...cluster.twins], route: cluster.route, record: cluster.record, broken: cluster.broken }).toEqual({
    main: mainImage, twins: [], route: { weights: { stable: 100, baseline: 0, canary: 0 }, open: false }, record: undefined, broken: [],
  });
}

describe('a canary', () => {
  test('that is as good as stable is promoted while it still serves, and nothing is left', async () => {
    const cluster = createCluster();
    const end = await play(cluster);
    expect(end).toMatchObject({ verdict: 'promoted', revision: 4, reached: { stable: 50, baseline: 25, canary: 25 } });
    expectClean(cluster, 'new');
    expect(cluster.effects.indexOf('upgrade')).toBeLessThan(cluster.effects.indexOf('close'));
    expect(cluster.effects.indexOf('close')).toBeLessThan(cluster.effects.indexOf('remove canary'));
  });

  test('that fails is rolled back, and stable was never touched', async () => {
    const cluster = createCluster();
    expect(await play(cluster, { canaryShare: 0.2 })).toMatchObject({ verdict: 'rolled-back', code: 'CANARY_REGRESSION', judgement: { verdict: 'rollback' }, revision: 3 });
    expect(cluster.effects).not.toContain('upgrade');
    expectClean(cluster, 'old');
  });

  test('that nobody asks is not promoted', async () => {
    const cluster = createCluster();
    expect(await play(cluster, { rate: 0 })).toMatchObject({ verdict: 'insufficient', code: 'CANARY_INSUFFICIENT' });
    expectClean(cluster, 'old');
  });

  test('that is held gets no traffic and stays for a look; the next run clears it away', async () => {
    const cluster = createCluster();
    expect(await play(cluster, { rate: 0 }, { onInsufficientData: 'hold' })).toMatchObject({ verdict: 'insufficient', held: ['baseline', 'canary'] });
    expect({ twins: cluster.twins.size, route: cluster.route }).toEqual({ twins: 2, route: { weights: { stable: 100, baseline: 0, canary: 0 }, open: false } });
    expect(await play(cluster)).toMatchObject({ verdict: 'promoted' });
    expectClean(cluster, 'new');
  });

  test('whose evidence is revoked under way is not promoted', async () => {
    const cluster = createCluster();
    expect(await play(cluster, { revokedAt: 2 })).toMatchObject({ code: 'VERDICT_REFUSED' });
    expect(cluster.effects).not.toContain('upgrade');
    expectClean(cluster, 'old');
  });

  test('without evidence touches nothing', async () => {
    const cluster = createCluster();
    expect(await play(cluster, { revokedAt: 1 })).toMatchObject({ code: 'VERDICT_REFUSED' });
    expect(cluster.effects).toEqual([]);
  });

  test('over a release that somebody upgrades touches nothing', async () => {
    const cluster = createCluster();
    expect(await play(cluster, { pending: true })).toMatchObject({ code: 'HELM_PENDING' });
    expect(cluster.effects).toEqual([]);
  });

  test('whose main release does not get ready is taken back to the revision before', async () => {
    const cluster = createCluster();
    expect(await play(cluster, { mainBroken: 'CANARY_NOT_READY' })).toMatchObject({ code: 'CANARY_NOT_READY' });
    expect(cluster.effects.indexOf('roll back')).toBeLessThan(cluster.effects.indexOf('close'));
    expectClean(cluster, 'old');
  });

  test('behind a gateway that ignores weights is no canary', async () => {
    const cluster = createCluster();
    const end = await play(cluster, { splitIgnored: Infinity }, { steps: [{ weight: 20, seconds: 30 }] });
    expect(end).toMatchObject({ code: 'CANARY_SPLIT_WRONG', message: expect.stringContaining('stable got 100.0 % instead of 60 %') });
    expectClean(cluster, 'old');
  });

  test('that dies under traffic is taken away at once, whatever the judge has seen', async () => {
    const cluster = createCluster();
    const end = await play(cluster, { dies: { arm: 'canary', after: 'shift 25' } });
    expect(end).toMatchObject({ verdict: 'rolled-back', code: 'CANARY_NOT_READY', words: 'the canary does not stay ready: CRASH_EXIT', reached: { canary: 25 }, judgement: { verdict: 'wait' }, revision: 3 });
    expect(cluster.effects[cluster.effects.indexOf('shift 25') + 1]).toBe('close');
    expectClean(cluster, 'old');
  });

  test('that fails because it died is explained by that, with the traffic back already', async () => {
    const cluster = createCluster();
    expect(await play(cluster, { canaryShare: 0.2, dies: { arm: 'canary', after: 'close' } })).toMatchObject({ verdict: 'rolled-back', code: 'CANARY_NOT_READY', judgement: { verdict: 'rollback' } });
    expectClean(cluster, 'old');
  });

  test('whose baseline dies is not to blame, and not promoted', async () => {
    const cluster = createCluster();
    expect(await play(cluster, { dies: { arm: 'baseline', after: 'shift 25' } }, { onInsufficientData: 'hold' })).toMatchObject({ verdict: 'insufficient', code: 'CANARY_BASELINE_FAILED', revision: 3, held: ['baseline', 'canary'] });
    expect({ twins: cluster.twins.size, route: cluster.route }).toEqual({ twins: 2, route: { weights: { stable: 100, baseline: 0, canary: 0 }, open: false } });
    expect(await play(cluster, { dies: { arm: 'baseline', after: 'shift 5' } })).toMatchObject({ code: 'CANARY_BASELINE_FAILED' });
    expectClean(cluster, 'old');
  });

  test('that dies while the release is upgraded is not promoted', async () => {
    const cluster = createCluster();
    const end = await play(cluster, { dies: { arm: 'canary', after: 'upgrade' } });
    expect(end).toMatchObject({ verdict: 'rolled-back', code: 'CANARY_NOT_READY', judgement: { verdict: 'promote' }, revision: 5 });
    expect(cluster.effects.slice(cluster.effects.indexOf('upgrade') + 1).slice(0, 3)).toEqual(['close', 'record reverting', 'roll back']);
    expectClean(cluster, 'old');
  });

  test('whose baseline dies while the release is upgraded is promoted, with the traffic at the release', async () => {
    const cluster = createCluster();
    expect(await play(cluster, { dies: { arm: 'baseline', after: 'upgrade' } })).toMatchObject({ verdict: 'promoted' });
    expect(cluster.effects[cluster.effects.indexOf('upgrade') + 1]).toBe('close');
    expectClean(cluster, 'new');
  });

  test('that nobody can watch goes no further', async () => {
    const cluster = createCluster();
    expect(await play(cluster, { blindAfter: 'shift 25' })).toMatchObject({ code: 'KUBE_UNAVAILABLE' });
    expectClean(cluster, 'old');
  });

  test.each(['canary', 'baseline'] as const)('gets no traffic while the %s does not answer', async (unreachable) => {
    const cluster = createCluster();
    expect(await play(cluster, { unreachable })).toMatchObject({ code: 'CANARY_UNREACHABLE' });
    expect(cluster.effects).not.toContain('open');
    expectClean(cluster, 'old');
  });

  test('behind a gateway that takes its time is judged when it has', async () => {
    const cluster = createCluster();
    const end = await play(cluster, { splitIgnored: 5 }, { steps: [{ weight: 20, seconds: 10 }, { weight: 30, seconds: 10 }] });
    expect(end).toMatchObject({ verdict: 'promoted', reached: { canary: 30 } });
    // The first look sets where counting begins, the second belongs to the weights before: the step lasts until the split is seen.
    expect((end as CanaryEnd).timeline.filter(({ weights }) => weights.canary === 20)).toHaveLength(5);
    expectClean(cluster, 'new');
  });

  test('that is cancelled sends its traffic back at once and leaves the rest to the next run', async () => {
    const cluster = createCluster();
    const cancel = new AbortController();
    const onEffect = (_effect: number, name: string): void => void (name === 'shift 25' && cancel.abort());
    expect(await play(cluster, { onEffect }, { cancelled: cancel.signal })).toMatchObject({ code: 'CANARY_CANCELLED' });
    expect({ weights: cluster.route.weights, stage: cluster.record?.stage, twins: cluster.twins.size }).toEqual({ weights: { stable: 100, baseline: 0, canary: 0 }, stage: 'reverting', twins: 2 });
    expect(await play(cluster)).toMatchObject({ verdict: 'promoted' });
    expectClean(cluster, 'new');
  });
});

test('a run whose lock another run has taken touches nothing any more', async () => {
  const cluster = createCluster();
  const lost = new AbortController();
  const onEffect = (_effect: number, name: string): void => void (name === 'shift 25' && lost.abort());
  expect(await play(cluster, { onEffect }, { cancelled: lost.signal, superseded: () => true })).toMatchObject({ code: 'CANARY_CANCELLED' });
  expect(cluster.effects.at(-1)).toBe('shift 25');
});

/** Nothing beside it to compare with. */
const limits: Partial<CanaryPlan> = { judge: planJudge({ metrics: [{ name: 'errors', limit: 0.01 }], minimumDwellSeconds: 15, horizonSeconds: 120 }) };
const blueGreen: Partial<CanaryPlan> = { ...limits, arms: ['canary'], steps: [{ weight: 100, seconds: 20 }] };

describe('blue-green', () => {
  test('gives everything to the new version at once, and upgrades the release behind it', async () => {
    const cluster = createCluster();
    expect(await play(cluster, {}, blueGreen)).toMatchObject({ verdict: 'promoted', revision: 4, reached: { stable: 0, baseline: 0, canary: 100 } });
    expect(cluster.effects.filter((name) => !name.startsWith('record'))).toEqual(['install canary', 'open', 'shift 100', 'upgrade', 'close', 'remove canary', 'remove baseline', 'settle']);
    expectClean(cluster, 'new');
  });

  test('switches back before it clears away', async () => {
    const cluster = createCluster();
    expect(await play(cluster, { canaryShare: 0.1 }, blueGreen)).toMatchObject({ verdict: 'rolled-back', code: 'CANARY_REGRESSION', revision: 3 });
    expect(cluster.effects.indexOf('close')).toBeLessThan(cluster.effects.indexOf('remove canary'));
    expect(cluster.effects).not.toContain('upgrade');
    expectClean(cluster, 'old');
  });

  test('that is cancelled switches back at once', async () => {
    const cluster = createCluster();
    const cancel = new AbortController();
    const onEffect = (_effect: number, name: string): void => void (name === 'shift 100' && cancel.abort());
    expect(await play(cluster, { onEffect }, { ...blueGreen, cancelled: cancel.signal })).toMatchObject({ code: 'CANARY_CANCELLED' });
    expect({ open: cluster.route.open, stage: cluster.record?.stage }).toEqual({ open: false, stage: 'reverting' });
  });

  test('waits for a gateway that comes round late', async () => {
    const cluster = createCluster();
    expect(await play(cluster, { splitIgnored: 4 }, blueGreen)).toMatchObject({ verdict: 'promoted' });
    expectClean(cluster, 'new');
  });

  test('behind a gateway that goes on with stable is noticed', async () => {
    const cluster = createCluster();
    expect(await play(cluster, { splitIgnored: 100 }, blueGreen)).toMatchObject({ code: 'CANARY_SPLIT_WRONG', message: expect.stringContaining('stable got 100.0 % instead of 0 %') });
    expectClean(cluster, 'old');
  });
});

describe('a first deployment', () => {

  test('that holds its limits stays', async () => {
    const cluster = createCluster({ empty: true });
    expect(await play(cluster, {}, limits)).toMatchObject({ verdict: 'promoted', revision: 1 });
    expectClean(cluster, 'new');
  });

  test('that dies is taken away', async () => {
    const cluster = createCluster({ empty: true });
    expect(await play(cluster, { dies: { arm: 'canary', after: 'upgrade' } }, limits)).toMatchObject({ verdict: 'rolled-back', code: 'CANARY_NOT_READY', revision: 0 });
    expectClean(cluster, undefined);
  });

  test('that does not is taken away', async () => {
    const cluster = createCluster({ empty: true });
    expect(await play(cluster, { canaryShare: 0.1 }, limits)).toMatchObject({ verdict: 'rolled-back', code: 'CANARY_REGRESSION', revision: 0 });
    expectClean(cluster, undefined);
  });
});

describe('a run that is killed at any of its effects', () => {
  const cases: readonly { readonly name: string; readonly faults: Faults; readonly empty?: boolean; readonly changes?: Partial<CanaryPlan> }[] = [
    { name: 'on its way to promotion', faults: {} },
    { name: 'on its way back', faults: { canaryShare: 0.2 } },
    { name: 'with a main release that does not get ready', faults: { mainBroken: 'CANARY_NOT_READY' } },
    { name: 'with a canary that dies while the release is upgraded', faults: { dies: { arm: 'canary', after: 'upgrade' } } },
    { name: 'on a first deployment', faults: {}, empty: true, changes: limits },
    { name: 'in blue-green', faults: {}, changes: blueGreen },
    { name: 'in blue-green, on its way back', faults: { canaryShare: 0.2 }, changes: blueGreen },
  ];

  test.each(cases)('$name is mended by the next run', async ({ faults, empty = false, changes = {} }) => {
    const undisturbed = createCluster({ empty });
    await play(undisturbed, faults, changes);
    expect(undisturbed.effects.length).toBeGreaterThan(3);
    const kills = undisturbed.effects.flatMap((_name, index): Kill[] => [{ effect: index + 1, when: 'before' }, { effect: index + 1, when: 'after' }]);
    for (const kill of kills) {
      const cluster = createCluster({ empty });
      expect(await play(cluster, { ...faults, kill }, changes), JSON.stringify(kill)).toBe('dead');
      const again = await play(cluster, {}, changes);
      expect(again, JSON.stringify({ kill, effects: cluster.effects })).toMatchObject({ verdict: 'promoted' });
      expectClean(cluster, 'new');
    }
  });
});
