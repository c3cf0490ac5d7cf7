// SPDX-License-Identifier: Apache-2.0
import { parsePinnedImage, type Failure } from '@pratique/core';
import { describe, expect, test } from 'vitest';
import type { RunPlan } from './undertaking.ts';
import { runRolling, type RollingEnd } from './rolling.ts';
import { createCluster, enterCluster, type Cluster, type Faults, type Kill } from './simulated-world.ts';

/** Runs to an end, or to a kill. */
async function play(cluster: Cluster, faults: Faults = {}, changes: Partial<RunPlan> = {}): Promise<RollingEnd | Failure | 'dead'> {
  const { world, dead } = enterCluster(cluster, faults);
  const plan = { image: parsePinnedImage(`registry.example/app@sha256:${'1'.repeat(64)}`), run: 'https://ci.example/runs/1', cancelled: new AbortController().signal, timeoutSeconds: 60, ...changes };
  return Promise.race([runRolling(world, plan).catch((thrown: Failure) => thrown), dead]);
}

const mainOf = ({ main, record }: Cluster): unknown => ({ image: main?.image, settled: main?.settled, record });
const clean = (image: string | undefined): unknown => ({ image, settled: image === undefined ? undefined : true, record: undefined });

describe('a rolling deployment', () => {
  test('upgrades once, and nothing is left', async () => {
    const cluster = createCluster();
    expect(await play(cluster)).toEqual({ verdict: 'promoted', revision: 4 });
    expect(cluster.effects.filter((name) => !name.startsWith('record') && !name.startsWith('remove'))).toEqual(['upgrade']);
    expect(mainOf(cluster)).toEqual(clean('new'));
  });

  test('that does not get ready goes back to the revision before, and says why', async () => {
    const cluster = createCluster();
    expect(await play(cluster, { mainBroken: 'CANARY_NOT_READY' })).toMatchObject({ verdict: 'rolled-back', failure: { code: 'CANARY_NOT_READY' }, revision: 5 });
    expect(mainOf(cluster)).toEqual(clean('old'));
  });

  test('whose upgrade fails goes back as well; that is an error', async () => {
    const cluster = createCluster();
    expect(await play(cluster, { mainBroken: 'HELM_FAILED' })).toMatchObject({ code: 'HELM_FAILED' });
    expect(mainOf(cluster)).toEqual(clean('old'));
  });

  test('that is the first one and does not get ready is taken away', async () => {
    const cluster = createCluster({ empty: true });
    expect(await play(cluster, { mainBroken: 'CANARY_NOT_READY' })).toMatchObject({ verdict: 'rolled-back', revision: 0 });
    expect(mainOf(cluster)).toEqual(clean(undefined));
  });

  test('without evidence touches nothing', async () => {
    const cluster = createCluster();
    expect(await play(cluster, { revokedAt: 1 })).toMatchObject({ code: 'VERDICT_REFUSED' });
    expect(cluster.effects).toEqual([]);
  });

  test('that is cancelled leaves the way back to the next run', async () => {
    const cluster = createCluster();
    const cancel = new AbortController();
    const onEffect = (_effect: number, name: string): void => void (name === 'upgrade' && cancel.abort());
    expect(await play(cluster, { onEffect, mainBroken: 'CANARY_NOT_READY' }, { cancelled: cancel.signal })).toMatchObject({ code: 'CANARY_CANCELLED' });
    expect(cluster.record?.stage).toBe('promoting');
    expect(await play(cluster, { revokedAt: 1 })).toMatchObject({ code: 'VERDICT_REFUSED' });
    expect(mainOf(cluster)).toEqual(clean('old'));
  });

  test.each<{ readonly name: string; readonly faults: Faults; readonly empty?: boolean }>([
    { name: 'on its way', faults: {} }, { name: 'on its way back', faults: { mainBroken: 'CANARY_NOT_READY' } },
    { name: 'for the first time', faults: {}, empty: true }, { name: 'for the first time, on its way back', faults: { mainBroken: 'CANARY_NOT_READY' }, empty: true },
  ])('killed at any of its effects $name is mended by the next run', async ({ faults, empty = false }) => {
    const undisturbed = createCluster({ empty });
    await play(undisturbed, faults);
    expect(undisturbed.effects.length).toBeGreaterThan(3);
    const kills = undisturbed.effects.flatMap((_name, index): Kill[] => [{ effect: index + 1, when: 'before' }, { effect: index + 1, when: 'after' }]);
    for (const kill of kills) {
      const cluster = createCluster({ empty });
      expect(await play(cluster, { ...faults, kill }), JSON.stringify(kill)).toBe('dead');
      expect(await play(cluster), JSON.stringify({ kill, effects: cluster.effects })).toMatchObject({ verdict: 'promoted' });
      expect(mainOf(cluster)).toEqual(clean('new'));
    }
  });
});
